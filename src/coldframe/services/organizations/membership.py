"""Who calls: the management account, a delegated administrator, or another member of the organization."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Account, Organization
from coldframe.services.organizations.identifiers import named, organization_arn


def organization_of(call: Call) -> Organization:
    """Return the organization of the caller's account; raises AWSOrganizationsNotInUseException."""
    account = call.records.find(Account, call.account)
    return call.records.get(Organization, account.organization if account is not None else "")


def managed(call: Call) -> Organization:
    """Return the organization that the caller's account manages; raises AccessDeniedException for any other member."""
    organization = organization_of(call)
    if organization.management != call.account:
        raise _denied()
    return organization


def delegated(call: Call, request: Mapping[str, Any]) -> Organization:
    """Return the organization for what its resource policy may open to member accounts too."""
    organization = organization_of(call)
    if organization.management != call.account and not _opened(call, organization, request):
        raise _denied()
    return organization


def readable(call: Call, request: Mapping[str, Any]) -> Organization:
    """Return the organization for what delegated administrators of any service may read as well."""
    organization = organization_of(call)
    if organization.management == call.account or organization.delegated.get(call.account):
        return organization
    if not _opened(call, organization, request):
        raise _denied()
    return organization


def member(call: Call, organization: Organization, account_id: str) -> Account:
    """Return an account of the organization; raises AccountNotFoundException for any other."""
    account = call.records.get(Account, account_id)
    if account.organization != organization.id:
        raise ServiceFault("AccountNotFoundException", "You specified an account that doesn't exist.")
    return account


def _opened(call: Call, organization: Organization, request: Mapping[str, Any]) -> bool:
    """Tell whether caller and resource policy both allow the operation on all that the request names."""
    if not organization.resource_policy:
        return False
    touched = named(call.installation.store, organization, request) or [organization_arn(organization)]
    return all(call.allowed(f"organizations:{call.operation}", resource) for resource in touched)


def _denied() -> ServiceFault:
    return ServiceFault("AccessDeniedException", "You don't have permissions to access this resource.")
