"""Permissions boundaries put on users and roles, and taken off."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Role, User
from coldframe.services.iam import boundaries
from coldframe.services.iam.names import modifiable

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def put_user_permissions_boundary(
    call: Call, request: "shapes.PutUserPermissionsBoundaryRequestTypeDef"
) -> None:
    """Bound what a user may, from the next request on."""
    row = call.records.get(User, request["UserName"])
    call.records.change(row, boundary=boundaries.of_request(call, request))


def put_role_permissions_boundary(
    call: Call, request: "shapes.PutRolePermissionsBoundaryRequestTypeDef"
) -> None:
    """Bound what a role may, from the next request on."""
    row = modifiable(call.records.get(Role, request["RoleName"]))
    call.records.change(row, boundary=boundaries.of_request(call, request))


def delete_user_permissions_boundary(
    call: Call, request: "shapes.DeleteUserPermissionsBoundaryRequestTypeDef"
) -> None:
    """Take the boundary off a user: its policies alone decide then."""
    _unbound(call, call.records.get(User, request["UserName"]))


def delete_role_permissions_boundary(
    call: Call, request: "shapes.DeleteRolePermissionsBoundaryRequestTypeDef"
) -> None:
    """Take the boundary off a role: its policies alone decide then."""
    _unbound(call, modifiable(call.records.get(Role, request["RoleName"])))


def _unbound(call: Call, row: User | Role) -> None:
    if not row.boundary:
        kind = type(row).__name__.lower()
        raise ServiceFault("NoSuchEntity", f"The {kind} {row.name} has no permissions boundary.")
    call.records.change(row, boundary="")
