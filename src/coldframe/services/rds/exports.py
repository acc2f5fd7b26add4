"""What the steps of an export do: a temporary engine on a copy of the snapshot, its tables as files, the files in the bucket.

All of it may happen twice: the engine is laid in anew where it is gone, and the same file is written again under its name.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from coldframe.core import durable
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.core.struct_types import whole
from coldframe.engines.contents import Table
from coldframe.engines.database import DatabaseEngine, InstanceSpec
from coldframe.identity.caller import Caller
from coldframe.identity.service_roles import assume
from coldframe.services.rds import arns, engine_names, export_places, stages, table_files
from coldframe.services.rds.clusters.records import ClusterSnapshot
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import ExportTask, Snapshot

PRINCIPAL = "export.rds.amazonaws.com"


class Stopped(Exception):
    """An export goes no further: it was cancelled (CANCELED), or something refuses (FAILED)."""

    def __init__(self, status: str, reason: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Place(NamedTuple):
    """Whose export it is: account, region and the task's name."""

    account: str
    region: str
    task: str


class Exports:
    """Reads snapshots for exports, and writes to buckets as the roles that users name."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def client(self, place: Place, role: str, service: str) -> Any:
        """Return a client of a service for the role of an export; raises the error of AssumeRole."""
        assert self._installation.clients is not None, "the server has clients before services act"
        arn = f"arn:aws:rds:{place.region}:{place.account}:export-task:{place.task}"
        caller = Caller(kind="service", arn=PRINCIPAL, account=place.account, source_arn=arn)
        principal = assume(self._installation, role, caller, place.region)
        return self._installation.clients(service, principal=principal, region=place.region)

    def now(self) -> int:
        """Return the time in milliseconds since 1970."""
        return self._installation.clock.milliseconds()

    def lay_in(self, place: Place) -> None:
        """Make the temporary engine's files of the snapshot's, anew where an attempt before left some."""
        with self._installation.store.read() as transaction:
            records = transaction.records(place.account, place.region)
            task = records.get(ExportTask, place.task)
            source = source_of(records, task.source)
        databases, spec = self._databases, self._spec(task)
        engine = databases.engine(task.engine)
        self.cancelled(place)
        engine.stop(spec, at_once=True)
        copy = databases.copy_of(source)
        with (
            databases.encryption.open(copy, task.encryption),
            stages.laid_in_anew(databases, engine, spec, task.encryption),
        ):
            engine.backups.restore(copy, spec)

    def tables(self, place: Place) -> list[dict[str, Any]]:
        """Return the tables that the task takes of the snapshot; raises Stopped where it names what is not there."""
        task, engine, spec = self._running(place)
        schemas = engine.name != "mariadb"
        taken, missing = export_places.chosen(engine.contents.tables(spec), task.only, schemas)
        if missing:
            raise Stopped("FAILED", f"The snapshot has nothing of the name {', '.join(missing)}")
        return [msgspec.to_builtins(table) for table in taken]

    def export(self, place: Place, described: dict[str, Any]) -> dict[str, Any]:
        """Write the files of a table; returns what is said of it afterwards: when, and how many bytes."""
        table, began = msgspec.convert(described, whole(Table)), self.now()
        task, engine, spec = self._running(place)
        self.cancelled(place)
        durable.make_folder(self._work(task))
        s3 = self.client(place, task.role, "s3")
        size, folder = 0, export_places.table_folder(task, table)
        for batch, part in enumerate(table.parts, 1):
            with (
                closing(engine.contents.rows(spec, table, part)) as rows,
                closing(table_files.files(table.columns, rows, self._work(task))) as files,
            ):
                for number, path in enumerate(files):
                    self.cancelled(place)
                    size += path.stat().st_size
                    self._put(s3, task, export_places.file_name(folder, batch, number), path.read_bytes())
            self._put(s3, task, f"{folder}/{batch}/_SUCCESS", b"")
        return {"began": began, "ended": self.now(), "size": size, "parts": len(table.parts)}

    def put(self, place: Place, name: str, content: bytes) -> None:
        """Write an object of the export, below its prefix."""
        task = self._task(place)
        self._put(
            self.client(place, task.role, "s3"), task, f"{export_places.folder_of(task)}/{name}", content
        )

    def remove(self, place: Place) -> None:
        """End the temporary engine and remove its files."""
        with self._installation.store.read() as transaction:
            task = transaction.records(place.account, place.region).find(ExportTask, place.task)
        if task is None:
            return
        spec = self._spec(task)
        engine = self._databases.engine(task.engine)
        engine.stop(spec, at_once=True)
        engine.destroy(spec)

    @contextmanager
    def opened(self, place: Place) -> Iterator[None]:
        """Have the files of the temporary engine open, if they are encrypted, for as long as it is needed; raises DatabaseError."""
        task = self._task(place)
        with self._databases.encryption.open(self._spec(task).folder, task.encryption):
            yield

    def cancelled(self, place: Place) -> None:
        """Look whether the task is to be cancelled; raises Stopped."""
        if self._task(place).status == "CANCELING":
            raise Stopped("CANCELED")

    @property
    def _databases(self) -> Databases:
        return self._installation.parts.get(Databases)

    def _running(self, place: Place) -> tuple[ExportTask, DatabaseEngine, InstanceSpec]:
        # The snapshot may be deleted once its copy is laid in.
        task = self._task(place)
        engine, spec = self._databases.engine(task.engine), self._spec(task)
        if engine.status(spec).state == "absent":
            self.lay_in(place)
        engine.start(spec)
        return task, engine, spec

    def _work(self, task: ExportTask) -> Path:
        # Where the engine's files are encrypted, its rows are, too.
        return self._spec(task).folder / "exported"

    def _put(self, s3: Any, task: ExportTask, key: str, content: bytes) -> None:
        s3.put_object(
            Bucket=task.bucket, Key=key, Body=content, ServerSideEncryption="aws:kms", SSEKMSKeyId=task.key
        )

    def _task(self, place: Place) -> ExportTask:
        with self._installation.store.read() as transaction:
            return transaction.records(place.account, place.region).get(ExportTask, place.task)

    def _spec(self, task: ExportTask) -> InstanceSpec:
        folder = self._databases.root / task.folder
        return InstanceSpec(name=task.folder, version=task.version, folder=folder, serial=0)


def source_of(records: Records, arn: str) -> Snapshot | ClusterSnapshot:
    """Return the snapshot of an ARN; raises DBSnapshotNotFoundFault or DBClusterSnapshotNotFoundFault."""
    _, kind, name = arns.taken_apart(arn, "SourceArn")
    if kind == "cluster-snapshot":
        return records.get(ClusterSnapshot, name)
    return records.get(Snapshot, name)


def version_for(databases: Databases, source: Snapshot | ClusterSnapshot) -> str:
    """Return the snapshot's version where it is installed, else the newest of the same major one.

    Raises InvalidParameterCombination where there is none.
    """
    installed: Sequence[str] = [each.number for each in databases.versions(source.engine)]
    if source.version in installed:
        return source.version
    return databases.version(source.engine, engine_names.named(source.engine).major(source.version))
