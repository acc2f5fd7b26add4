"""Making the inventory reports that are due, and putting them where their configurations say."""

import logging
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from coldframe.core import ids
from coldframe.core.client_errors import ClientError
from coldframe.core.installation import Installation
from coldframe.core.records import place
from coldframe.services.s3.inventory.configuration import due
from coldframe.services.s3.inventory.report import File, data_file, folder_of, lines, manifest
from coldframe.services.s3.messenger import Notifier
from coldframe.services.s3.records import Bucket, Version

LOG = logging.getLogger("coldframe.s3")

_ROWS = 100_000
_BATCH = 1000


class InventoryReports:
    """Makes reports, one after another, however many ask for it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._making = threading.Lock()

    def make_due(self) -> int:
        """Make every report that is due; returns how many. One that its destination refuses is tried again."""
        with self._making:
            return _make_due(self._installation)


def _make_due(installation: Installation) -> int:
    with installation.store.read() as transaction:
        buckets = [
            each for each in transaction.records("", "").list(Bucket) if each.settings.get("inventory")
        ]
    made = 0
    for bucket in buckets:
        for identifier, configuration in bucket.settings["inventory"].items():
            now = installation.clock.milliseconds()
            if not due(configuration, bucket.settings.get("inventory_made", {}).get(identifier), now):
                continue
            try:
                _make(installation, bucket, configuration, now)
            except ClientError as error:
                LOG.warning(
                    "the inventory %s of bucket %s was not delivered: %s", identifier, bucket.name, error
                )
                continue
            _remember(installation, bucket.name, identifier, now)
            made += 1
    return made


def _make(installation: Installation, bucket: Bucket, configuration: Mapping[str, Any], now: int) -> None:
    assert installation.clients is not None, "the server has clients before it reports"
    arn = f"arn:aws:s3:::{bucket.name}"
    principal = Notifier(kind="service", arn="s3.amazonaws.com", bucket_arn=arn, owner=bucket.owner)
    client = installation.clients("s3", principal=principal, region=bucket.region)
    destination = configuration["Destination"]["S3BucketDestination"]
    target = destination["Bucket"].rpartition(":::")[2]
    encryption = _encryption(destination.get("Encryption") or {})

    def put(file: File) -> None:
        # Documented: what S3 delivers belongs to the owner of the bucket that it is delivered to.
        client.put_object(
            Bucket=target, Key=file.key, Body=file.body, ACL="bucket-owner-full-control", **encryption
        )

    folder = folder_of(bucket.name, configuration)
    data: list[File] = []
    for content in _contents(installation, bucket.name, configuration):
        file = data_file(folder, ids.uuid(), content)
        put(file)
        data.append(file)
    for file in manifest(bucket.name, configuration, data, now):
        put(file)


def _encryption(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return how reports are to be encrypted; without a word of the configuration as their bucket says."""
    if "SSEKMS" in asked:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": asked["SSEKMS"]["KeyId"]}
    return {"ServerSideEncryption": "AES256"} if "SSES3" in asked else {}


def _contents(installation: Installation, name: str, configuration: Mapping[str, Any]) -> Iterator[bytes]:
    """Give the lines of a bucket's versions, so many at a time; one portion even if there are none."""
    after: tuple[Any, ...] | None = None
    gathered: list[bytes] = []
    rows = 0
    while True:
        with installation.store.read() as transaction:
            batch = transaction.records("", "").list(Version, key_prefix=(name,), after=after, limit=_BATCH)
        gathered.append(lines(configuration, batch))
        rows += len(batch)
        if len(batch) < _BATCH:
            yield b"".join(gathered)
            return
        after = place(batch[-1])
        if rows >= _ROWS:
            yield b"".join(gathered)
            gathered, rows = [], 0


def _remember(installation: Installation, name: str, identifier: str, now: int) -> None:
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        bucket = records.find(Bucket, name)
        if bucket is not None:
            made = bucket.settings.get("inventory_made", {}) | {identifier: now}
            records.change(bucket, settings=bucket.settings | {"inventory_made": made})
