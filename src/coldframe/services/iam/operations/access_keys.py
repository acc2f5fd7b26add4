"""Access keys: two at most for a user, the secret shown once; a change counts at the next request."""

from functools import partial
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import accounts
from coldframe.identity.records import AccessKey, User
from coldframe.identity.secret_keys import SecretKeys
from coldframe.services.iam.answers import moment
from coldframe.services.iam.listing import page
from coldframe.services.iam.names import user_name
from coldframe.services.iam.quotas import check_quota

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_access_key(call: Call, request: "shapes.CreateAccessKeyRequestTypeDef") -> dict[str, Any]:
    """Make a key pair for a user and return its secret, which nothing returns again."""
    name = _owner(call, request)
    check_quota("AccessKeysPerUser", len(_keys(call, name)) + 1)
    key, secret = accounts.new_access_key(
        call.records, call.installation.seal, account=call.account, user=name, now=call.now // 1000
    )
    return {"AccessKey": {**_metadata(key), "SecretAccessKey": call.withhold(secret)}}


def list_access_keys(call: Call, request: "shapes.ListAccessKeysRequestTypeDef") -> dict[str, Any]:
    """List a user's keys without their secrets."""
    keys, more = page(call, request, _keys(call, _owner(call, request)), lambda key: key.id)
    return {"AccessKeyMetadata": [_metadata(key) for key in keys], **more}


def update_access_key(call: Call, request: "shapes.UpdateAccessKeyRequestTypeDef") -> None:
    """Activate or deactivate a key."""
    if request["Status"] not in {"Active", "Inactive"}:
        raise ServiceFault("InvalidInput", "The status of an access key is Active or Inactive.")
    key = call.records.change(_key(call, request), status=request["Status"])
    if key.status != "Active":
        call.records.after_commit(partial(call.part(SecretKeys).forget, key.id))


def delete_access_key(call: Call, request: "shapes.DeleteAccessKeyRequestTypeDef") -> None:
    """Delete a key; the next request signed with it is refused."""
    key = _key(call, request)
    call.records.remove(key)
    call.records.after_commit(partial(call.part(SecretKeys).forget, key.id))


def get_access_key_last_used(
    call: Call, request: "shapes.GetAccessKeyLastUsedRequestTypeDef"
) -> dict[str, Any]:
    """Return whose a key is, and when, where and for what it was last used, as far as that is noted."""
    key = call.records.get(AccessKey, request["AccessKeyId"])
    if key.account != call.account:
        raise _missing(key.id)
    used: dict[str, Any] = {"ServiceName": key.last_service or "N/A", "Region": key.last_region or "N/A"}
    if key.last_used:
        used["LastUsedDate"] = moment(key.last_used)
    return {"UserName": key.user, "AccessKeyLastUsed": used}


def _owner(call: Call, request: Any) -> str:
    name = user_name(call, request)
    return call.records.get(User, name).name if name else ""


def _keys(call: Call, user: str) -> list[AccessKey]:
    return call.records.list(AccessKey, where={"account": call.account, "user": user})


def _key(call: Call, request: Any) -> AccessKey:
    name, wanted = _owner(call, request), request["AccessKeyId"]
    for key in _keys(call, name):
        if key.id == wanted:
            return key
    raise _missing(wanted)


def _missing(key_id: str) -> ServiceFault:
    return ServiceFault("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.")


def _metadata(key: AccessKey) -> dict[str, Any]:
    shape = {"AccessKeyId": key.id, "Status": key.status, "CreateDate": moment(key.created)}
    return {"UserName": key.user, **shape} if key.user else shape
