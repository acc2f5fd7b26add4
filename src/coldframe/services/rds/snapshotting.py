"""Jobs about snapshots: made by hand or by the window, copied, deleted, thrown away when they are too old."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from coldframe.core import durable, ids
from coldframe.core.records import Records
from coldframe.core.struct_types import whole
from coldframe.engines.database import DatabaseError
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import arns, events, lookup, new_instances, stages
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.known_keys import known_keys
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import AutomatedBackup, Instance, Snapshot
from coldframe.services.rds.wrapped_keys import StorageKey

_DAY = 86_400_000


def new_snapshot(
    records: Records, instance: Instance, identifier: str, kind: str, tags: dict[str, str], now: int
) -> Snapshot:
    """Add a snapshot that is being made; raises DBSnapshotAlreadyExistsFault."""
    row = Snapshot(
        identifier=identifier,
        instance=instance.identifier,
        resource_id=instance.resource_id,
        kind="manual" if kind == "manual" else "automated",
        folder=ids.hexadecimal(16),
        engine=instance.engine,
        version=instance.version,
        status="creating",
        created=now,
        instance_created=instance.created,
        master=instance.master,
        port=lookup.endpoint_of(records, instance).port,
        storage=instance.storage,
        option_group=instance.option_group,
        about=new_instances.inherited(instance),
        tags={**(instance.tags if instance.about.get("CopyTagsToSnapshot") else {}), **tags},
        database=instance.database,
        optimized_writes=instance.optimized_writes,
        encryption=instance.encryption,
    )
    records.add(row)
    return row


def begin_automated(
    records: Records, databases: Databases, instance: Instance, *, status: str = "backing-up"
) -> None:
    """Begin an automated snapshot, in the transaction of `records`."""
    now = databases.clock.milliseconds()
    stamp = databases.clock.now().strftime("%Y-%m-%d-%H-%M-%S")
    name = f"rds:{instance.identifier}-{stamp}"
    if records.find(Snapshot, name) is not None:
        return
    row = new_snapshot(records, instance, name, "automated", {}, now)
    records.change(instance, status=status)
    databases.begin(records, make_snapshot, row.identifier, instance.resource_id, "available")


@job("rds.make-snapshot")
def make_snapshot(run: Run, identifier: str, resource_id: str, afterwards: str) -> None:
    """Copy an instance's data consistently while it runs; `afterwards` is the status that the instance has again."""
    kind = "snapshot" if not identifier.startswith("rds:") else "automated"
    stages.mark(run, "begin", resource_id, "backing_up")
    run.write("say so of the snapshot", _tell, run.part(Messenger), identifier, f"{kind}_making")
    run.undo("forget it", _give_up, run, identifier, resource_id, afterwards)
    size = run.step("copy the data", _copy, run, identifier, resource_id)
    databases, messenger = run.part(Databases), run.part(Messenger)
    run.commit_point()

    def done(records: Records) -> None:
        now = databases.clock.milliseconds()
        row = records.find(Snapshot, identifier)
        if row is not None:
            row = records.change(row, status="available", progress=100, created=now, size=size)
            events.tell(records, messenger, row, f"{kind}_made")
        found = lookup.by_resource(records, resource_id)
        if found is None:
            return
        events.tell(records, messenger, found, "backed_up")
        if afterwards and found.status in {"backing-up", "creating"}:
            found = records.change(found, status=afterwards)
        if kind == "automated":
            _restorable(records, found, now)

    run.write("it is there", done)


@job("rds.copy-snapshot")
def copy_snapshot(run: Run, source: str, target: str) -> None:
    """Copy the files of a snapshot that is named by its ARN, or by its name where it is of this account and region."""
    words = {"source": source.rpartition(":snapshot:")[2], "region": run.region}
    run.write("begin", _tell, run.part(Messenger), target, "copy_started", words)
    run.undo("forget it", _give_up, run, target, "", "")
    size = run.step("copy the files", _duplicate, run, source, target)
    databases, messenger = run.part(Databases), run.part(Messenger)
    run.commit_point()

    def done(records: Records) -> None:
        row = records.find(Snapshot, target)
        if row is not None:
            now = databases.clock.milliseconds()
            row = records.change(row, status="available", progress=100, created=now, size=size)
            events.tell(records, messenger, row, "copy_finished", **words)

    run.write("it is there", done)


@job("rds.delete-snapshot")
def delete_snapshot(run: Run, folder: str, key: dict[str, Any] | None = None) -> None:
    """Delete the files of a snapshot whose record is gone; `key` is its StorageKey, where it was encrypted."""
    run.commit_point()
    run.step("delete the files", discard, run.part(Databases).root / "snapshots" / folder)
    if key is not None:
        run.step("give up its key", give_up_key, run, key)


def give_up_key(run: Run, written: dict[str, Any]) -> None:
    """Give up the grant of a StorageKey under which nothing lies any more; for a step."""
    databases, key = run.part(Databases), msgspec.convert(written, whole(StorageKey))
    with databases.store.read() as transaction:
        used = known_keys(transaction.records("", ""))
    if key.name not in used:
        databases.encryption.lock(key)
        databases.encryption.retire(key)


def expired(records: Records, instance: Instance | AutomatedBackup, now: int) -> list[Snapshot]:
    """Return the automated snapshots that are older than their retention; the newest one always stays."""
    rows = records.list(Snapshot, where={"resource_id": instance.resource_id, "kind": "automated"})
    done = sorted((row for row in rows if row.status == "available"), key=lambda row: row.created)
    return [row for row in done[:-1] if row.created < now - instance.retention * _DAY]


def drop(records: Records, databases: Databases, row: Snapshot) -> None:
    """Delete a snapshot's record, and have its files deleted."""
    records.remove(row)
    databases.begin(records, delete_snapshot, row.folder, msgspec.to_builtins(row.encryption))


def upgraded(records: Records, resource_id: str, now: int) -> None:
    """Note that an instance has another major version from now on."""
    row = records.find(AutomatedBackup, resource_id)
    if row is not None:
        records.change(row, upgraded=now)


def _tell(
    records: Records, messenger: Messenger, identifier: str, name: str, words: Mapping[str, str] | None = None
) -> None:
    row = records.find(Snapshot, identifier)
    if row is not None:
        events.tell(records, messenger, row, name, **(words or {}))


def _copy(run: Run, identifier: str, resource_id: str) -> int:
    databases, instance = run.part(Databases), stages.instance_of(run, resource_id)
    with run.read() as records:
        row = records.get(Snapshot, identifier)
    backups, spec = databases.engine(instance.engine).backups, databases.spec(instance)
    folder, encryption = databases.copy_of(row), databases.encryption
    discard(folder)
    with encryption.open(spec.folder, row.encryption), stages.given_back(partial(discard, folder)):
        encryption.make_folder(folder, row.encryption)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if instance.wanted == "running":
            # After a crash somebody may be starting it, who would change the files as they are copied.
            databases.socket(instance)
        if (
            identifier.startswith("rds:")
            and instance.retention
            and not (instance.source or instance.read_only)
        ):
            # From the first archive on an instance keeps its log until it is archived: nothing may be lacking after this copy.
            archive(databases, instance)
        backups.back_up(spec, folder)
        return size_of(folder)


def _duplicate(run: Run, source: str, target: str) -> int:
    databases = run.part(Databases)
    with run.read() as records:
        place, name = records, source
        if source.startswith("arn:"):
            arn, _, name = arns.taken_apart(source)
            place = records.elsewhere(account=arn.account, region=arn.region)
        old, new = place.get(Snapshot, name), records.get(Snapshot, target)
    before, after, encryption = databases.copy_of(old), databases.copy_of(new), databases.encryption
    with encryption.open(before, old.encryption), encryption.open(after, new.encryption):
        duplicate(before, after, partial(encryption.make_folder, after, new.encryption))
        return size_of(after)


def _give_up(run: Run, identifier: str, resource_id: str, afterwards: str) -> None:
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        row = records.find(Snapshot, identifier)
        if row is not None:
            records.change(row, status="failed")
        found = lookup.by_resource(records, resource_id) if resource_id else None
        if found is not None and afterwards:
            records.change(found, status=afterwards)
            events.tell(records, run.part(Messenger), found, "snapshot_failed", reason=reason)
    if row is not None:
        discard(databases.copy_of(row))


def _restorable(records: Records, instance: Instance, now: int) -> None:
    row = records.find(AutomatedBackup, instance.resource_id)
    if row is not None:
        records.change(row, earliest=row.earliest or now, latest=max(row.latest, now))
        records.change(instance, restorable=max(instance.restorable, now))


def archive(databases: Databases, instance: Instance) -> float:
    """Archive what a running instance has changed; returns up to when it can be restored (seconds since 1970).

    One at a time: a restore to a moment archives the last changes when the next regular one may be due.
    """
    folder = databases.archive_of(instance.resource_id)
    with databases.turn(f"the archive of {instance.resource_id}"):
        databases.encryption.make_folder(folder, instance.encryption)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return databases.engine(instance.engine).backups.archive(databases.spec(instance), folder)


def discard(folder: Path) -> None:
    """Remove the folder of a snapshot, if it is there, before anybody says that it is gone."""
    durable.remove_tree(folder)


def duplicate(before: Path, after: Path, make: Callable[[], None] = lambda: None) -> None:
    """Copy the folder of a snapshot durably, in place of what an earlier attempt left; raises DatabaseError.

    `make` makes the new folder where it is one of a kind of its own.
    """
    discard(after)
    with stages.given_back(partial(discard, after)):
        make()
        try:
            shutil.copytree(before, after, symlinks=True, dirs_exist_ok=True)
            durable.sync_tree(after)
        except shutil.Error as error:
            raise DatabaseError(f"the snapshot could not be copied: {error}") from error


def size_of(folder: Path) -> int:
    """Return the bytes of a snapshot's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
