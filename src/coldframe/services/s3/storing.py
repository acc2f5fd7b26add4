"""The moment at which stored bytes become an object: conditions, rows and the fate of the blobs, in one transaction."""

from collections.abc import Sequence

from coldframe.core.call import Call
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.services.s3 import versions
from coldframe.services.s3.conditions import check_write
from coldframe.services.s3.events import emit
from coldframe.services.s3.lookup import Request, bucket_to_change
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import no_such_bucket


def commit_version(
    call: Call,
    request: Request,
    draft: Version,
    pending: Sequence[str],
    *,
    into: Bucket,
    event: str = "ObjectCreated:Put",
) -> tuple[Version, Bucket]:
    """Make a draft, whose `pending` blobs are stored, the newest version; they are discarded when it may not be.

    `into` is the bucket for which the caller was found to be allowed. Raises NoSuchBucket, also for one that was deleted
    and made anew while the bytes arrived, and the faults of the request's conditions.
    """
    store = call.part(ObjectStore)
    try:
        bucket = _still(bucket_to_change(call, request), into)
        check_write(request, call.records)
        change = versions.put(call.records, bucket, draft)
        assert change.version is not None, "a put makes a version"
        emit(call, bucket, event, change.version)
    except BaseException:
        store.discard(*pending)
        raise

    def settle() -> None:
        store.keep(*pending)
        store.delete(*change.blobs)

    call.records.after_commit(settle)
    return change.version, bucket


def _still(bucket: Bucket, into: Bucket) -> Bucket:
    if (bucket.owner, bucket.created) != (into.owner, into.created):
        raise no_such_bucket(bucket.name)
    return bucket
