"""Records in the shapes of the answers."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.identity import organization as organizations
from coldframe.identity.organization import ManagedControlPolicy
from coldframe.identity.records import Account, Organization, OrganizationalUnit, OrganizationPolicy
from coldframe.services.organizations import identifiers, tree
from coldframe.services.organizations.records import AccountRequest

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        AccountTypeDef,
        CreateAccountStatusTypeDef,
        OrganizationalUnitTypeDef,
        OrganizationTypeDef,
        PolicySummaryTypeDef,
        PolicyTargetSummaryTypeDef,
        RootTypeDef,
    )

ROOT_NAME = "Root"
_STATES = {"SUSPENDED": "CLOSED"}


def moment(seconds: int) -> datetime:
    """Return seconds since the epoch as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def of_organization(call: Call, organization: Organization) -> "OrganizationTypeDef":
    """Return an organization; what it says of policy types is deprecated, ListRoots has the truth."""
    management = call.records.get(Account, organization.management)
    available = [organizations.SERVICE_CONTROL] if organization.features == "ALL" else []
    return {
        "Id": organization.id,
        "Arn": identifiers.organization_arn(organization),
        "FeatureSet": organization.features,  # type: ignore[typeddict-item]
        "MasterAccountArn": identifiers.arn(organization, management.id),
        "MasterAccountId": management.id,
        "MasterAccountEmail": management.email,
        "AvailablePolicyTypes": [{"Type": kind, "Status": "ENABLED"} for kind in available],  # type: ignore[typeddict-item]
    }


def of_root(organization: Organization) -> "RootTypeDef":
    """Return the root of an organization with the policy types that were enabled in it."""
    listed = [kind for kind in organization.policy_types if kind not in organization.unlisted]
    return {
        "Id": organization.root,
        "Arn": identifiers.arn(organization, organization.root),
        "Name": ROOT_NAME,
        "PolicyTypes": [{"Type": kind, "Status": "ENABLED"} for kind in listed],  # type: ignore[typeddict-item]
    }


def of_unit(call: Call, organization: Organization, unit: OrganizationalUnit) -> "OrganizationalUnitTypeDef":
    """Return an organizational unit."""
    return {
        "Id": unit.id,
        "Arn": identifiers.arn(organization, unit.id),
        "Name": unit.name,
        "Path": tree.path([*tree.steps(call, organization, unit.parent), unit.id]),
    }


def of_account(call: Call, organization: Organization, account: Account) -> "AccountTypeDef":
    """Return an account of an organization."""
    return {
        "Id": account.id,
        "Arn": identifiers.arn(organization, account.id),
        "Email": account.email,
        "Name": account.name,
        "Status": account.status,  # type: ignore[typeddict-item]
        "State": _STATES.get(account.status, account.status),  # type: ignore[typeddict-item]
        "Paths": [tree.path([*tree.steps(call, organization, account.parent), account.id])],
        "JoinedMethod": account.joined_method,  # type: ignore[typeddict-item]
        "JoinedTimestamp": moment(account.joined),
    }


def of_policy(
    organization: Organization, policy: OrganizationPolicy | ManagedControlPolicy
) -> "PolicySummaryTypeDef":
    """Return a policy without its content."""
    return {
        "Id": policy.id,
        "Arn": identifiers.policy_arn(organization, policy.id, policy.kind),
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.kind,  # type: ignore[typeddict-item]
        "AwsManaged": isinstance(policy, ManagedControlPolicy),
    }


def of_target(organization: Organization, entity: tree.Target) -> "PolicyTargetSummaryTypeDef":
    """Return what a policy is attached to."""
    identifier = tree.identifier_of(entity)
    kinds = {Organization: "ROOT", OrganizationalUnit: "ORGANIZATIONAL_UNIT", Account: "ACCOUNT"}
    return {
        "TargetId": identifier,
        "Arn": identifiers.arn(organization, identifier),
        "Name": ROOT_NAME if isinstance(entity, Organization) else entity.name,
        "Type": kinds[type(entity)],  # type: ignore[typeddict-item]
    }


def of_account_request(request: AccountRequest) -> "CreateAccountStatusTypeDef":
    """Return what became of a request for an account."""
    answer: dict[str, Any] = {
        "Id": request.id,
        "AccountName": request.name,
        "State": request.state,
        "RequestedTimestamp": moment(request.requested),
    }
    if request.completed:
        answer["CompletedTimestamp"] = moment(request.completed)
    if request.account:
        answer["AccountId"] = request.account
    if request.reason:
        answer["FailureReason"] = request.reason
    return answer  # type: ignore[return-value]
