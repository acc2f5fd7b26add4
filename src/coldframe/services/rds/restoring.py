"""Jobs that make instances of back-ups: of a snapshot, and of a snapshot with the changes up to a moment."""

from coldframe.jobs.job import JobError, job
from coldframe.jobs.run import Run
from coldframe.services.rds import creating, engine_names, lookup, snapshotting, stages
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Snapshot
from coldframe.services.rds.times import moment


@job("rds.restore-snapshot")
def restore_snapshot(run: Run, resource_id: str, identifier: str) -> None:
    """Make an instance of a snapshot."""
    run.undo("mark it failed", creating.failed, run, resource_id)
    stages.prepare(run, "work out the settings", resource_id)
    run.step("restore the data", _restore, run, resource_id, identifier)
    run.step("start it", stages.start, run, resource_id)
    creating.ready(run, resource_id, "restored", snapshot=identifier)


@job("rds.restore-to-moment")
def restore_to_moment(run: Run, resource_id: str, source: str, source_name: str, until: int) -> None:
    """Make an instance of another one's data as they were at a moment (milliseconds since 1970), 0 for the latest."""
    run.undo("mark it failed", creating.failed, run, resource_id)
    stages.prepare(run, "work out the settings", resource_id)
    run.step("archive the last changes", _archive, run, source)
    run.step("restore the data", _restore_until, run, resource_id, source, until)
    run.step("start it", stages.start, run, resource_id)
    creating.ready(run, resource_id, "restored_to", source=source_name, moment=_named(until))


def archive(databases: Databases, run: Run, resource_id: str) -> int:
    """Archive what a running instance has changed; returns up to when it can be restored (milliseconds since 1970)."""
    instance = stages.instance_of(run, resource_id)
    if instance.wanted == "running":
        # After a power cut the job may go on before its database does.
        databases.socket(instance)
    return int(snapshotting.archive(databases, instance) * 1000)


def _archive(run: Run, source: str) -> None:
    with run.read() as records:
        found = lookup.by_resource(records, source)
    if found is not None and found.wanted == "running":
        archive(run.part(Databases), run, source)


def _restore(run: Run, resource_id: str, identifier: str) -> None:
    databases, instance = run.part(Databases), stages.instance_of(run, resource_id)
    with run.read() as records:
        snapshot = records.get(Snapshot, identifier)
    folder, engine = databases.copy_of(snapshot), databases.engine(instance.engine)
    with (
        databases.encryption.open(folder, snapshot.encryption),
        stages.laid_in_anew(databases, engine, databases.spec(instance), instance.encryption),
    ):
        engine.backups.restore(folder, databases.spec(instance))


def _restore_until(run: Run, resource_id: str, source: str, until: int) -> None:
    databases, instance = run.part(Databases), stages.instance_of(run, resource_id)
    with run.read() as records:
        rows = records.list(Snapshot, where={"resource_id": source, "kind": "automated"})
    before = [row for row in rows if row.status == "available" and (not until or row.created <= until)]
    if not before:
        raise JobError(f"no automated snapshot is from before {_named(until)}")
    newest = max(before, key=lambda row: row.created)
    engine = databases.engine(instance.engine)
    aside = databases.archive_of(source, engine_names.named(instance.engine).major(newest.version))
    logs = aside if aside.exists() else databases.archive_of(source)
    # The archive is encrypted under the key of the snapshots.
    with (
        databases.encryption.open(databases.copy_of(newest), newest.encryption),
        databases.encryption.open(logs, newest.encryption),
        stages.laid_in_anew(databases, engine, databases.spec(instance), instance.encryption),
    ):
        engine.backups.restore(
            databases.copy_of(newest),
            databases.spec(instance),
            logs=logs,
            until=until / 1000 if until else None,
        )


def _named(until: int) -> str:
    return moment(until).isoformat() if until else "the latest restorable time"
