"""Objects in archive classes: they are read and copied only while a restored copy is there.

Source: Amazon S3 User Guide, "Restoring an archived object". A restore takes no time here: the bytes lie where all lie.
"""

from coldframe.core.faults import ServiceFault
from coldframe.services.s3.records import Version
from coldframe.services.s3.times import DAY, http_date

ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def check_readable(found: Version, now: int) -> None:
    """Raise InvalidObjectState for an object that has to be restored first."""
    if _archived(found, now):
        text = "The operation is not valid for the object's storage class"
        raise ServiceFault("InvalidObjectState", text, status=403, StorageClass=found.storage_class)


def check_copyable(found: Version, now: int) -> None:
    """Raise ObjectNotInActiveTierError for the source of a copy that has to be restored first."""
    if _archived(found, now):
        text = "The source object of the COPY action is not in the active tier and is only stored in Amazon S3 Glacier."
        raise ServiceFault("ObjectNotInActiveTierError", text, status=403)


def restored_until(now: int, days: int) -> int:
    """Return when a copy that is restored now for so many days expires: at the midnight (UTC) that follows."""
    return -(-(now + days * DAY) // DAY) * DAY


def told_restore(found: Version, now: int) -> dict[str, str]:
    """Return what answers say of a restored copy."""
    if found.storage_class not in ARCHIVES or found.restored_until <= now:
        return {}
    return {"Restore": f'ongoing-request="false", expiry-date="{http_date(found.restored_until)}"'}


def _archived(found: Version, now: int) -> bool:
    return found.storage_class in ARCHIVES and found.restored_until <= now
