"""Member accounts that administer a service for the whole organization, and may read about it."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Account
from coldframe.services.organizations import answers
from coldframe.services.organizations.membership import managed, member, readable
from coldframe.services.organizations.pages import answer, items
from coldframe.services.organizations.reasons import constraint

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        DeregisterDelegatedAdministratorRequestTypeDef,
        ListDelegatedAdministratorsRequestTypeDef,
        ListDelegatedAdministratorsResponseTypeDef,
        ListDelegatedServicesForAccountRequestTypeDef,
        ListDelegatedServicesForAccountResponseTypeDef,
        RegisterDelegatedAdministratorRequestTypeDef,
    )


def register_delegated_administrator(
    call: Call, request: "RegisterDelegatedAdministratorRequestTypeDef"
) -> None:
    """Let a member account administer a service that has trusted access."""
    organization = managed(call)
    if organization.features != "ALL":
        raise constraint("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE")
    account = member(call, organization, request["AccountId"])
    if account.id == organization.management:
        raise constraint("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR")
    if account.status != "ACTIVE":
        raise constraint("CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR")
    principal = request["ServicePrincipal"]
    if principal not in organization.services:
        raise constraint("SERVICE_ACCESS_NOT_ENABLED")
    mine = organization.delegated.get(account.id, {})
    if principal in mine:
        raise ServiceFault(
            "AccountAlreadyRegisteredException",
            "The specified account is already a delegated administrator for this AWS service.",
        )
    mine = {**mine, principal: call.now // 1000}
    call.records.change(organization, delegated={**organization.delegated, account.id: mine})


def deregister_delegated_administrator(
    call: Call, request: "DeregisterDelegatedAdministratorRequestTypeDef"
) -> None:
    """End a member account's administration of a service."""
    organization = managed(call)
    account = member(call, organization, request["AccountId"])
    mine = organization.delegated.get(account.id, {})
    if request["ServicePrincipal"] not in mine:
        raise _not_registered()
    left = {name: since for name, since in mine.items() if name != request["ServicePrincipal"]}
    everybody = {**organization.delegated, account.id: left}
    call.records.change(
        organization, delegated={name: services for name, services in everybody.items() if services}
    )


def list_delegated_administrators(
    call: Call, request: "ListDelegatedAdministratorsRequestTypeDef"
) -> "ListDelegatedAdministratorsResponseTypeDef":
    """Return the accounts that administer a service, or any, by id."""
    organization = readable(call, request)
    principal = request.get("ServicePrincipal")
    wanted = [
        name
        for name, services in organization.delegated.items()
        if principal is None or principal in services
    ]
    found, token = items(call, request, wanted, str)
    shown: list[dict[str, Any]] = []
    for name in found:
        account: dict[str, Any] = dict(
            answers.of_account(call, organization, call.records.get(Account, name))
        )
        del account["Paths"]
        services = organization.delegated[name]
        since = services[principal] if principal is not None else min(services.values())
        shown.append({**account, "DelegationEnabledDate": answers.moment(since)})
    return answer("DelegatedAdministrators", shown, token)  # type: ignore[no-any-return]


def list_delegated_services_for_account(
    call: Call, request: "ListDelegatedServicesForAccountRequestTypeDef"
) -> "ListDelegatedServicesForAccountResponseTypeDef":
    """Return the services that an account administers, by name."""
    organization = readable(call, request)
    account = member(call, organization, request["AccountId"])
    mine = organization.delegated.get(account.id)
    if not mine:
        raise _not_registered()
    found, token = items(call, request, list(mine.items()), lambda item: item[0])
    shown = [
        {"ServicePrincipal": name, "DelegationEnabledDate": answers.moment(since)} for name, since in found
    ]
    return answer("DelegatedServices", shown, token)  # type: ignore[no-any-return]


def _not_registered() -> ServiceFault:
    return ServiceFault(
        "AccountNotRegisteredException",
        "The specified account is not a delegated administrator for this AWS service.",
    )
