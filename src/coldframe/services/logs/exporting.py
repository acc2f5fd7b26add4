"""The durable job of an export task: a group's masked events, stream by stream, as gzip objects in a bucket.

Source: Amazon CloudWatch Logs user guide, Exporting log data to Amazon S3.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from coldframe.core.client_errors import ClientError, status_of
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.engines.logstore.rows import Position
from coldframe.engines.logstore.store import LogStore
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.logs.bucket_access import ACL, exporter
from coldframe.services.logs.records import ExportTask

ACTIVE = ("PENDING", "RUNNING", "PENDING_CANCEL")
# A part of a multipart upload has 5 MB at least, except the last.
PART_BYTES = 8 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class Stopped(Exception):
    """The export goes no further: it was cancelled, or the bucket refuses."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Portion(NamedTuple):
    """Some events of a stream, compressed, and the position of the last of them; None at the stream's end."""

    data: bytes
    after: Position | None


class Exporter:
    """What the steps of an export do; a step that is done again writes the same object or part once more."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.now = installation.clock.milliseconds

    def streams(self, account: str, region: str, task_id: str) -> dict[str, Any]:
        """Return the names of the streams that have events of the task's time."""
        task = self._task(account, region, task_id)
        facts = self._installation.parts.get(LogStore).streams(task.group_id)
        names = [
            name
            for name, held in facts.items()
            if name.startswith(task.stream_prefix)
            and held.first_timestamp <= task.end
            and held.last_timestamp >= task.start
        ]
        return {"streams": sorted(names)}

    def begin(self, account: str, region: str, task_id: str, stream: str, key: str) -> dict[str, Any]:
        """Write a stream whose events fit into one part; for a longer one, return the id of a new upload."""
        task = self._task(account, region, task_id)
        first = self._portion(task, stream, None)
        if first.after is None:
            if first.data:
                self._s3(task, account, region).put_object(
                    Bucket=task.bucket, Key=key, Body=first.data, ACL=ACL
                )
            return {"upload": ""}
        made = self._s3(task, account, region).create_multipart_upload(Bucket=task.bucket, Key=key, ACL=ACL)
        return {"upload": made["UploadId"]}

    def part(
        self, account: str, region: str, task_id: str, stream: str, upload: dict[str, Any], number: int
    ) -> dict[str, Any]:
        """Write one part, from behind the one before; returns its ETag and the position that it ends at."""
        task = self._task(account, region, task_id)
        portion = self._portion(task, stream, Position(*upload["after"]) if upload["after"] else None)
        if not portion.data:
            return {"etag": "", "after": None}
        made = self._s3(task, account, region).upload_part(
            Bucket=task.bucket,
            Key=upload["key"],
            UploadId=upload["id"],
            PartNumber=number,
            Body=portion.data,
        )
        return {"etag": made["ETag"], "after": portion.after}

    def complete(
        self, account: str, region: str, task_id: str, upload: dict[str, Any], etags: list[str]
    ) -> dict[str, Any]:
        """Make the object of its parts."""
        task = self._task(account, region, task_id)
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        self._s3(task, account, region).complete_multipart_upload(
            Bucket=task.bucket, Key=upload["key"], UploadId=upload["id"], MultipartUpload={"Parts": parts}
        )
        return {}

    def abort(self, account: str, region: str, task_id: str, upload: dict[str, Any]) -> None:
        """End an upload that will not be completed; a bucket that refuses keeps its parts for its lifecycle rules."""
        with self._installation.store.read() as transaction:
            task = transaction.records(account, region).get(ExportTask, task_id)
        try:
            self._s3(task, account, region).abort_multipart_upload(
                Bucket=task.bucket, Key=upload["key"], UploadId=upload["id"]
            )
        except ClientError as error:
            if status_of(error) >= 500:
                raise

    def _task(self, account: str, region: str, task_id: str) -> ExportTask:
        """Return the task as it is now; raises Stopped once it is to be cancelled."""
        with self._installation.store.read() as transaction:
            task = transaction.records(account, region).get(ExportTask, task_id)
        if task.status == "PENDING_CANCEL":
            raise Stopped("CANCELLED", "Cancelled by user")
        return task

    def _s3(self, task: ExportTask, account: str, region: str) -> Any:
        return exporter(self._installation, region, f"arn:aws:logs:{region}:{account}:log-group:{task.group}")

    def _portion(self, task: ExportTask, stream: str, after: Position | None) -> Portion:
        """Compress events until a part is full: each portion is a gzip file that can follow another."""
        store = self._installation.parts.get(LogStore)
        rows = store.scan(task.group_id, streams={stream}, start=task.start, end=task.end + 1, after=after)
        # It writes no time into the header, so that the same events give the same bytes, and keeps none back in a buffer,
        # as gzip.GzipFile does from Python 3.12 on.
        packer = zlib.compressobj(6, wbits=_GZIP)
        packed, last = bytearray(), None
        for row in rows:
            packed += packer.compress(f"{_written(row.timestamp)} {row.message}\n".encode())
            last = row.position
            if len(packed) >= PART_BYTES:
                return Portion(bytes(packed + packer.flush()), last)
        return Portion(bytes(packed + packer.flush()) if last is not None else b"", None)


@job("logs.export")
def export(run: Run, task_id: str) -> None:
    """Export a task's events. The task's record says how it went; it is cancelled by what that record says."""
    # Nothing is taken back: what was exported before a task failed or was cancelled stays, as at AWS.
    run.commit_point()
    run.write("begin", _begin, task_id)
    status, message = "COMPLETED", "Completed successfully"
    try:
        _export(run, task_id)
    except Stopped as stopped:
        status, message = stopped.status, stopped.message
    run.write("end", _end, task_id, status, message, run.part(Exporter).now)


def _export(run: Run, task_id: str) -> None:
    exporter_ = run.part(Exporter)
    place = (run.account, run.region, task_id)
    streams = _tried(run, "list streams", exporter_.streams, *place)["streams"]
    with run.read() as records:
        task = records.get(ExportTask, task_id)
    for stream, key in _keys(task, streams):
        begun = _tried(run, f"export {stream}", exporter_.begin, *place, stream, key)
        if begun["upload"]:
            _parts(run, task_id, stream, {"id": begun["upload"], "key": key, "after": None})


def _parts(run: Run, task_id: str, stream: str, upload: dict[str, Any]) -> None:
    """Write a stream's object in parts."""
    exporter_ = run.part(Exporter)
    place = (run.account, run.region, task_id)
    etags: list[str] = []
    try:
        while True:
            number = len(etags) + 1
            name = f"export part {number} of {stream}"
            made = _tried(run, name, exporter_.part, *place, stream, upload, number)
            if made["etag"]:
                etags.append(made["etag"])
            if made["after"] is None:
                break
            upload = {**upload, "after": made["after"]}
        _tried(run, f"complete {stream}", exporter_.complete, *place, upload, etags)
    except Stopped:
        run.step(f"abort {stream}", exporter_.abort, *place, upload)
        raise


def _tried(run: Run, name: str, act: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """Do a step; raises Stopped where it was refused or cancelled, also when the journal tells that it was."""

    def trying() -> dict[str, Any]:
        try:
            return act(*args)
        except Stopped as stopped:
            return {"stopped": [stopped.status, stopped.message]}
        except ClientError as error:
            # What is wrong with the server passes, and the step is tried again; a refusal stays.
            if status_of(error) >= 500:
                raise
            said = error.response["Error"]
            return {"stopped": ["FAILED", f"{said['Code']}: {said['Message']}"]}

    done = run.step(name, trying)
    if "stopped" in done:
        raise Stopped(*done["stopped"])
    return done


def _keys(task: ExportTask, streams: list[str]) -> Iterator[tuple[str, str]]:
    """Give each stream with its object's key; streams whose names differ in slashes only have numbers of their own."""
    seen: Counter[str] = Counter()
    for stream in streams:
        folder = stream.replace("/", "-")
        yield stream, f"{task.prefix}/{task.id}/{folder}/{seen[folder]:06d}.gz"
        seen[folder] += 1


def _begin(records: Records, task_id: str) -> None:
    task = records.get(ExportTask, task_id)
    if task.status == "PENDING":
        records.change(task, status="RUNNING")


def _end(records: Records, task_id: str, status: str, message: str, now: Callable[[], int]) -> None:
    records.change(records.get(ExportTask, task_id), status=status, message=message, completed=now())


def _written(timestamp: int) -> str:
    moment = datetime.fromtimestamp(timestamp // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{timestamp % 1000:03d}Z"
