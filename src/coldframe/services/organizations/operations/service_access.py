"""Trusted access: the services that may act in all accounts of the organization."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.services.organizations import answers
from coldframe.services.organizations.membership import managed, readable
from coldframe.services.organizations.pages import answer, items
from coldframe.services.organizations.reasons import constraint, invalid

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        DisableAWSServiceAccessRequestTypeDef,
        EnableAWSServiceAccessRequestTypeDef,
        ListAWSServiceAccessForOrganizationRequestTypeDef,
        ListAWSServiceAccessForOrganizationResponseTypeDef,
    )


def enable_aws_service_access(call: Call, request: "EnableAWSServiceAccessRequestTypeDef") -> None:
    """Give a service trusted access; where it has it already, the time of that stays."""
    organization = managed(call)
    if organization.features != "ALL":
        raise constraint("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE")
    principal = _known(request["ServicePrincipal"])
    services = {principal: call.now // 1000, **organization.services}
    call.records.change(organization, services=services)


def disable_aws_service_access(call: Call, request: "DisableAWSServiceAccessRequestTypeDef") -> None:
    """Take a service's trusted access away, and with it the delegated administrators for that service."""
    organization = managed(call)
    principal = _known(request["ServicePrincipal"])
    services = {name: since for name, since in organization.services.items() if name != principal}
    remaining = {
        account: {name: since for name, since in delegated.items() if name != principal}
        for account, delegated in organization.delegated.items()
    }
    call.records.change(
        organization,
        services=services,
        delegated={account: delegated for account, delegated in remaining.items() if delegated},
    )


def list_aws_service_access_for_organization(
    call: Call, request: "ListAWSServiceAccessForOrganizationRequestTypeDef"
) -> "ListAWSServiceAccessForOrganizationResponseTypeDef":
    """Return the services that have trusted access, by name, and since when."""
    organization = readable(call, request)
    found, token = items(call, request, list(organization.services.items()), lambda item: item[0])
    shown = [{"ServicePrincipal": name, "DateEnabled": answers.moment(since)} for name, since in found]
    return answer("EnabledServicePrincipals", shown, token)  # type: ignore[no-any-return]


def _known(principal: str) -> str:
    if not principal.endswith(".amazonaws.com"):
        raise invalid("UNRECOGNIZED_SERVICE_PRINCIPAL")
    return principal
