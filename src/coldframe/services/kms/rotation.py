"""Rotation: new material becomes the current one, and the old one still decrypts."""

from msgspec.structs import replace

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.kms.custody import Custodian, Made
from coldframe.services.kms.making import DAY, scheduled
from coldframe.services.kms.multi_region import related
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Key, Material


def rotate(records: Records, custodian: Custodian, place: Place, key: Key, now: int, kind: str) -> None:
    """Make new material current in a key and in all keys related to it; `kind` is AUTOMATIC or ON_DEMAND."""
    made = custodian.make(key.spec)
    material_id = custodian.material_id(key.id, made.secret)
    for there, where, found in list(related(records, place, key)):
        _retire(there, found)
        there.add(_rotated(custodian, where, material_id, made, now, kind))
        there.put(scheduled(_counted(replace(found, material=material_id), now, kind)))


def rotate_to_imported(records: Records, place: Place, key: Key, now: int) -> None:
    """Make the imported material that waits for it current; raises KMSInvalidStateException where none waits."""
    for there, where, found in list(related(records, place, key)):
        waiting = [
            material
            for material in there.list(Material, key_prefix=(key.id,))
            if material.state == "PENDING_ROTATION" and material.sealed
        ]
        if not waiting:
            text = f"No available key material pending rotation for the key: {where.arn}."
            raise ServiceFault("KMSInvalidStateException", text)
        _retire(there, found)
        there.put(replace(waiting[0], state="CURRENT", rotated=now, rotation="ON_DEMAND"))
        there.put(scheduled(_counted(replace(found, material=waiting[0].id), now, "ON_DEMAND")))


def _retire(records: Records, key: Key) -> None:
    current = records.find(Material, key.id, key.material)
    if current is not None:
        records.put(replace(current, state="NON_CURRENT"))


def _rotated(
    custodian: Custodian, place: Place, material_id: str, made: Made, now: int, kind: str
) -> Material:
    return Material(
        key_id=place.id,
        id=material_id,
        sealed=custodian.sealed(place, material_id, made.secret),
        created=now,
        rotated=now,
        rotation=kind,
    )


def _counted(key: Key, now: int, kind: str) -> Key:
    if kind == "ON_DEMAND":
        return replace(key, rotations_on_demand=key.rotations_on_demand + 1)
    following = key.rotation
    while following <= now:
        following += key.rotation_days * DAY
    return replace(key, rotation=following)
