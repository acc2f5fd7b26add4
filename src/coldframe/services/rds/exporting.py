"""The job of an export task: every table of a snapshot as Parquet files in a bucket, and two files that say what was exported.

The task's record says how it went. Nothing is taken back: what was exported before it failed or was cancelled stays.
Source: Amazon RDS User Guide, Exporting DB snapshot data to Amazon S3.
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from coldframe.core.client_errors import ClientError, status_of
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.core.struct_types import whole
from coldframe.engines.contents import Table
from coldframe.engines.database import DatabaseError
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import events, export_places, snapshotting, table_files
from coldframe.services.rds.encryption import KeyInaccessible
from coldframe.services.rds.exports import Exports, Place, Stopped, source_of
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import ExportTask
from coldframe.services.rds.times import moment

_GB = 1024**3
# So many tables are told of in one file.
_PER_FILE = 100


@job("rds.export-snapshot")
def export_snapshot(run: Run, task: str) -> None:
    """Export a snapshot's tables; each is a step, so that a restart goes on with the next one."""
    exports, place = run.part(Exports), Place(run.account, run.region, task)
    run.commit_point()
    run.write("begin", _begin, task, exports.now())
    try:
        with exports.opened(place):
            try:
                fields = _everything(run, exports, place)
            except Stopped as stopped:
                fields = {"status": stopped.status, "failure": stopped.reason}
            run.step("remove what it needed", exports.remove, place)
    except KeyInaccessible as lost:
        # What is there of an attempt before cannot be read, and can be removed.
        fields = {"status": "FAILED", "failure": str(lost)}
        run.step("remove what it needed", exports.remove, place)
    key = run.write("say how it went", _end, run.part(Messenger), task, fields)
    if key is not None:
        run.step("give up its key", snapshotting.give_up_key, run, key)


def _everything(run: Run, exports: Exports, place: Place) -> dict[str, Any]:
    _tried(run, "lay in a copy", exports.lay_in, place)
    with run.read() as records:
        task = records.get(ExportTask, place.task)
    tables = [
        msgspec.convert(each, whole(Table)) for each in _tried(run, "list the tables", exports.tables, place)
    ]
    told: list[dict[str, Any]] = []
    for number, table in enumerate(tables, 1):
        name = export_places.target(table)
        reason = export_places.left_out(table)
        if reason:
            told.append(
                {
                    "target": name,
                    "status": "SKIPPED",
                    "warningMessage": f"The table was not exported: {reason}.",
                }
            )
            continue
        done = _tried(run, f"export {name}", exports.export, place, msgspec.to_builtins(table))
        told.append(_told(table, done))
        run.write(f"say that {name} is done", _progress, place.task, 1 + 98 * number // len(tables))
    ended = run.step("note the time", exports.now)
    size = sum(each.get("bytes", 0) for each in told)
    warning = "; ".join(
        f"{each['target']}: {each['warningMessage']}" for each in told if "warningMessage" in each
    )
    _tried(run, "say which tables", _tables_info, exports, place, told)
    _tried(run, "say what was exported", _info, exports, place, task, ended, size)
    return {
        "status": "COMPLETE",
        "progress": 100,
        "ended": ended,
        "size": size,
        "warning": warning,
    }


def _tried(run: Run, name: str, act: Callable[..., Any], *args: Any) -> Any:
    """Do a step; raises Stopped where it was refused or cancelled, also when the journal tells that it was."""

    def trying() -> dict[str, Any]:
        try:
            return {"done": act(*args)}
        except Stopped as stopped:
            return {"stopped": [stopped.status, stopped.reason]}
        except ClientError as error:
            # What is wrong with the server passes, and the step is tried again; a refusal stays.
            if status_of(error) >= 500:
                raise
            said = error.response["Error"]
            return {"stopped": ["FAILED", f"{said['Code']}: {said['Message']}"]}
        except (DatabaseError, ServiceFault, OSError) as error:
            return {"stopped": ["FAILED", " ".join(str(error).split())]}

    done = run.step(name, trying)
    if "stopped" in done:
        raise Stopped(*done["stopped"])
    return done["done"]


def _told(table: Table, done: dict[str, Any]) -> dict[str, Any]:
    """Return what a file says of an exported table."""
    return {
        "tableStatistics": {
            "extractionStartTime": _said(done["began"]),
            "extractionEndTime": _said(done["ended"]),
            "partitioningInfo": {
                "numberOfPartitions": done["parts"],
                "numberOfCompletedPartitions": done["parts"],
            },
        },
        "schemaMetadata": {
            "originalTypeMappings": [
                {
                    "columnName": column.name,
                    "originalType": column.type,
                    "expectedExportedType": table_files.written(column),
                    "originalCharMaxLength": column.characters,
                    "originalNumPrecision": column.precision,
                    "originalDateTimePrecision": column.fraction,
                }
                for column in table.columns
            ]
        },
        "status": "COMPLETE",
        "sizeGB": done["size"] / _GB,
        "bytes": done["size"],
        "target": export_places.target(table),
    }


def _tables_info(exports: Exports, place: Place, told: list[dict[str, Any]]) -> None:
    rows = [{key: value for key, value in each.items() if key != "bytes"} for each in told]
    for begin in range(0, len(rows), _PER_FILE):
        some = rows[begin : begin + _PER_FILE]
        name = f"export_tables_info_{place.task}_from_{begin + 1}_to_{begin + len(some)}.json"
        exports.put(place, name, json.dumps({"perTableStatus": some}).encode())


def _info(exports: Exports, place: Place, task: ExportTask, ended: int, size: int) -> None:
    said = {
        "exportTaskIdentifier": task.identifier,
        "sourceArn": task.source,
        "exportOnly": task.only,
        "snapshotTime": _said(task.snapshot_time),
        "taskStartTime": _said(task.started),
        "taskEndTime": _said(ended),
        "s3Bucket": task.bucket,
        "s3Prefix": task.prefix,
        "exportedFilesPath": export_places.folder_of(task),
        "iamRoleArn": task.role,
        "kmsKeyId": task.key,
        "status": "COMPLETE",
        "percentProgress": 100,
        "totalExportedDataInGB": size / _GB,
    }
    exports.put(place, f"export_info_{task.identifier}.json", json.dumps(said).encode())


def _said(milliseconds: int) -> str:
    return moment(milliseconds).strftime("%b %-d, %Y %-I:%M:%S %p")


def _begin(records: Records, name: str, now: int) -> None:
    task = records.get(ExportTask, name)
    status = task.status if task.status == "CANCELING" else "IN_PROGRESS"
    records.change(task, status=status, started=now)


def _progress(records: Records, name: str, progress: int) -> None:
    records.change(records.get(ExportTask, name), progress=progress)


def _end(records: Records, messenger: Messenger, name: str, fields: dict[str, Any]) -> dict[str, Any] | None:
    """Write down how it went; returns the StorageKey of its files, None where they were in clear."""
    task = records.get(ExportTask, name)
    key: dict[str, Any] | None = msgspec.to_builtins(task.encryption)
    task = records.change(task, encryption=None, **fields)
    of_cluster = ":cluster-snapshot:" in task.source
    try:
        source = source_of(records, task.source)
    except ServiceFault:
        # The snapshot was deleted meanwhile: there is nothing to tell of.
        return key
    event = f"{'cluster_' if of_cluster else ''}export_{task.status.lower()}"
    events.tell(records, messenger, source, event)
    return key
