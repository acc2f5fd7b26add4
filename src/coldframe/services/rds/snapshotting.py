"""Jobs about snapshots: made by hand or by the window, copied, deleted, thrown away when they are too old."""

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from coldframe.core import durable, ids
from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import arns, events, lookup, new_instances, stages
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import AutomatedBackup, Instance, Snapshot

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
        # Whoever gives tags gets those alone.
        tags=tags or (instance.tags if instance.about.get("CopyTagsToSnapshot") else {}),
        database=instance.database,
        optimized_writes=instance.optimized_writes,
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
def delete_snapshot(run: Run, folder: str) -> None:
    """Delete the files of a snapshot whose record is gone."""
    run.commit_point()
    run.step("delete the files", discard, run.part(Databases).root / "snapshots" / folder)


def expired(records: Records, instance: Instance | AutomatedBackup, now: int) -> list[Snapshot]:
    """Return the automated snapshots that are older than their retention; the newest one always stays."""
    rows = records.list(Snapshot, where={"resource_id": instance.resource_id, "kind": "automated"})
    done = sorted((row for row in rows if row.status == "available"), key=lambda row: row.created)
    return [row for row in done[:-1] if row.created < now - instance.retention * _DAY]


def drop(records: Records, databases: Databases, row: Snapshot) -> None:
    """Delete a snapshot's record, and have its files deleted."""
    records.remove(row)
    databases.begin(records, delete_snapshot, row.folder)


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
        folder = databases.copy_of(records.get(Snapshot, identifier))
    discard(folder)
    folder.mkdir(parents=True, mode=0o700)
    backups, spec = databases.engine(instance.engine).backups, databases.spec(instance)
    if instance.wanted == "running":
        # After a crash somebody may be starting it, who would change the files as they are copied.
        databases.socket(instance)
    if identifier.startswith("rds:") and instance.retention and not (instance.source or instance.read_only):
        # From the first archive on an instance keeps its log until it is archived: nothing may be lacking after this copy.
        archive(databases, instance)
    with stages.given_back(partial(discard, folder)):
        backups.back_up(spec, folder)
    return size_of(folder)


def found(records: Records, name: str) -> Snapshot:
    """Return the snapshot of a name, or of an ARN in whatever account and region; raises DBSnapshotNotFoundFault."""
    if not name.startswith("arn:"):
        return records.get(Snapshot, name)
    arn, _, identifier = arns.taken_apart(name)
    return records.elsewhere(account=arn.account, region=arn.region).get(Snapshot, identifier)


def _duplicate(run: Run, source: str, target: str) -> int:
    databases = run.part(Databases)
    with run.read() as records:
        before = databases.copy_of(found(records, source))
        after = databases.copy_of(records.get(Snapshot, target))
    duplicate(before, after)
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
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return databases.engine(instance.engine).backups.archive(databases.spec(instance), folder)


def discard(folder: Path) -> None:
    """Remove the folder of a snapshot, if it is there, before anybody says that it is gone."""
    durable.remove_tree(folder)


def duplicate(before: Path, after: Path) -> None:
    """Copy the folder of a snapshot durably, in place of what an earlier attempt left; raises DatabaseError."""
    discard(after)
    with stages.given_back(partial(discard, after)):
        try:
            shutil.copytree(before, after, symlinks=True)
            durable.sync_tree(after)
        except shutil.Error as error:
            raise DatabaseError(f"the snapshot could not be copied: {error}") from error


def size_of(folder: Path) -> int:
    """Return the bytes of a snapshot's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
