"""Work of KMS that is due at its time: deleting keys, ending imported material, rotating."""

from collections.abc import Iterator
from functools import partial

from coldframe.core import arns
from coldframe.core.installation import Installation
from coldframe.jobs.schedule import Periodic
from coldframe.services.kms import destroying, rotation
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Key
from coldframe.services.kms.usage import Usage


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""
    yield Periodic("kms.keep-keys", partial(keep_keys, installation), every=60.0)
    yield Periodic("kms.last-usage", lambda: installation.parts.get(Usage).flush(), every=60.0)


def keep_keys(installation: Installation) -> None:
    """Do what is due to keys, each in a transaction of its own."""
    now = installation.clock.milliseconds()
    with installation.store.read() as transaction:
        due = transaction.records("", "").everywhere(Key, below=("due", now + 1))
    for account, region, key in due:
        place = Place(arns.partition_of(region), account, region, key.id)
        _keep(installation, place, now)


def _keep(installation: Installation, place: Place, now: int) -> None:
    custodian = installation.parts.get(Custodian)
    with installation.store.write() as transaction:
        records = transaction.records(place.account, place.region)
        key = records.find(Key, place.id)
        if key is None or key.due > now:
            return
        if key.state == "PendingDeletion":
            destroying.destroy_key(records, custodian, place, key, now)
        elif key.expires and key.expires <= now:
            destroying.erase_expired(records, custodian, place, key, now)
        elif key.primary and key.primary != place.region:
            return  # its primary rotates for it
        else:
            rotation.rotate(records, custodian, place, key, now, "AUTOMATIC")
