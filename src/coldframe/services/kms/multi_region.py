"""Related multi-Region keys: the regions of one key, and what its materials look like in each."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from coldframe.core.records import Records
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.making import scheduled
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Key, Material


def related(records: Records, place: Place, key: Key) -> Iterator[tuple[Records, Place, Key]]:
    """Give the key and all its replicas with their records; only itself for a key of one region."""
    for region in key.regions or [place.region]:
        there = records.elsewhere(account=place.account, region=region)
        found = there.find(Key, key.id)
        if found is not None:
            yield there, place._replace(region=region), found


def copy_material(custodian: Custodian, material: Material, source: Place, target: Place) -> Material:
    """Return a material sealed for the same key in another region."""
    if not material.sealed:
        return material
    secret = custodian.opened(source, material)
    return replace(material, sealed=custodian.sealed(target, material.id, secret))


def change_all(records: Records, place: Place, key: Key, change: Callable[[Key], Key]) -> None:
    """Change the properties that related keys share in all of them."""
    for there, _, found in list(related(records, place, key)):
        there.put(scheduled(change(found)))
