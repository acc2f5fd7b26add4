"""Records in the shapes of the API's answers."""

from datetime import UTC, datetime
from typing import Any

from coldframe.core.call import Call
from coldframe.identity.records import Group, InstanceProfile, Role, User
from coldframe.services.iam.documents import encoded
from coldframe.services.iam.names import arn_of
from coldframe.services.iam.tagging import listed


def moment(seconds: int) -> datetime:
    """Return a time of a record, in seconds since the epoch, as the protocols write it."""
    return datetime.fromtimestamp(seconds, UTC)


def user(call: Call, row: User, *, whole: bool = False) -> dict[str, Any]:
    """Return a User; listings leave out the tags and the boundary, `whole` answers have them."""
    shape = {
        "Path": row.path,
        "UserName": row.name,
        "UserId": row.id,
        "Arn": arn_of(call, row),
        "CreateDate": moment(row.created),
    }
    return {**shape, **_extras(row)} if whole else shape


def group(call: Call, row: Group) -> dict[str, Any]:
    """Return a Group."""
    return {
        "Path": row.path,
        "GroupName": row.name,
        "GroupId": row.id,
        "Arn": arn_of(call, row),
        "CreateDate": moment(row.created),
    }


def role(call: Call, row: Role, *, whole: bool = False) -> dict[str, Any]:
    """Return a Role; listings leave out the tags, the boundary and the last use, `whole` answers have them."""
    shape: dict[str, Any] = {
        "Path": row.path,
        "RoleName": row.name,
        "RoleId": row.id,
        "Arn": arn_of(call, row),
        "CreateDate": moment(row.created),
        "AssumeRolePolicyDocument": encoded(row.trust),
        "MaxSessionDuration": row.max_session,
    }
    if row.description:
        shape["Description"] = row.description
    if whole:
        shape |= _extras(row)
        shape["RoleLastUsed"] = last_used(row)
    return shape


def new_role(call: Call, row: Role, request: Any) -> dict[str, Any]:
    """Return a Role as CreateRole answers it: AWS says the maximal duration of sessions only where it was asked for."""
    shape = role(call, row, whole=True)
    del shape["RoleLastUsed"]
    if "MaxSessionDuration" not in request:
        del shape["MaxSessionDuration"]
    return shape


def last_used(row: Role) -> dict[str, Any]:
    """Return when and where a role was last used; empty when it never was."""
    return {"LastUsedDate": moment(row.last_used), "Region": row.last_region} if row.last_used else {}


def instance_profile(call: Call, row: InstanceProfile, *, tags: bool = False) -> dict[str, Any]:
    """Return an InstanceProfile with its role."""
    shape: dict[str, Any] = {
        "Path": row.path,
        "InstanceProfileName": row.name,
        "InstanceProfileId": row.id,
        "Arn": arn_of(call, row),
        "CreateDate": moment(row.created),
        "Roles": [role(call, call.records.get(Role, name)) for name in row.roles],
    }
    if tags and row.tags:
        shape["Tags"] = listed(row.tags)
    return shape


def boundary(policy_arn: str) -> dict[str, str]:
    """Return a permissions boundary as entities show it."""
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy_arn}


def _extras(row: User | Role) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if row.boundary:
        extras["PermissionsBoundary"] = boundary(row.boundary)
    if row.tags:
        extras["Tags"] = listed(row.tags)
    return extras
