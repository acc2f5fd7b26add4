"""Jobs that make clusters of back-ups: of a snapshot, and of a snapshot with the changes up to a moment."""

from msgspec.structs import replace

from coldframe.jobs.job import JobError, job
from coldframe.jobs.run import Run
from coldframe.services.rds import stages
from coldframe.services.rds.clusters import creating, lookup, snapshotting
from coldframe.services.rds.clusters.records import ClusterSnapshot
from coldframe.services.rds.clusters.volumes import volume_of
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Snapshot
from coldframe.services.rds.times import moment


@job("rds.restore-cluster-snapshot")
def restore_snapshot(run: Run, cluster: str, identifier: str, of_cluster: bool) -> None:
    """Make a cluster of a snapshot of a cluster, or of an instance."""
    run.undo("mark it failed", creating.failed, run, cluster)
    run.step("restore the data", _restore, run, cluster, identifier, of_cluster)
    creating.there(run, cluster, "cluster_restored", snapshot=identifier)


@job("rds.restore-cluster-to-moment")
def restore_to_moment(run: Run, cluster: str, source: str, source_name: str, until: int) -> None:
    """Make a cluster of another one's data as they were at a moment (milliseconds since 1970), 0 for the latest."""
    run.undo("mark it failed", creating.failed, run, cluster)
    run.step("archive the last changes", _archive, run, source)
    run.step("restore the data", _restore_until, run, cluster, source, until)
    named = moment(until).isoformat() if until else "the latest restorable time"
    creating.there(run, cluster, "cluster_restored_to", source=source_name, moment=named)


def usable(rows: list[ClusterSnapshot], until: int, writer: str) -> ClusterSnapshot | None:
    """Return the automated snapshot that a moment can be restored from: the newest before it whose log reaches it.

    0 is the latest moment, which only a snapshot of the present writer reaches.
    """
    found = [
        row
        for row in rows
        if row.status == "available"
        and (row.created <= until <= row.until or row.member == writer if until else row.member == writer)
        and (not until or row.created <= until)
    ]
    return max(found, key=lambda row: row.created, default=None)


def _archive(run: Run, source: str) -> None:
    with run.read() as records:
        found = lookup.by_resource(records, source)
    if found is not None and found.status in lookup.USABLE:
        snapshotting.archive(run, source)


def _restore(run: Run, cluster: str, identifier: str, of_cluster: bool) -> None:
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.expect(records, cluster)
        row: ClusterSnapshot | Snapshot
        row = records.get(ClusterSnapshot, identifier) if of_cluster else records.get(Snapshot, identifier)
    volume, engine = volume_of(databases, found), databases.engine(found.engine)
    with (
        databases.encryption.open(databases.copy_of(row), row.encryption),
        stages.laid_in_anew(databases, engine, volume, found.encryption),
    ):
        engine.backups.restore(databases.copy_of(row), volume)


def _restore_until(run: Run, cluster: str, source: str, until: int) -> None:
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.expect(records, cluster)
        origin = lookup.by_resource(records, source)
        present = lookup.writer(records, origin) if origin is not None else None
        rows = records.list(ClusterSnapshot, where={"resource_id": source, "kind": "automated"})
    writer = origin.writer if origin is not None else max(rows, key=lambda row: row.created).member
    row = usable(rows, until, writer)
    if row is None:
        raise JobError("no automated snapshot reaches that moment")
    # PostgreSQL replays no log with less of some settings than its writer had.
    settings = {**row.settings, **(present.in_force if present is not None else {})}
    volume, engine = replace(volume_of(databases, found), settings=settings), databases.engine(found.engine)
    logs = databases.archive_of(row.member)
    # The archive is encrypted under the key of the snapshots.
    with (
        databases.encryption.open(databases.copy_of(row), row.encryption),
        databases.encryption.open(logs, row.encryption),
        stages.laid_in_anew(databases, engine, volume, found.encryption),
    ):
        engine.backups.restore(
            databases.copy_of(row),
            volume,
            logs=logs if logs.exists() else None,
            until=until / 1000 if until else None,
        )
