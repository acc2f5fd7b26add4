"""The organization itself: made, described, deleted, and its root."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import organization as organizations
from coldframe.identity.accounts import find_or_create
from coldframe.identity.records import Account, Organization, OrganizationalUnit, OrganizationPolicy
from coldframe.services.organizations import answers, identifiers, tree
from coldframe.services.organizations.membership import managed, organization_of, readable
from coldframe.services.organizations.pages import answer, items
from coldframe.services.organizations.records import AccountRequest, Handshake

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        CreateOrganizationRequestTypeDef,
        CreateOrganizationResponseTypeDef,
        DescribeOrganizationResponseTypeDef,
        ListRootsRequestTypeDef,
        ListRootsResponseTypeDef,
    )


def create_organization(
    call: Call, request: "CreateOrganizationRequestTypeDef"
) -> "CreateOrganizationResponseTypeDef":
    """Make the caller's account the management account of a new organization."""
    account = find_or_create(call.records, call.account, now=call.now // 1000)
    if account.organization:
        raise ServiceFault(
            "AlreadyInOrganizationException", "The AWS account is already a member of an organization."
        )
    features = request.get("FeatureSet", "ALL")
    kinds = [organizations.SERVICE_CONTROL] if features == "ALL" else []
    organization = Organization(
        id=identifiers.new_organization(),
        management=call.account,
        root=identifiers.new_root(),
        created=call.now // 1000,
        features=features,
        policy_types=kinds,
        unlisted=kinds,
    )
    call.records.add(organization)
    organization = call.records.change(organization, root_policies=tree.defaults(organization))
    tree.join(call, organization, account, method="INVITED")
    return {"Organization": answers.of_organization(call, organization)}  # type: ignore[typeddict-item]


def describe_organization(call: Call, request: dict[str, object]) -> "DescribeOrganizationResponseTypeDef":
    """Return the organization of the caller's account; any member may ask."""
    organization = organization_of(call)
    return {"Organization": answers.of_organization(call, organization)}  # type: ignore[typeddict-item]


def delete_organization(call: Call, request: dict[str, object]) -> None:
    """Remove the organization with its units and policies; all member accounts must have left it."""
    organization = managed(call)
    where = {"organization": organization.id}
    if call.records.count(Account, where=where) > 1:
        raise ServiceFault(
            "OrganizationNotEmptyException",
            "The organization isn't empty. To delete an organization, you must first remove all accounts except the"
            " management account.",
        )
    for kind in (OrganizationalUnit, OrganizationPolicy, AccountRequest, Handshake):
        for row in call.records.list(kind, where=where):
            call.records.remove(row)
    tree.part(call, call.records.get(Account, call.account))
    call.records.remove(organization)


def list_roots(call: Call, request: "ListRootsRequestTypeDef") -> "ListRootsResponseTypeDef":
    """Return the organization's one root and the policy types enabled in it."""
    organization = readable(call, request)
    found, token = items(call, request, [answers.of_root(organization)], lambda root: root["Id"])
    return answer("Roots", found, token)  # type: ignore[no-any-return]
