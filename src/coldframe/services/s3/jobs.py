"""Work of S3 that no call waits for: events are sent, lifecycle rules delete, files that nothing names are swept."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from coldframe.core.installation import Installation
from coldframe.core.records import Records, place
from coldframe.engines.objectstore.store import ObjectStore
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.jobs.schedule import Periodic
from coldframe.services.s3 import storage_metrics, versions
from coldframe.services.s3.inventory.making import InventoryReports
from coldframe.services.s3.lifecycle import applies, due, expires
from coldframe.services.s3.messenger import Messenger
from coldframe.services.s3.naming import named_blobs
from coldframe.services.s3.records import Bucket, Upload, UploadedPart, Version

_BATCH = 500


@job("s3.send_event")
def send_event(run: Run, target: str, message: str, bucket_arn: str, owner: str, *trace: str) -> None:
    """Send one event message to one queue or topic; a target that refuses it does not hear of it."""
    run.step("send", run.part(Messenger).send, target, message, bucket_arn, owner, *trace)


def periodic(installation: Installation) -> list[Periodic]:
    """Return the periodic work of S3."""
    return [
        Periodic("s3: sweep files that nothing names", partial(sweep, installation), every=3600.0),
        Periodic("s3: apply lifecycle rules", partial(apply_rules, installation), every=3600.0),
        Periodic("s3: make inventory reports", partial(make_reports, installation), every=3600.0),
        Periodic("s3: write storage metrics", partial(storage_metrics.write, installation), at=0.0),
    ]


def sweep(installation: Installation) -> int:
    """Delete files that no version and no part names; returns how many."""
    return installation.parts.get(ObjectStore).sweep(partial(named_blobs, installation.store))


def make_reports(installation: Installation) -> int:
    """Make the inventory reports that are due; returns how many."""
    return installation.parts.get(InventoryReports).make_due()


def apply_rules(installation: Installation) -> int:
    """Do what the lifecycle rules of every bucket say by now; returns how many versions and uploads ended."""
    with installation.store.read() as transaction:
        buckets = [
            bucket for bucket in transaction.records("", "").list(Bucket) if bucket.settings.get("lifecycle")
        ]
    return sum(_apply(installation, bucket.name) for bucket in buckets)


def _apply(installation: Installation, name: str) -> int:
    ended = 0
    after: tuple[Any, ...] | None = None
    while True:
        with installation.store.write() as transaction:
            records = transaction.records("", "")
            bucket = records.find(Bucket, name)
            if bucket is None:
                return ended
            rules = bucket.settings.get("lifecycle", [])
            batch = records.list(Version, key_prefix=(name,), after=after, limit=_BATCH)
            now = installation.clock.milliseconds()
            freed: list[str] = []
            for row in batch:
                blobs = _expire(records, bucket, row, rules, now)
                ended += blobs is not None
                freed += blobs or []
            if not batch:
                freed += _abort(records, name, rules, now)
            records.after_commit(partial(installation.parts.get(ObjectStore).delete, *freed))
        if not batch:
            return ended
        after = place(batch[-1])


def _expire(
    records: Records, bucket: Bucket, row: Version, rules: Sequence[Any], now: int
) -> list[str] | None:
    """Do what the first rule that speaks says of a version; returns the freed blobs, None when nothing is due."""
    current = records.find(Version, row.bucket, row.key, row.rank)
    if current is None:
        return None
    for rule in rules:
        if not applies(rule, current.key, size=current.size, tags=current.tags):
            continue
        if current.live and expires(rule, current, now):
            if bucket.versioning or not _locked(current, now):
                return versions.delete(records, bucket, current.key, now).blobs
        elif (current.latest and current.marker and _lone_marker(records, rule, current)) or (
            not current.latest and _outlived(records, rule, current, now) and not _locked(current, now)
        ):
            return versions.delete_version(records, current).blobs
    return None


def _lone_marker(records: Records, rule: Any, marker: Version) -> bool:
    """Tell whether a rule removes a delete marker under which nothing is left."""
    said = rule.get("Expiration") or {}
    if not said.get("ExpiredObjectDeleteMarker") and said.get("Days") is None:
        return False
    return records.count(Version, key_prefix=(marker.bucket, marker.key)) == 1


def _outlived(records: Records, rule: Any, row: Version, now: int) -> bool:
    said = rule.get("NoncurrentVersionExpiration") or {}
    if said.get("NoncurrentDays") is None or now < due(row.superseded, said["NoncurrentDays"]):
        return False
    keep = said.get("NewerNoncurrentVersions") or 0
    if not keep:
        return True
    newer = [
        each
        for each in records.list(Version, key_prefix=(row.bucket, row.key))
        if each.rank < row.rank and not each.latest
    ]
    return len(newer) >= keep


def _locked(row: Version, now: int) -> bool:
    return row.legal_hold or (bool(row.lock_mode) and row.lock_until > now)


def _abort(records: Records, name: str, rules: Sequence[Any], now: int) -> list[str]:
    """End the uploads that a rule has waited long enough for; returns the blobs of their parts."""
    freed: list[str] = []
    for upload in records.list(Upload, key_prefix=(name,)):
        days = [
            rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
            for rule in rules
            if rule.get("AbortIncompleteMultipartUpload") and applies(rule, upload.key)
        ]
        if not days or now < due(upload.initiated, min(days)):
            continue
        for part in records.list(UploadedPart, key_prefix=(upload.upload_id,)):
            freed.append(part.blob)
            records.remove(part)
        records.remove(upload)
    return freed
