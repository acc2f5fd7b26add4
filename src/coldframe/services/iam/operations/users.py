"""Users: made, looked up, renamed and deleted."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import AccessKey, MfaDevice, ServiceUse, User
from coldframe.services.iam import answers, boundaries, names, tagging, trusts
from coldframe.services.iam.listing import stored
from coldframe.services.iam.quotas import check_quota
from coldframe.services.iam.records import ServiceSpecificCredential, SigningCertificate, SshPublicKey

_OWNED = (ServiceSpecificCredential, SshPublicKey, SigningCertificate)

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_user(call: Call, request: "shapes.CreateUserRequestTypeDef") -> dict[str, Any]:
    """Make a user, who may nothing until a policy says so."""
    name, path = request["UserName"], names.path_of(request)
    names.check_free(call, User, name)
    text, quota = names.quota_of(User)
    check_quota(text, call.records.count(User) + 1, quota=quota)
    row = User(
        name=name,
        folded=name.lower(),
        id=ids.unique_id("AIDA"),
        path=path,
        created=call.now // 1000,
        boundary=boundaries.of_request(call, request),
        tags=tagging.of_request(request),
    )
    call.records.add(row)
    return {"User": answers.user(call, row, whole=True)}


def get_user(call: Call, request: "shapes.GetUserRequestTypeDef") -> dict[str, Any]:
    """Return a user, or the one who calls."""
    name = names.user_name(call, request)
    if not name:
        return {"User": _root(call)}
    return {"User": answers.user(call, call.records.get(User, name), whole=True)}


def list_users(call: Call, request: "shapes.ListUsersRequestTypeDef") -> dict[str, Any]:
    """List the users below a path by name."""
    rows, more = stored(call, request, User, request.get("PathPrefix"))
    return {"Users": [answers.user(call, row) for row in rows], **more}


def update_user(call: Call, request: "shapes.UpdateUserRequestTypeDef") -> None:
    """Rename a user or move it to another path; its keys, devices and the trust in it go along."""
    row = call.records.get(User, request["UserName"])
    name = request.get("NewUserName", row.name)
    path = names.path_of(request, "NewPath") if "NewPath" in request else row.path
    if name != row.name:
        names.check_free(call, User, name, besides=row.name)
        call.require("iam:UpdateUser", names.arn(call, User, path, name))
    changed = replace(row, name=name, folded=name.lower(), path=path)
    call.records.remove(row)
    call.records.add(changed)
    for key in call.records.list(AccessKey, where={"account": call.account, "user": row.name}):
        call.records.change(key, user=name)
    for device in call.records.list(MfaDevice, where={"user": row.name}):
        call.records.change(device, user=name)
    for kind in _OWNED:
        for owned in call.records.list(kind, where={"user": row.name}):
            call.records.change(owned, user=name)
    trusts.replace_principal(call, names.arn_of(call, row), names.arn_of(call, changed))


def delete_user(call: Call, request: "shapes.DeleteUserRequestTypeDef") -> None:
    """Delete a user that has nothing left: no policies, keys, devices, password or groups."""
    row = call.records.get(User, request["UserName"])
    keys = call.records.count(AccessKey, where={"account": call.account, "user": row.name})
    devices = call.records.count(MfaDevice, where={"user": row.name})
    certificates = call.records.count(SigningCertificate, where={"user": row.name})
    for there, what in (
        (row.attached, "detach all policies"),
        (row.inline, "delete policies"),
        (row.groups, "remove users from group"),
        (keys, "delete access keys"),
        (devices, "delete MFA device"),
        (row.password_hash, "delete login profile"),
        (certificates, "delete signing certificates"),
    ):
        if there:
            raise ServiceFault("DeleteConflict", f"Cannot delete entity, must {what} first.")
    if any(call.records.count(kind, where={"user": row.name}) for kind in _OWNED):
        raise ServiceFault("DeleteConflict", "Cannot delete entity, must remove referenced objects first.")
    trusts.replace_principal(call, names.arn_of(call, row), row.id)
    for use in call.records.list(ServiceUse, key_prefix=(row.id,)):
        call.records.remove(use)
    call.records.remove(row)


def _root(call: Call) -> dict[str, Any]:
    """Return the account's root in the shape of a user; it has no name."""
    caller = call.principal
    return {
        "Path": "/",
        "UserName": "",
        "UserId": caller.user_id,
        "Arn": caller.arn,
        "CreateDate": answers.moment(0),
    }
