"""Groups and who is in them."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Group, User
from coldframe.services.iam import answers, names
from coldframe.services.iam.listing import page, stored
from coldframe.services.iam.quotas import check_quota

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_group(call: Call, request: "shapes.CreateGroupRequestTypeDef") -> dict[str, Any]:
    """Make a group."""
    name, path = request["GroupName"], names.path_of(request)
    names.check_free(call, Group, name)
    text, quota = names.quota_of(Group)
    check_quota(text, call.records.count(Group) + 1, quota=quota)
    row = Group(name=name, folded=name.lower(), id=ids.unique_id("AGPA"), path=path, created=call.now // 1000)
    call.records.add(row)
    return {"Group": answers.group(call, row)}


def get_group(call: Call, request: "shapes.GetGroupRequestTypeDef") -> dict[str, Any]:
    """Return a group with a page of its users."""
    row = call.records.get(Group, request["GroupName"])
    users, more = page(call, request, _members(call, row.name), lambda user: user.name)
    return {"Group": answers.group(call, row), "Users": [answers.user(call, user) for user in users], **more}


def list_groups(call: Call, request: "shapes.ListGroupsRequestTypeDef") -> dict[str, Any]:
    """List the groups below a path by name."""
    rows, more = stored(call, request, Group, request.get("PathPrefix"))
    return {"Groups": [answers.group(call, row) for row in rows], **more}


def update_group(call: Call, request: "shapes.UpdateGroupRequestTypeDef") -> None:
    """Rename a group or move it to another path; its users stay in it."""
    row = call.records.get(Group, request["GroupName"])
    name = request.get("NewGroupName", row.name)
    path = names.path_of(request, "NewPath") if "NewPath" in request else row.path
    if name != row.name:
        names.check_free(call, Group, name, besides=row.name)
        call.require("iam:UpdateGroup", names.arn(call, Group, path, name))
    members = _members(call, row.name)
    call.records.remove(row)
    call.records.add(replace(row, name=name, folded=name.lower(), path=path))
    for user in members:
        call.records.change(user, groups=[name if other == row.name else other for other in user.groups])


def delete_group(call: Call, request: "shapes.DeleteGroupRequestTypeDef") -> None:
    """Delete a group that has neither policies nor users."""
    row = call.records.get(Group, request["GroupName"])
    for there, what in (
        (row.attached, "detach all policies"),
        (row.inline, "delete policies"),
        (_members(call, row.name), "remove users from group"),
    ):
        if there:
            raise ServiceFault("DeleteConflict", f"Cannot delete entity, must {what} first.")
    call.records.remove(row)


def add_user_to_group(call: Call, request: "shapes.AddUserToGroupRequestTypeDef") -> None:
    """Put a user into a group; one who is in it already stays."""
    group = call.records.get(Group, request["GroupName"])
    user = call.records.get(User, request["UserName"])
    if group.name not in user.groups:
        check_quota("GroupsPerUser", len(user.groups) + 1)
        call.records.change(user, groups=[*user.groups, group.name])


def remove_user_from_group(call: Call, request: "shapes.RemoveUserFromGroupRequestTypeDef") -> None:
    """Take a user out of a group."""
    group = call.records.get(Group, request["GroupName"])
    user = call.records.get(User, request["UserName"])
    call.records.change(user, groups=[name for name in user.groups if name != group.name])


def list_groups_for_user(call: Call, request: "shapes.ListGroupsForUserRequestTypeDef") -> dict[str, Any]:
    """List the groups that a user is in."""
    user = call.records.get(User, request["UserName"])
    groups, more = page(call, request, user.groups, str)
    return {"Groups": [answers.group(call, call.records.get(Group, name)) for name in groups], **more}


def _members(call: Call, name: str) -> list[User]:
    return [user for user in call.records.list(User) if name in user.groups]
