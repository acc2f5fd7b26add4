"""Roles: made with the policy that says who may take them on."""

from typing import TYPE_CHECKING, Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import InstanceProfile, Role, ServiceUse
from coldframe.services.iam import answers, boundaries, names, tagging, trusts
from coldframe.services.iam.documents import check_document, size
from coldframe.services.iam.listing import stored
from coldframe.services.iam.quotas import check_quota

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_role(call: Call, request: "shapes.CreateRoleRequestTypeDef") -> dict[str, Any]:
    """Make a role; its trust policy must name principals that are there."""
    name, path = request["RoleName"], names.path_of(request)
    if path.startswith("/aws-service-role/"):
        raise ServiceFault(
            "ValidationError", "The path /aws-service-role/ is kept for roles that are linked to a service."
        )
    trust = _checked_trust(call, request["AssumeRolePolicyDocument"])
    names.check_free(call, Role, name)
    text, quota = names.quota_of(Role)
    check_quota(text, call.records.count(Role) + 1, quota=quota)
    row = Role(
        name=name,
        folded=name.lower(),
        id=ids.unique_id("AROA"),
        path=path,
        created=call.now // 1000,
        trust=trust,
        description=request.get("Description", ""),
        max_session=request.get("MaxSessionDuration", 3600),
        boundary=boundaries.of_request(call, request),
        tags=tagging.of_request(request),
    )
    call.records.add(row)
    return {"Role": answers.new_role(call, row, request)}


def get_role(call: Call, request: "shapes.GetRoleRequestTypeDef") -> dict[str, Any]:
    """Return a role."""
    return {"Role": answers.role(call, call.records.get(Role, request["RoleName"]), whole=True)}


def list_roles(call: Call, request: "shapes.ListRolesRequestTypeDef") -> dict[str, Any]:
    """List the roles below a path by name."""
    rows, more = stored(call, request, Role, request.get("PathPrefix"))
    return {"Roles": [answers.role(call, row) for row in rows], **more}


def update_role(call: Call, request: "shapes.UpdateRoleRequestTypeDef") -> dict[str, Any]:
    """Set a role's description and the longest session it allows; of a service-linked one the description alone."""
    row = call.records.get(Role, request["RoleName"])
    if "MaxSessionDuration" in request:
        names.modifiable(row)
    call.records.change(
        row,
        description=request.get("Description", row.description),
        max_session=request.get("MaxSessionDuration", row.max_session),
    )
    return {}


def update_role_description(
    call: Call, request: "shapes.UpdateRoleDescriptionRequestTypeDef"
) -> dict[str, Any]:
    """Set a role's description."""
    row = call.records.get(Role, request["RoleName"])
    changed = call.records.change(row, description=request["Description"])
    return {"Role": answers.role(call, changed, whole=True)}


def update_assume_role_policy(call: Call, request: "shapes.UpdateAssumeRolePolicyRequestTypeDef") -> None:
    """Set who may take the role on; it counts from the next AssumeRole."""
    row = names.modifiable(call.records.get(Role, request["RoleName"]))
    call.records.change(row, trust=_checked_trust(call, request["PolicyDocument"]))


def delete_role(call: Call, request: "shapes.DeleteRoleRequestTypeDef") -> None:
    """Delete a role that has neither policies nor an instance profile; its sessions end at once."""
    row = names.modifiable(call.records.get(Role, request["RoleName"]))
    profiles = [profile for profile in call.records.list(InstanceProfile) if row.name in profile.roles]
    for there, what in (
        (profiles, "remove roles from instance profile"),
        (row.attached, "detach all policies"),
        (row.inline, "delete policies"),
    ):
        if there:
            raise ServiceFault("DeleteConflict", f"Cannot delete entity, must {what} first.")
    trusts.replace_principal(call, names.arn_of(call, row), row.id)
    for use in call.records.list(ServiceUse, key_prefix=(row.id,)):
        call.records.remove(use)
    call.records.remove(row)


def _checked_trust(call: Call, document: str) -> str:
    check_document(document, "trust")
    check_quota("ACLSizePerRole", size(document), quota="AssumeRolePolicySizeQuota")
    trusts.check_principals(call, document)
    return document
