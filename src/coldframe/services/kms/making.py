"""New keys and new material: the records that come into being together."""

import base64
from typing import Any

from msgspec.structs import replace

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.records import Records
from coldframe.services.kms.custody import Custodian, Made
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import NEVER, Key, Material

DAY = 86_400_000


def new_key(
    call: Call, records: Records, *, spec: str, usage: str, made: Made | None = None, **fields: Any
) -> Key:
    """Add a key with its first material and return it; `fields` are fields of Key, `made` is material made before.

    A key of origin EXTERNAL gets no material and waits for it.
    """
    region = records.region
    multi_region = bool(fields.pop("multi_region", False))
    key_id = fields.pop("id", "") or (f"mrk-{ids.hexadecimal(32)}" if multi_region else ids.uuid())
    key = Key(id=key_id, created=call.now, spec=spec, usage=usage, **fields)
    if multi_region:
        key = replaced(key, primary=region, regions=[region])
    if key.origin == "EXTERNAL":
        key = replaced(key, state="PendingImport")
    else:
        custodian = call.part(Custodian)
        made = made or custodian.make(spec)
        material = new_material(call, custodian, Place(call.partition, records.account, region, key_id), made)
        records.add(material)
        key = replaced(key, material=material.id, public=base64.b64encode(made.public).decode())
    if key.rotation_days:
        key = replaced(key, rotation=call.now + key.rotation_days * DAY)
    key = scheduled(key)
    records.add(key)
    return key


def new_material(call: Call, custodian: Custodian, place: Place, made: Made, **fields: Any) -> Material:
    """Return material sealed for a key; it is not added yet."""
    material_id = custodian.material_id(place.id, made.secret)
    return Material(
        key_id=place.id,
        id=material_id,
        sealed=custodian.sealed(place, material_id, made.secret),
        created=call.now,
        **fields,
    )


def replaced(key: Key, **fields: Any) -> Key:
    """Return the key with other fields."""
    return replace(key, **fields)


def scheduled(key: Key) -> Key:
    """Return the key with `due` as its other fields have it."""
    if key.state == "PendingDeletion":
        due = key.deletion
    else:
        turning = key.rotation if key.rotation_days and key.state == "Enabled" else 0
        due = min(moment or NEVER for moment in (turning, key.expires))
    return replaced(key, due=due)
