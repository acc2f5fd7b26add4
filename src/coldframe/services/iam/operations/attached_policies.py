"""Managed policies attached to users, groups and roles; they count from the next request."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import Group, Role, User
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import Entity, modifiable
from coldframe.services.iam.policies_in_use import (
    attachable,
    attached_shapes,
    entities,
    find_policy,
    get_policy_row,
    policy_name,
    policy_path,
)
from coldframe.services.iam.quotas import check_quota

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def attach_user_policy(call: Call, request: "shapes.AttachUserPolicyRequestTypeDef") -> None:
    """Attach a managed policy to a user; one that is attached already stays so."""
    _attach(call, call.records.get(User, request["UserName"]), request["PolicyArn"])


def detach_user_policy(call: Call, request: "shapes.DetachUserPolicyRequestTypeDef") -> None:
    """Take a managed policy off a user."""
    _detach(call, call.records.get(User, request["UserName"]), request["PolicyArn"])


def list_attached_user_policies(
    call: Call, request: "shapes.ListAttachedUserPoliciesRequestTypeDef"
) -> dict[str, Any]:
    """List the managed policies attached to a user."""
    return _listed(call, request, call.records.get(User, request["UserName"]))


def attach_group_policy(call: Call, request: "shapes.AttachGroupPolicyRequestTypeDef") -> None:
    """Attach a managed policy to a group; one that is attached already stays so."""
    _attach(call, call.records.get(Group, request["GroupName"]), request["PolicyArn"])


def detach_group_policy(call: Call, request: "shapes.DetachGroupPolicyRequestTypeDef") -> None:
    """Take a managed policy off a group."""
    _detach(call, call.records.get(Group, request["GroupName"]), request["PolicyArn"])


def list_attached_group_policies(
    call: Call, request: "shapes.ListAttachedGroupPoliciesRequestTypeDef"
) -> dict[str, Any]:
    """List the managed policies attached to a group."""
    return _listed(call, request, call.records.get(Group, request["GroupName"]))


def attach_role_policy(call: Call, request: "shapes.AttachRolePolicyRequestTypeDef") -> None:
    """Attach a managed policy to a role; one that is attached already stays so."""
    _attach(call, modifiable(call.records.get(Role, request["RoleName"])), request["PolicyArn"])


def detach_role_policy(call: Call, request: "shapes.DetachRolePolicyRequestTypeDef") -> None:
    """Take a managed policy off a role."""
    _detach(call, modifiable(call.records.get(Role, request["RoleName"])), request["PolicyArn"])


def list_attached_role_policies(
    call: Call, request: "shapes.ListAttachedRolePoliciesRequestTypeDef"
) -> dict[str, Any]:
    """List the managed policies attached to a role."""
    return _listed(call, request, call.records.get(Role, request["RoleName"]))


def list_entities_for_policy(
    call: Call, request: "shapes.ListEntitiesForPolicyRequestTypeDef"
) -> dict[str, Any]:
    """List the users, groups and roles that a policy is attached to, or whose permissions it bounds."""
    arn = get_policy_row(call, request["PolicyArn"]).arn
    prefix, usage = request.get("PathPrefix", "/"), request.get("PolicyUsageFilter")
    kind = {"User": User, "Group": Group, "Role": Role}.get(request.get("EntityFilter", ""))
    rows = [
        row
        for row in entities(call)
        if _uses(row, arn, usage) and row.path.startswith(prefix) and (kind is None or isinstance(row, kind))
    ]
    found, more = page(call, request, rows, lambda row: [type(row).__name__, row.name])
    return {
        "PolicyUsers": [{"UserName": row.name, "UserId": row.id} for row in found if isinstance(row, User)],
        "PolicyGroups": [
            {"GroupName": row.name, "GroupId": row.id} for row in found if isinstance(row, Group)
        ],
        "PolicyRoles": [{"RoleName": row.name, "RoleId": row.id} for row in found if isinstance(row, Role)],
        **more,
    }


def _uses(row: Entity, arn: str, usage: str | None) -> bool:
    attached = usage != "PermissionsBoundary" and arn in row.attached
    bounds = usage != "PermissionsPolicy" and not isinstance(row, Group) and row.boundary == arn
    return attached or bounds


def _attach(call: Call, row: Entity, arn: str) -> None:
    policy = attachable(call, arn)
    if policy.arn not in row.attached:
        kind = type(row).__name__
        check_quota(f"PoliciesPer{kind}", len(row.attached) + 1, quota=f"AttachedPoliciesPer{kind}Quota")
        call.records.change(row, attached=[*row.attached, policy.arn])


def _detach(call: Call, row: Entity, arn: str) -> None:
    find_policy(call, arn)
    if arn not in row.attached:
        raise ServiceFault("NoSuchEntity", f"Policy {arn} was not found.")
    call.records.change(row, attached=[other for other in row.attached if other != arn])


def _listed(call: Call, request: Any, row: Entity) -> dict[str, Any]:
    prefix = request.get("PathPrefix", "/")
    kept = [arn for arn in row.attached if policy_path(arn).startswith(prefix)]
    arns, more = page(call, request, kept, lambda arn: [policy_name(arn), arn])
    return {"AttachedPolicies": attached_shapes(arns), **more}
