"""The daily storage metrics of buckets in AWS/S3. Source: Amazon S3 User Guide, Metrics and dimensions."""

from collections import Counter
from typing import TypeVar

from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.core.records import Record, place
from coldframe.services.s3.records import Bucket, Upload, UploadedPart, Version

R = TypeVar("R", bound=Record)
_BATCH = 1000
_TYPES = {
    "STANDARD": "StandardStorage",
    "STANDARD_IA": "StandardIAStorage",
    "ONEZONE_IA": "OneZoneIAStorage",
    "REDUCED_REDUNDANCY": "ReducedRedundancyStorage",
    "INTELLIGENT_TIERING": "IntelligentTieringFAStorage",
    "GLACIER": "GlacierStorage",
    "GLACIER_IR": "GlacierInstantRetrievalStorage",
    "DEEP_ARCHIVE": "DeepArchiveStorage",
}


def write(installation: Installation) -> None:
    """Write how much each bucket holds: versions old and new, delete markers, and parts of uploads under way."""
    with installation.store.read() as transaction:
        buckets = transaction.records("", "").list(Bucket)
    now = installation.clock.milliseconds()
    sink = installation.parts.get(MetricSink) if buckets else None
    for bucket in buckets:
        assert sink is not None, "there are buckets"
        sizes, number = _held(installation, bucket.name)
        where, name = (bucket.owner, bucket.region), {"BucketName": bucket.name}
        for kind, size in sizes.items():
            dimensions = {**name, "StorageType": kind}
            sink.put(where, ("AWS/S3", "BucketSizeBytes"), size, at=now, dimensions=dimensions, unit="Bytes")
        dimensions = {**name, "StorageType": "AllStorageTypes"}
        sink.put(where, ("AWS/S3", "NumberOfObjects"), number, at=now, dimensions=dimensions, unit="Count")


def _held(installation: Installation, bucket: str) -> tuple[Counter[str], int]:
    """Return the bytes of a bucket by storage type, and how many things it holds."""
    sizes: Counter[str] = Counter()
    number = 0
    after: tuple[object, ...] | None = None
    while rows := _page(installation, Version, bucket, after):
        for row in rows:
            sizes[_TYPES.get(row.storage_class, "StandardStorage")] += row.size
        number += len(rows)
        after = place(rows[-1])
    after = None
    while uploads := _page(installation, Upload, bucket, after):
        for upload in uploads:
            with installation.store.read() as transaction:
                parts = transaction.records("", "").list(UploadedPart, key_prefix=(upload.upload_id,))
            kind = _TYPES.get(upload.draft.storage_class, "StandardStorage")
            sizes[kind] += sum(part.size for part in parts)
            number += len(parts)
        after = place(uploads[-1])
    return sizes, number


def _page(
    installation: Installation, kind: type[R], bucket: str, after: tuple[object, ...] | None
) -> list[R]:
    with installation.store.read() as transaction:
        return transaction.records("", "").list(kind, key_prefix=(bucket,), after=after, limit=_BATCH)
