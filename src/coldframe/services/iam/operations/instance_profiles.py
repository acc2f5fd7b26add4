"""Instance profiles, each with one role at most."""

from typing import TYPE_CHECKING, Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import InstanceProfile, Role
from coldframe.services.iam import answers, names, tagging
from coldframe.services.iam.listing import page, stored
from coldframe.services.iam.quotas import check_quota, exceeded

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_instance_profile(
    call: Call, request: "shapes.CreateInstanceProfileRequestTypeDef"
) -> dict[str, Any]:
    """Make an instance profile without a role."""
    name, path = request["InstanceProfileName"], names.path_of(request)
    names.check_free(call, InstanceProfile, name)
    text, quota = names.quota_of(InstanceProfile)
    check_quota(text, call.records.count(InstanceProfile) + 1, quota=quota)
    row = InstanceProfile(
        name=name,
        folded=name.lower(),
        id=ids.unique_id("AIPA"),
        path=path,
        created=call.now // 1000,
        tags=tagging.of_request(request),
    )
    call.records.add(row)
    return {"InstanceProfile": answers.instance_profile(call, row, tags=True)}


def get_instance_profile(call: Call, request: "shapes.GetInstanceProfileRequestTypeDef") -> dict[str, Any]:
    """Return an instance profile with its role."""
    row = call.records.get(InstanceProfile, request["InstanceProfileName"])
    return {"InstanceProfile": answers.instance_profile(call, row, tags=True)}


def list_instance_profiles(
    call: Call, request: "shapes.ListInstanceProfilesRequestTypeDef"
) -> dict[str, Any]:
    """List the instance profiles below a path by name."""
    rows, more = stored(call, request, InstanceProfile, request.get("PathPrefix"))
    return {"InstanceProfiles": [answers.instance_profile(call, row) for row in rows], **more}


def list_instance_profiles_for_role(
    call: Call, request: "shapes.ListInstanceProfilesForRoleRequestTypeDef"
) -> dict[str, Any]:
    """List the instance profiles that a role is in."""
    role = call.records.get(Role, request["RoleName"]).name
    rows = [row for row in call.records.list(InstanceProfile) if role in row.roles]
    found, more = page(call, request, rows, lambda row: row.name)
    return {"InstanceProfiles": [answers.instance_profile(call, row) for row in found], **more}


def add_role_to_instance_profile(
    call: Call, request: "shapes.AddRoleToInstanceProfileRequestTypeDef"
) -> None:
    """Put a role into an instance profile; the caller must be allowed to pass the role on."""
    row = call.records.get(InstanceProfile, request["InstanceProfileName"])
    role = names.modifiable(call.records.get(Role, request["RoleName"]))
    call.require("iam:PassRole", names.arn_of(call, role))
    if row.roles:
        raise exceeded("InstanceSessionsPerInstanceProfile", 1)
    call.records.change(row, roles=[role.name])


def remove_role_from_instance_profile(
    call: Call, request: "shapes.RemoveRoleFromInstanceProfileRequestTypeDef"
) -> None:
    """Take the role out of an instance profile."""
    row = call.records.get(InstanceProfile, request["InstanceProfileName"])
    name = request["RoleName"]
    if name not in row.roles:
        raise ServiceFault("NoSuchEntity", f"Role {name} cannot be found in instance profile {row.name}.")
    call.records.change(row, roles=[role for role in row.roles if role != name])


def delete_instance_profile(call: Call, request: "shapes.DeleteInstanceProfileRequestTypeDef") -> None:
    """Delete an instance profile that has no role."""
    row = call.records.get(InstanceProfile, request["InstanceProfileName"])
    if row.roles:
        raise ServiceFault(
            "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first."
        )
    call.records.remove(row)
