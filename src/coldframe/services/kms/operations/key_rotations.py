"""Rotation of symmetric keys: by the calendar and on demand."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.kms import making, rotation
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.listing import limit_of, marker_of, page
from coldframe.services.kms.lookup import check_customer_managed, check_state, own_key
from coldframe.services.kms.multi_region import change_all
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Key, Material

_MOST_ON_DEMAND = 25
_DEFAULT_DAYS = 365


def enable_key_rotation(call: Call, request: dict[str, Any]) -> None:
    """Rotate a key every so many days from now on."""
    place, key = _rotating(call, request["KeyId"])
    days = request.get("RotationPeriodInDays") or key.rotation_days or _DEFAULT_DAYS
    following = call.now + days * making.DAY
    change_all(
        call.records,
        place,
        key,
        lambda found: making.replaced(found, rotation_days=days, rotation=following),
    )


def disable_key_rotation(call: Call, request: dict[str, Any]) -> None:
    """Rotate a key no longer by the calendar."""
    place, key = _rotating(call, request["KeyId"])
    change_all(call.records, place, key, lambda found: making.replaced(found, rotation_days=0, rotation=0))


def get_key_rotation_status(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return whether a key rotates by the calendar, and when next; keys that cannot rotate answer that they do not."""
    _, key = own_key(call, request["KeyId"])
    on = bool(key.rotation_days) and key.state not in {"PendingDeletion", "PendingReplicaDeletion"}
    answer: dict[str, Any] = {"KeyId": key.id, "KeyRotationEnabled": on}
    if on:
        answer["RotationPeriodInDays"] = key.rotation_days
        answer["NextRotationDate"] = key.rotation / 1000
    return answer


def rotate_key_on_demand(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Rotate a key now; what was imported for it becomes current where the material is not made here."""
    place, key = own_key(call, request["KeyId"])
    check_customer_managed(place, key)
    check_state(call, place, key, "Enabled")
    _check_symmetric(call, place, key)
    _check_primary(call, place, key)
    if key.rotations_on_demand >= _MOST_ON_DEMAND:
        raise ServiceFault(
            "LimitExceededException", f"A key can be rotated on demand {_MOST_ON_DEMAND} times."
        )
    if key.origin == "EXTERNAL":
        rotation.rotate_to_imported(call.records, place, key, call.now)
    else:
        rotation.rotate(call.records, call.part(Custodian), place, key, call.now, "ON_DEMAND")
    return {"KeyId": place.arn}


def list_key_rotations(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the rotations of a key, oldest first; all its materials if asked for."""
    place, key = own_key(call, request["KeyId"])
    _check_symmetric(call, place, key)
    limit, after = limit_of(request, 100, 1000), marker_of(call, request)
    everything = request.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
    rows = [row for row in call.records.list(Material, key_prefix=(key.id,)) if row.rotated or everything]
    rows.sort(key=_position)
    rows = [row for row in rows if after is None or _position(row) > tuple(after)]
    return page(call, "Rotations", rows, limit, place=_position, show=lambda row: _shown(row, call.now))


def _position(row: Material) -> tuple[int, int, str]:
    # What waits for a rotation comes last.
    return (1 if row.state == "PENDING_ROTATION" else 0, row.rotated, row.id)


def _shown(row: Material, now: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "KeyId": row.key_id,
        "KeyMaterialId": row.id,
        "KeyMaterialState": row.state,
    }
    if row.imported:
        gone = not row.sealed or bool(row.expires and row.expires <= now)
        answer["ImportState"] = "PENDING_IMPORT" if gone else "IMPORTED"
        if row.description:
            answer["KeyMaterialDescription"] = row.description
        if not gone:
            kind = "KEY_MATERIAL_EXPIRES" if row.expires else "KEY_MATERIAL_DOES_NOT_EXPIRE"
            answer["ExpirationModel"] = kind
            if row.expires:
                answer["ValidTo"] = row.expires / 1000
    if row.rotated:
        answer["RotationDate"] = row.rotated / 1000
        answer["RotationType"] = row.rotation
    return answer


def _rotating(call: Call, name: str) -> tuple[Place, Key]:
    place, key = own_key(call, name)
    check_customer_managed(place, key)
    check_state(call, place, key, "Enabled")
    _check_symmetric(call, place, key)
    _check_primary(call, place, key)
    if key.origin != "AWS_KMS":
        raise _unsupported(f"{place.arn} origin is {key.origin} which is not valid for this operation.")
    return place, key


def _check_symmetric(call: Call, place: Place, key: Key) -> None:
    if key.spec != "SYMMETRIC_DEFAULT":
        raise _unsupported(f"{place.arn} key spec is {key.spec} which is not valid for {call.operation}.")


def _check_primary(call: Call, place: Place, key: Key) -> None:
    if key.primary and key.primary != place.region:
        raise _unsupported(f"{place.arn} is a replica key; {call.operation} is for its primary key.")


def _unsupported(message: str) -> ServiceFault:
    return ServiceFault("UnsupportedOperationException", message)
