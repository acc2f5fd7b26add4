"""Deleting one object or version, with its lock looked at, and the blobs that go once it is committed."""

from functools import partial

from coldframe.core.call import Call
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.services.s3 import versions
from coldframe.services.s3.events import emit
from coldframe.services.s3.locks import check_deletable
from coldframe.services.s3.lookup import newest, version
from coldframe.services.s3.records import Bucket, Upload, Version


def delete_one(
    call: Call,
    bucket: Bucket,
    key: str,
    version_id: str | None,
    *,
    bypass: bool,
    always_told: bool = False,
) -> versions.Change:
    """Delete a key or one version of it; what is not there is deleted already. Raises AccessDenied for a locked one.

    `always_told`: the bucket's targets hear also of a key that was not there, as AWS was recorded to tell of many at once.
    """
    records = call.records
    if version_id is None:
        found = newest(records, bucket.name, key)
        change = versions.delete(records, bucket, key, call.now)
        if not bucket.versioning and found is not None:
            # Of the deletion itself nothing is left to see.
            for upload in records.list(Upload, key_prefix=(bucket.name, key)):
                records.change(upload, disturbed=True)
            emit(call, bucket, "ObjectRemoved:Delete", found)
        elif not bucket.versioning and always_told:
            gone = Version(
                modified=call.now,
                bucket=bucket.name,
                key=key,
                rank=0,
                version_id=versions.NULL,
                owner=bucket.owner,
            )
            emit(call, bucket, "ObjectRemoved:Delete", gone)
        if change.version is not None:
            emit(call, bucket, "ObjectRemoved:DeleteMarkerCreated", change.version)
        return change
    found = version(records, bucket.name, key, version_id)
    if found is None:
        return versions.Change(None, [])
    check_deletable(call, found, bypass=bypass)
    emit(call, bucket, "ObjectRemoved:Delete", found)
    return versions.delete_version(records, found)


def removed(call: Call, blobs: list[str]) -> None:
    """Delete blobs once the call is committed."""
    if blobs:
        call.records.after_commit(partial(call.part(ObjectStore).delete, *blobs))
