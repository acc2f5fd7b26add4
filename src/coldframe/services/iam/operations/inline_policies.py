"""Inline policies: documents written into one user, group or role."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Group, Role, User
from coldframe.services.iam.documents import check_document, encoded, size
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import Entity, modifiable
from coldframe.services.iam.quotas import quotas

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def put_user_policy(call: Call, request: "shapes.PutUserPolicyRequestTypeDef") -> None:
    """Write a policy into a user, in place of the one with its name."""
    _put(call, call.records.get(User, request["UserName"]), request)


def get_user_policy(call: Call, request: "shapes.GetUserPolicyRequestTypeDef") -> dict[str, Any]:
    """Return an inline policy of a user."""
    row = call.records.get(User, request["UserName"])
    document = encoded(_document(row, request["PolicyName"]))
    return {"UserName": row.name, "PolicyName": request["PolicyName"], "PolicyDocument": document}


def list_user_policies(call: Call, request: "shapes.ListUserPoliciesRequestTypeDef") -> dict[str, Any]:
    """List the names of a user's inline policies."""
    found, more = page(call, request, call.records.get(User, request["UserName"]).inline, str)
    return {"PolicyNames": found, **more}


def delete_user_policy(call: Call, request: "shapes.DeleteUserPolicyRequestTypeDef") -> None:
    """Delete an inline policy of a user."""
    _delete(call, call.records.get(User, request["UserName"]), request["PolicyName"])


def put_group_policy(call: Call, request: "shapes.PutGroupPolicyRequestTypeDef") -> None:
    """Write a policy into a group, in place of the one with its name."""
    _put(call, call.records.get(Group, request["GroupName"]), request)


def get_group_policy(call: Call, request: "shapes.GetGroupPolicyRequestTypeDef") -> dict[str, Any]:
    """Return an inline policy of a group."""
    row = call.records.get(Group, request["GroupName"])
    document = encoded(_document(row, request["PolicyName"]))
    return {"GroupName": row.name, "PolicyName": request["PolicyName"], "PolicyDocument": document}


def list_group_policies(call: Call, request: "shapes.ListGroupPoliciesRequestTypeDef") -> dict[str, Any]:
    """List the names of a group's inline policies."""
    found, more = page(call, request, call.records.get(Group, request["GroupName"]).inline, str)
    return {"PolicyNames": found, **more}


def delete_group_policy(call: Call, request: "shapes.DeleteGroupPolicyRequestTypeDef") -> None:
    """Delete an inline policy of a group."""
    _delete(call, call.records.get(Group, request["GroupName"]), request["PolicyName"])


def put_role_policy(call: Call, request: "shapes.PutRolePolicyRequestTypeDef") -> None:
    """Write a policy into a role, in place of the one with its name."""
    _put(call, modifiable(call.records.get(Role, request["RoleName"])), request)


def get_role_policy(call: Call, request: "shapes.GetRolePolicyRequestTypeDef") -> dict[str, Any]:
    """Return an inline policy of a role."""
    row = call.records.get(Role, request["RoleName"])
    document = encoded(_document(row, request["PolicyName"]))
    return {"RoleName": row.name, "PolicyName": request["PolicyName"], "PolicyDocument": document}


def list_role_policies(call: Call, request: "shapes.ListRolePoliciesRequestTypeDef") -> dict[str, Any]:
    """List the names of a role's inline policies."""
    found, more = page(call, request, call.records.get(Role, request["RoleName"]).inline, str)
    return {"PolicyNames": found, **more}


def delete_role_policy(call: Call, request: "shapes.DeleteRolePolicyRequestTypeDef") -> None:
    """Delete an inline policy of a role."""
    _delete(call, modifiable(call.records.get(Role, request["RoleName"])), request["PolicyName"])


def _put(call: Call, row: Entity, request: Any) -> None:
    check_document(request["PolicyDocument"])
    inline = {**row.inline, request["PolicyName"]: request["PolicyDocument"]}
    kind = type(row).__name__
    limit = quotas()[f"{kind}PolicySizeQuota"]
    if sum(map(size, inline.values())) > limit:
        raise ServiceFault(
            "LimitExceeded", f"Maximum policy size of {limit} bytes exceeded for {kind.lower()} {row.name}"
        )
    call.records.change(row, inline=inline)


def _document(row: Entity, name: str) -> str:
    if name not in row.inline:
        kind = type(row).__name__.lower()
        raise ServiceFault("NoSuchEntity", f"The {kind} policy with name {name} cannot be found.")
    return row.inline[name]


def _delete(call: Call, row: Entity, name: str) -> None:
    _document(row, name)
    call.records.change(row, inline={other: text for other, text in row.inline.items() if other != name})
