"""Organizational units: made, renamed and removed, and the ways up and down the tree."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Account, Organization, OrganizationalUnit
from coldframe.services.organizations import answers, identifiers, tree
from coldframe.services.organizations.membership import managed, readable
from coldframe.services.organizations.pages import answer, items, rows
from coldframe.services.organizations.reasons import constraint
from coldframe.services.organizations.tagging import tags_of_new

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        CreateOrganizationalUnitRequestTypeDef,
        CreateOrganizationalUnitResponseTypeDef,
        DeleteOrganizationalUnitRequestTypeDef,
        DescribeOrganizationalUnitRequestTypeDef,
        DescribeOrganizationalUnitResponseTypeDef,
        ListChildrenRequestTypeDef,
        ListChildrenResponseTypeDef,
        ListOrganizationalUnitsForParentRequestTypeDef,
        ListOrganizationalUnitsForParentResponseTypeDef,
        ListParentsRequestTypeDef,
        ListParentsResponseTypeDef,
        UpdateOrganizationalUnitRequestTypeDef,
        UpdateOrganizationalUnitResponseTypeDef,
    )

DEPTH = 5
MOST_UNITS = 2000


def create_organizational_unit(
    call: Call, request: "CreateOrganizationalUnitRequestTypeDef"
) -> "CreateOrganizationalUnitResponseTypeDef":
    """Make a unit under the root or another unit, five levels deep at most."""
    organization = managed(call)
    above = tree.identifier_of(tree.parent(call, organization, request["ParentId"]))
    # The organization and its root stand before the units in the steps.
    if len(tree.steps(call, organization, above)) - 2 >= DEPTH:
        raise constraint("OU_DEPTH_LIMIT_EXCEEDED")
    if call.records.count(OrganizationalUnit, where={"organization": organization.id}) >= MOST_UNITS:
        raise constraint("OU_NUMBER_LIMIT_EXCEEDED")
    _check_name(call, organization, above, request["Name"])
    identifier = identifiers.new_unit(organization.root)
    unit = OrganizationalUnit(
        id=identifier,
        organization=organization.id,
        parent=above,
        name=request["Name"],
        created=call.now // 1000,
        policies=tree.defaults(organization),
        tags=tags_of_new(call, request.get("Tags"), identifiers.arn(organization, identifier)),
    )
    call.records.add(unit)
    return {"OrganizationalUnit": answers.of_unit(call, organization, unit)}  # type: ignore[typeddict-item]


def update_organizational_unit(
    call: Call, request: "UpdateOrganizationalUnitRequestTypeDef"
) -> "UpdateOrganizationalUnitResponseTypeDef":
    """Rename a unit; all else about it stays."""
    organization = managed(call)
    unit = tree.unit(call, organization, request["OrganizationalUnitId"])
    name = request.get("Name", unit.name)
    if name != unit.name:
        _check_name(call, organization, unit.parent, name)
        unit = call.records.change(unit, name=name)
    return {"OrganizationalUnit": answers.of_unit(call, organization, unit)}  # type: ignore[typeddict-item]


def delete_organizational_unit(call: Call, request: "DeleteOrganizationalUnitRequestTypeDef") -> None:
    """Remove a unit that has neither accounts nor units in it."""
    organization = managed(call)
    unit = tree.unit(call, organization, request["OrganizationalUnitId"])
    where = {"organization": organization.id, "parent": unit.id}
    if call.records.count(Account, where=where) or call.records.count(OrganizationalUnit, where=where):
        raise ServiceFault(
            "OrganizationalUnitNotEmptyException",
            "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs,"
            " and try the operation again.",
        )
    call.records.remove(unit)


def describe_organizational_unit(
    call: Call, request: "DescribeOrganizationalUnitRequestTypeDef"
) -> "DescribeOrganizationalUnitResponseTypeDef":
    """Return a unit."""
    organization = readable(call, request)
    unit = tree.unit(call, organization, request["OrganizationalUnitId"])
    return {"OrganizationalUnit": answers.of_unit(call, organization, unit)}  # type: ignore[typeddict-item]


def list_organizational_units_for_parent(
    call: Call, request: "ListOrganizationalUnitsForParentRequestTypeDef"
) -> "ListOrganizationalUnitsForParentResponseTypeDef":
    """Return the units directly under a root or unit, by id."""
    organization = readable(call, request)
    tree.parent(call, organization, request["ParentId"])
    where = {"organization": organization.id, "parent": request["ParentId"]}
    found, token = rows(call, request, OrganizationalUnit, where=where)
    shown = [answers.of_unit(call, organization, unit) for unit in found]
    return answer("OrganizationalUnits", shown, token)  # type: ignore[no-any-return]


def list_parents(call: Call, request: "ListParentsRequestTypeDef") -> "ListParentsResponseTypeDef":
    """Return the one root or unit that an account or unit is in."""
    organization = readable(call, request)
    child = tree.find(call, organization, request["ChildId"])
    if child is None or isinstance(child, Organization):
        raise ServiceFault(
            "ChildNotFoundException",
            "We can't find an organizational unit (OU) or AWS account with the ChildId that you specified.",
        )
    above = "ROOT" if child.parent == organization.root else "ORGANIZATIONAL_UNIT"
    found, token = items(call, request, [{"Id": child.parent, "Type": above}], lambda item: item["Id"])
    return answer("Parents", found, token)  # type: ignore[no-any-return]


def list_children(call: Call, request: "ListChildrenRequestTypeDef") -> "ListChildrenResponseTypeDef":
    """Return the ids of the accounts, or of the units, directly under a root or unit."""
    organization = readable(call, request)
    tree.parent(call, organization, request["ParentId"])
    where = {"organization": organization.id, "parent": request["ParentId"]}
    found: Sequence[Account | OrganizationalUnit]
    if request["ChildType"] == "ACCOUNT":
        found, token = rows(call, request, Account, where=where)
    else:
        found, token = rows(call, request, OrganizationalUnit, where=where)
    shown = [{"Id": child.id, "Type": request["ChildType"]} for child in found]
    return answer("Children", shown, token)  # type: ignore[no-any-return]


def _check_name(call: Call, organization: Organization, above: str, name: str) -> None:
    where = {"organization": organization.id, "parent": above, "name": name}
    if call.records.count(OrganizationalUnit, where=where):
        raise ServiceFault("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
