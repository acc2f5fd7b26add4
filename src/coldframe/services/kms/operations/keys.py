"""Keys: made, described, listed, switched on and off."""

from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.kms import making
from coldframe.services.kms.answers import metadata
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.grants import check_tokens
from coldframe.services.kms.listing import limit_of, marker_of, page
from coldframe.services.kms.lookup import (
    changeable_key,
    check_customer_managed,
    check_state,
    invalid,
    key_at,
    locate,
    own_key,
)
from coldframe.services.kms.places import Place
from coldframe.services.kms.policies import check_policy, default_policy
from coldframe.services.kms.records import Key, LastUsage, Tracking
from coldframe.services.kms.specs import specs
from coldframe.services.kms.tagging import with_tags
from coldframe.services.kms.usage import Usage

_NOT_HERE = {
    "SM2": "SM2 keys exist in the China Regions only.",
    "ML_KEM_512": "The cryptographic library here has ML-KEM-768 and ML-KEM-1024.",
}


def create_key(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a key; its material is made with it unless it is to be imported."""
    spec, usage = _spec_and_usage(request)
    origin = request.get("Origin") or "AWS_KMS"
    if request.get("CustomKeyStoreId") or request.get("XksKeyId") or origin not in {"AWS_KMS", "EXTERNAL"}:
        raise NotBuilt(
            "Custom key stores are CloudHSM clusters or key managers outside; this machine has none."
        )
    multi_region = bool(request.get("MultiRegion"))
    key_id = f"mrk-{ids.hexadecimal(32)}" if multi_region else call.new_id()
    place = Place(call.partition, call.account, call.region, key_id)
    policy = request.get("Policy")
    if policy:
        check_policy(call, place, policy, bypass=bool(request.get("BypassPolicyLockoutSafetyCheck")))
    tags = with_tags({}, request.get("Tags") or [])
    # Before the transaction begins, since a large RSA key takes a while.
    made = call.part(Custodian).make(spec) if origin == "AWS_KMS" else None
    key = making.new_key(
        call,
        call.records,
        id=key_id,
        spec=spec,
        usage=usage,
        made=made,
        origin=origin,
        policy=policy or default_policy(call),
        description=request.get("Description") or "",
        tags=tags,
        multi_region=multi_region,
    )
    return {"KeyMetadata": metadata(place, key, call.now)}


def describe_key(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Describe a key; the alias of an AWS managed key that is not there yet makes it."""
    check_tokens(call, request)
    place = locate(call, request["KeyId"])
    return {"KeyMetadata": metadata(place, key_at(call, place), call.now)}


def list_keys(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return ids and ARNs of the account's keys, by id."""
    limit, after = limit_of(request, 100, 1000), marker_of(call, request)
    if request.get("ResourceOwners") == ["OTHER_ACCOUNTS_VIA_RAM"]:
        return {"Keys": [], "Truncated": False}
    rows = call.records.list(Key, after=None if after is None else (after,), limit=limit + 1)

    def show(key: Key) -> dict[str, str]:
        return {"KeyId": key.id, "KeyArn": Place(call.partition, call.account, call.region, key.id).arn}

    return page(call, "Keys", rows, limit, place=lambda key: key.id, show=show)


def enable_key(call: Call, request: dict[str, Any]) -> None:
    """Let a key be used again."""
    _switch(call, request["KeyId"], "Enabled")


def disable_key(call: Call, request: dict[str, Any]) -> None:
    """Keep a key from being used."""
    _switch(call, request["KeyId"], "Disabled")


def update_key_description(call: Call, request: dict[str, Any]) -> None:
    """Change the description of a key."""
    _, key = changeable_key(call, request["KeyId"])
    call.records.change(key, description=request["Description"])


def get_key_last_usage(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the last cryptographic operation that used a key, and since when uses are noted."""
    place, key = own_key(call, request["KeyId"])
    use = call.part(Usage).last(place)
    if use is None:
        # As it is now: what was in memory a moment ago may be written since this call's transaction began.
        with call.installation.store.read() as now:
            use = now.records(place.account, place.region).find(LastUsage, key.id)
    since = call.installation.store.cached(Tracking, "", "", "since")
    answer: dict[str, Any] = {
        "KeyId": place.arn,
        "KeyCreationDate": key.created / 1000,
        "TrackingStartDate": max(key.created, since.since if since else key.created) / 1000,
    }
    if use is not None:
        answer["KeyLastUsage"] = {
            "Operation": use.operation,
            "Timestamp": use.at / 1000,
            "KmsRequestId": use.request_id,
        }
    return answer


def _switch(call: Call, name: str, state: str) -> None:
    place, key = own_key(call, name)
    check_customer_managed(place, key)
    check_state(call, place, key, "Enabled", "Disabled")
    call.records.put(making.scheduled(making.replaced(key, state=state)))


def _spec_and_usage(request: dict[str, Any]) -> tuple[str, str]:
    if request.get("KeySpec") and request.get("CustomerMasterKeySpec"):
        raise invalid(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is"
            " deprecated."
        )
    name = request.get("KeySpec") or request.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    if name == "SM2":
        raise ServiceFault("UnsupportedOperationException", _NOT_HERE[name])
    if name in _NOT_HERE:
        raise NotBuilt(_NOT_HERE[name])
    usages = specs()[name].usage
    usage = request.get("KeyUsage") or ("ENCRYPT_DECRYPT" if name == "SYMMETRIC_DEFAULT" else "")
    if not usage:
        raise invalid(
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
        )
    if usage not in usages:
        raise invalid(f"KeyUsage {usage} is not compatible with KeySpec {name}")
    return name, usage
