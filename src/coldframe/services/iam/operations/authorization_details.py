"""Everything that decides who may what in the account, in one listing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.identity import aws_managed
from coldframe.identity.records import Group, InstanceProfile, ManagedPolicy, Role, User
from coldframe.services.iam import answers
from coldframe.services.iam.documents import encoded
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import Entity
from coldframe.services.iam.policies_in_use import (
    Usage,
    attached_shapes,
    entities,
    policy_shape,
    usage_among,
    versions,
)

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes

_MEMBERS = {
    "User": "UserDetailList",
    "Group": "GroupDetailList",
    "Role": "RoleDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
}


def get_account_authorization_details(
    call: Call, request: "shapes.GetAccountAuthorizationDetailsRequestTypeDef"
) -> dict[str, Any]:
    """List users, groups, roles and policies with what is attached to and written into them."""
    everybody = list(entities(call))
    used = usage_among(everybody)
    wanted: Sequence[str] = request.get("Filter") or list(_MEMBERS)
    rows = [row for row in _rows(call, everybody, used) if row[0] in wanted]
    found, more = page(call, request, rows, lambda row: [row[0], row[1]])
    answer: dict[str, Any] = {member: [] for member in _MEMBERS.values()}
    for kind, _, row in found:
        answer[_MEMBERS[kind]].append(_detail(call, row, used))
    return {**answer, **more}


def _rows(call: Call, everybody: Sequence[Entity], used: Usage) -> Iterator[tuple[str, str, Any]]:
    """Return kind, key and row of everything there is; of AWS's policies only those in use."""
    for entity in everybody:
        yield type(entity).__name__, entity.name, entity
    for own in call.records.list(ManagedPolicy):
        yield "LocalManagedPolicy", own.arn, own
    for policy in aws_managed.policies().values():
        if used.attached[policy.arn] or used.boundaries[policy.arn]:
            yield "AWSManagedPolicy", policy.arn, policy


def _detail(call: Call, row: Any, used: Usage) -> dict[str, Any]:
    if isinstance(row, User):
        return {
            **answers.user(call, row, whole=True),
            "UserPolicyList": _inline(row.inline),
            "GroupList": row.groups,
            "AttachedManagedPolicies": attached_shapes(row.attached),
        }
    if isinstance(row, Group):
        return {
            **answers.group(call, row),
            "GroupPolicyList": _inline(row.inline),
            "AttachedManagedPolicies": attached_shapes(row.attached),
        }
    if isinstance(row, Role):
        profiles = [profile for profile in call.records.list(InstanceProfile) if row.name in profile.roles]
        return {
            **answers.role(call, row, whole=True),
            "InstanceProfileList": [answers.instance_profile(call, profile) for profile in profiles],
            "RolePolicyList": _inline(row.inline),
            "AttachedManagedPolicies": attached_shapes(row.attached),
        }
    return {**policy_shape(row, used, whole=True), "PolicyVersionList": versions(row)}


def _inline(documents: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"PolicyName": name, "PolicyDocument": encoded(text)} for name, text in sorted(documents.items())]
