"""Key policies: each key has exactly one, called default."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.kms.lookup import check_customer_managed, not_found, own_key
from coldframe.services.kms.policies import check_policy

_NAME = "default"


def get_key_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the policy of a key."""
    _, key = own_key(call, request["KeyId"])
    _check_name(request)
    return {"Policy": key.policy, "PolicyName": _NAME}


def put_key_policy(call: Call, request: dict[str, Any]) -> None:
    """Replace the policy of a key."""
    place, key = own_key(call, request["KeyId"])
    _check_name(request)
    check_customer_managed(place, key)
    check_policy(call, place, request["Policy"], bypass=bool(request.get("BypassPolicyLockoutSafetyCheck")))
    call.records.change(key, policy=request["Policy"])


def list_key_policies(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the name of the one policy that a key has."""
    own_key(call, request["KeyId"])
    return {"PolicyNames": [_NAME], "Truncated": False}


def _check_name(request: dict[str, Any]) -> None:
    if request.get("PolicyName") not in {None, _NAME}:
        raise not_found("No such policy exists")
