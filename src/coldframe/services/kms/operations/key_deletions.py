"""The end of keys: scheduled, and called off while there is time."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.kms import making
from coldframe.services.kms.lookup import check_customer_managed, check_state, invalid, own_key

_LEAST, _MOST = 7, 30


def schedule_key_deletion(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a key unusable and have it destroyed after 7 to 30 days, with all material, aliases and grants."""
    place, key = own_key(call, request["KeyId"])
    check_customer_managed(place, key)
    check_state(call, place, key, "Enabled", "Disabled", "PendingImport")
    days = request.get("PendingWindowInDays")
    days = _MOST if days is None else days
    if not _LEAST <= days <= _MOST:
        raise invalid(f"PendingWindowInDays must be between {_LEAST} and {_MOST} (inclusive).")
    waits = key.primary == place.region and len(key.regions) > 1
    changed = making.replaced(
        key,
        state="PendingReplicaDeletion" if waits else "PendingDeletion",
        deletion=0 if waits else call.now + days * making.DAY,
        deletion_days=days,
    )
    call.records.put(making.scheduled(changed))
    answer = {"KeyId": place.arn, "KeyState": changed.state, "PendingWindowInDays": days}
    return answer if waits else {**answer, "DeletionDate": changed.deletion / 1000}


def cancel_key_deletion(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Keep a key that was about to be destroyed; it is disabled until it is enabled again."""
    place, key = own_key(call, request["KeyId"])
    if key.state not in {"PendingDeletion", "PendingReplicaDeletion"}:
        raise ServiceFault("KMSInvalidStateException", f"{place.arn} is not pending deletion.")
    waiting = key.origin == "EXTERNAL" and (not key.material or bool(key.expires and key.expires <= call.now))
    state = "PendingImport" if waiting else "Disabled"
    call.records.put(making.scheduled(making.replaced(key, state=state, deletion=0, deletion_days=0)))
    return {"KeyId": place.arn}
