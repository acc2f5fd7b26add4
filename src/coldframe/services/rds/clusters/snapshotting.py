"""Jobs about snapshots of clusters: made of the writer or of data without members, copied, archived on, thrown away."""

from functools import partial
from typing import Any, Literal

import msgspec

from coldframe.core import ids
from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import events, stages
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.clusters.records import Cluster, ClusterSnapshot
from coldframe.services.rds.clusters.volumes import volume_of
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.snapshotting import archive as archive_of
from coldframe.services.rds.snapshotting import delete_snapshot, discard, duplicate

_DAY = 86_400_000


def new_snapshot(
    records: Records,
    cluster: Cluster,
    identifier: str,
    kind: Literal["manual", "automated"],
    tags: dict[str, str],
    now: int,
) -> ClusterSnapshot:
    """Add a snapshot that is being made; raises DBClusterSnapshotAlreadyExistsFault."""
    writer = lookup.writer(records, cluster)
    row = ClusterSnapshot(
        identifier=identifier,
        cluster=cluster.identifier,
        resource_id=cluster.resource_id,
        kind=kind,
        folder=ids.hexadecimal(16),
        engine=cluster.engine,
        version=cluster.version,
        status="creating",
        created=now,
        cluster_created=cluster.created,
        master=cluster.master,
        port=cluster.port,
        storage=cluster.storage,
        zones=cluster.zones,
        about=inherited(cluster),
        tags=tags or (cluster.tags if cluster.about.get("CopyTagsToSnapshot") else {}),
        database=cluster.database,
        instance_class=cluster.instance_class,
        settings=writer.in_force if writer is not None else {},
        encryption=cluster.encryption,
    )
    records.add(row)
    return row


def inherited(row: Cluster) -> dict[str, object]:
    """Return, as members of CreateDBCluster, what a cluster made of this one takes over unless its request says otherwise."""
    about = row.about
    found = {
        **{name: about[name] for name in about if name not in {"PerformanceInsightsEnabled"}},
        "BackupRetentionPeriod": row.retention,
        "PreferredBackupWindow": row.backup_window,
        "PreferredMaintenanceWindow": row.maintenance_window,
        "VpcSecurityGroupIds": row.security_groups,
        "DBClusterParameterGroupName": row.parameter_group,
        "EnableIAMDatabaseAuthentication": row.token_sign_in,
        "EnablePerformanceInsights": about.get("PerformanceInsightsEnabled"),
        "EnableCloudwatchLogsExports": about.get("EnabledCloudwatchLogsExports"),
        "AllocatedStorage": row.storage,
    }
    found.pop("EnabledCloudwatchLogsExports", None)
    return {**found, **({"DBSubnetGroupName": row.subnet_group} if row.subnet_group else {})}


def begin_automated(records: Records, databases: Databases, cluster: Cluster) -> None:
    """Begin an automated snapshot, in the transaction of `records`."""
    name = f"rds:{cluster.identifier}-{databases.clock.now():%Y-%m-%d-%H-%M-%S}"
    if records.find(ClusterSnapshot, name) is not None:
        return
    now = databases.clock.milliseconds()
    row = new_snapshot(records, cluster, name, "automated", {}, now)
    databases.begin(records, make_snapshot, row.identifier, cluster.resource_id, "")


@job("rds.make-cluster-snapshot")
def make_snapshot(run: Run, identifier: str, cluster: str, afterwards: str) -> None:
    """Copy a cluster's data consistently; `afterwards` is the status that the cluster has again."""
    run.write("begin", _tell, run.part(Messenger), identifier)
    run.undo("forget it", _give_up, run, identifier, cluster, afterwards)
    member = run.step("copy the data", _copy, run, identifier, cluster)
    databases, messenger = run.part(Databases), run.part(Messenger)
    run.commit_point()

    def done(records: Records) -> None:
        now, manual = databases.clock.milliseconds(), not identifier.startswith("rds:")
        row = records.find(ClusterSnapshot, identifier)
        if row is not None:
            fields = {"status": "available", "progress": 100, "created": now, "member": member, "until": now}
            row = records.change(row, **fields)
            name = "cluster_snapshot_made" if manual else "cluster_automated_made"
            events.tell(records, messenger, row, name)
        found = lookup.by_resource(records, cluster)
        if found is None:
            return
        if afterwards and found.status == "backing-up":
            found = records.change(found, status=afterwards)
        if not manual:
            fields = {"earliest": found.earliest or now, "restorable": max(found.restorable, now)}
            records.change(found, **fields)

    run.write("it is there", done)


@job("rds.copy-cluster-snapshot")
def copy_snapshot(run: Run, source: str, target: str) -> None:
    """Copy a snapshot's files."""
    run.undo("forget it", _give_up, run, target, "", "")
    run.step("copy the files", _duplicate, run, source, target)
    databases, messenger = run.part(Databases), run.part(Messenger)
    run.commit_point()

    def done(records: Records) -> None:
        row = records.find(ClusterSnapshot, target)
        if row is not None:
            now = databases.clock.milliseconds()
            row = records.change(row, status="available", progress=100, created=now)
            events.tell(records, messenger, row, "cluster_snapshot_made")

    run.write("it is there", done)


@job("rds.archive-cluster")
def archive_cluster(run: Run, cluster: str) -> None:
    """Archive what the writer has changed, so that the cluster can be restored to any moment until now."""
    member, until = run.step("archive", lambda: archive(run, cluster))

    def note(records: Records) -> None:
        found = lookup.by_resource(records, cluster)
        if found is None or not until:
            return
        rows = records.list(ClusterSnapshot, where={"resource_id": cluster, "kind": "automated"})
        mine = [row for row in rows if row.member == member and row.status == "available"]
        for row in mine:
            records.change(row, until=max(row.until, until))
        if mine:
            records.change(found, restorable=max(found.restorable, until))

    run.write("note until when", note)


def archive(run: Run, cluster: str) -> list[Any]:
    """Archive the log of the writer; returns its resource id, and up to when it can be restored (milliseconds since 1970)."""
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.by_resource(records, cluster)
        writer = lookup.writer(records, found) if found is not None else None
    if writer is None or writer.wanted != "running" or not writer.ready:
        return ["", 0]
    return [writer.resource_id, int(archive_of(databases, writer) * 1000)]


def expired(records: Records, cluster: Cluster, now: int) -> list[ClusterSnapshot]:
    """Return the automated snapshots that are older than their retention; the newest one always stays."""
    rows = records.list(ClusterSnapshot, where={"resource_id": cluster.resource_id, "kind": "automated"})
    done = sorted((row for row in rows if row.status == "available"), key=lambda row: row.created)
    return [row for row in done[:-1] if row.created < now - cluster.retention * _DAY]


def drop(records: Records, databases: Databases, row: ClusterSnapshot) -> None:
    """Delete a snapshot's record, and have its files deleted."""
    records.remove(row)
    databases.begin(records, delete_snapshot, row.folder, msgspec.to_builtins(row.encryption))


def _tell(records: Records, messenger: Messenger, identifier: str) -> None:
    row = records.find(ClusterSnapshot, identifier)
    if row is not None:
        manual = row.kind == "manual"
        events.tell(
            records, messenger, row, "cluster_snapshot_making" if manual else "cluster_automated_making"
        )


def _copy(run: Run, identifier: str, cluster: str) -> str:
    """Copy the writer's data, or those that no member has in its hands; returns the resource id of whose they are."""
    databases = run.part(Databases)
    with run.read() as records:
        row = records.get(ClusterSnapshot, identifier)
        found = lookup.expect(records, cluster)
        writer = lookup.writer(records, found)
    folder, encryption = databases.copy_of(row), databases.encryption
    discard(folder)
    if writer is None and not found.volume:
        raise DatabaseError(f"the cluster {found.identifier} has no data")
    spec = databases.spec(writer) if writer is not None else volume_of(databases, found)
    with encryption.open(spec.folder, row.encryption), stages.given_back(partial(discard, folder)):
        encryption.make_folder(folder, row.encryption)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if writer is not None:
            stages.at_work(databases, writer)
        databases.engine(found.engine).backups.back_up(spec, folder)
    return spec.name


def _duplicate(run: Run, source: str, target: str) -> None:
    databases = run.part(Databases)
    with run.read() as records:
        old, new = records.get(ClusterSnapshot, source), records.get(ClusterSnapshot, target)
    before, after, encryption = databases.copy_of(old), databases.copy_of(new), databases.encryption
    with encryption.open(before, old.encryption), encryption.open(after, new.encryption):
        duplicate(before, after, partial(encryption.make_folder, after, new.encryption))


def _give_up(run: Run, identifier: str, cluster: str, afterwards: str) -> None:
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        row = records.find(ClusterSnapshot, identifier)
        if row is not None:
            row = records.change(row, status="failed")
            events.tell(records, run.part(Messenger), row, "cluster_snapshot_failed", reason=reason)
        found = lookup.by_resource(records, cluster)
        if found is not None and afterwards:
            records.change(found, status=afterwards)
    if row is not None:
        discard(databases.copy_of(row))
