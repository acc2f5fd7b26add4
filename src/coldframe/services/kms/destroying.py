"""The end of keys and of material: rows are overwritten and deleted, and what is held elsewhere is forgotten."""

from msgspec.structs import replace

from coldframe.core.records import Records
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.making import DAY, scheduled
from coldframe.services.kms.multi_region import related
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Alias, Grant, Key, LastUsage, Material


def destroy_key(records: Records, custodian: Custodian, place: Place, key: Key, now: int) -> None:
    """Delete a key with its materials, aliases and grants; a primary that waits for its last replica begins to wait."""
    for material in records.list(Material, key_prefix=(key.id,)):
        erase(records, custodian, place, material)
        records.remove(material)
    for alias in records.list(Alias, where={"key_id": key.id}):
        records.remove(alias)
    for grant in records.list(Grant, key_prefix=(key.id,)):
        records.remove(grant)
    use = records.find(LastUsage, key.id)
    if use is not None:
        records.remove(use)
    records.remove(key)
    if key.primary:
        _leave(records, place, key, now)


def erase(records: Records, custodian: Custodian, place: Place, material: Material) -> None:
    """Overwrite a material, so that its row is there and nothing is in it."""
    custodian.private_keys.forget(f"{place.arn}/{material.id}")
    records.put(replace(material, sealed="", expires=0))


def erase_expired(records: Records, custodian: Custodian, place: Place, key: Key, now: int) -> None:
    """Destroy imported material whose time is over; the key waits for it to be imported again."""
    for material in records.list(Material, key_prefix=(key.id,)):
        if material.expires and material.expires <= now:
            erase(records, custodian, place, material)
    records.put(scheduled(replace(key, state="PendingImport", expires=0)))


def _leave(records: Records, place: Place, key: Key, now: int) -> None:
    left = [region for region in key.regions if region != place.region]
    for there, where, found in list(related(records, place, key)):
        changed = replace(found, regions=left)
        if (
            where.region == found.primary
            and left == [found.primary]
            and found.state == "PendingReplicaDeletion"
        ):
            changed = replace(changed, state="PendingDeletion", deletion=now + found.deletion_days * DAY)
        there.put(scheduled(changed))
