"""Which blobs of the object store S3 names: those of every version and of every part that was uploaded."""

from coldframe.core.records import place
from coldframe.core.store import Store
from coldframe.services.s3.records import UploadedPart, Version

_BATCH = 1000


def named_blobs(store: Store) -> set[str]:
    """Return the ids of all blobs that are named as of now."""
    with store.read() as transaction:
        records = transaction.records("", "")
        found = {part.blob for part in records.list(UploadedPart)}
        after = None
        while batch := records.list(Version, after=after, limit=_BATCH):
            found.update(blob for row in batch for blob, _ in row.blobs)
            after = place(batch[-1])
    return found
