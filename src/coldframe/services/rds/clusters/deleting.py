"""The jobs that delete members and clusters; the data outlive the last member, as long as the cluster does."""

from typing import Any

import msgspec

from coldframe.core import durable
from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import events, stages
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import doors, failover, lookup, rejoining, snapshotting
from coldframe.services.rds.clusters.records import Cluster, ClusterBackup, ClusterEndpoint, ClusterSnapshot
from coldframe.services.rds.clusters.volumes import volume_of
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Endpoint
from coldframe.services.rds.snapshotting import give_up_key

_DAY = 86_400


@job("rds.delete-cluster-member")
def delete_member(run: Run, resource_id: str) -> None:
    """Delete a member; a reader takes over from a writer first, and the last one leaves the data to the cluster."""
    run.commit_point()
    run.wait(lambda: _quiet(run, resource_id), timeout=_DAY, poll=0.1, name="wait for the cluster")
    if run.write("let another take over", _hand_over, run.part(Databases), resource_id):
        run.wait(lambda: _no_writer(run, resource_id), timeout=_DAY, poll=0.1, name="wait for the failover")
    run.step("the writer does not wait for it", rejoining.leave, run, resource_id)
    stages.mark(run, "it is to be down", resource_id, wanted="stopped")
    run.step("send readers elsewhere", rejoining.spread, run, resource_id)
    run.step("stop it", _remove, run, resource_id)
    run.write("forget it", _forget, run.part(Messenger), resource_id)


@job("rds.delete-cluster")
def delete_cluster(run: Run, cluster: str, snapshot: str, keep_backups: bool) -> None:
    """Delete a cluster: a last snapshot, its members, its endpoints, its data."""
    run.commit_point()
    databases = run.part(Databases)
    if snapshot:
        run.write("begin the last snapshot", _begin_snapshot, databases, cluster, snapshot)
        run.wait(lambda: _made(run, snapshot), timeout=_DAY, poll=0.1, name="wait for the last snapshot")
    run.write("delete its members", _delete_members, databases, cluster)
    run.wait(lambda: not _has_members(run, cluster), timeout=_DAY, poll=0.1, name="wait for its members")
    run.step("delete its data", _delete_data, run, cluster)
    key = run.step("look for its key", _key, run, cluster)
    archives = run.write("forget it", _forget_cluster, databases, run.part(Messenger), cluster, keep_backups)
    run.step("delete the archives", _delete_archives, databases, archives)
    if key is not None:
        run.step("give up its key", give_up_key, run, key)


def _quiet(run: Run, resource_id: str) -> bool:
    """Tell whether no failover is under way, in which the member may have a part."""
    with run.read() as records:
        found = instances.by_resource(records, resource_id)
        cluster = lookup.by_resource(records, found.cluster) if found is not None else None
    if found is None or cluster is None:
        return True
    return cluster.status != "failing-over" and found.note != rejoining.REJOINS


def _hand_over(records: Records, databases: Databases, resource_id: str) -> bool:
    """Begin a failover from a writer that is deleted, if there is a reader; a cluster that is deleted needs none."""
    found = instances.by_resource(records, resource_id)
    cluster = lookup.by_resource(records, found.cluster) if found is not None else None
    if found is None or cluster is None or cluster.writer != resource_id or cluster.status == "deleting":
        return False
    if cluster.retired:
        # Nobody writes to it any more.
        return False
    if not any(row.status in lookup.USABLE for row in lookup.readers(records, cluster)):
        return False
    records.change(cluster, status="failing-over")
    databases.begin(records, failover.fail_over, cluster.resource_id, "")
    return True


def _no_writer(run: Run, resource_id: str) -> bool:
    with run.read() as records:
        found = instances.by_resource(records, resource_id)
        cluster = lookup.by_resource(records, found.cluster) if found is not None else None
    if cluster is None or cluster.status == "deleting":
        return True
    # A failover that did not happen leaves the writer, whose data then stay with the cluster or are with the readers.
    return cluster.status != "failing-over"


def _remove(run: Run, resource_id: str) -> None:
    """End a member's processes; the files of the last one are kept as those of the cluster."""
    databases, found = run.part(Databases), stages.instance_of(run, resource_id)
    with run.read() as records:
        cluster = lookup.by_resource(records, found.cluster)
    door, engine = databases.door(stages.endpoint_of(run, resource_id)), databases.engine(found.engine)
    databases.endpoints(found.engine).stop(door)
    keeps = cluster is not None and cluster.writer == resource_id
    engine.stop(databases.spec(found), at_once=not keeps)
    if not keeps:
        engine.destroy(databases.spec(found))
    durable.remove_tree(door.folder)


def _forget(records: Records, messenger: Messenger, resource_id: str) -> None:
    found = instances.by_resource(records, resource_id)
    if found is None:
        return
    cluster = lookup.by_resource(records, found.cluster)
    if cluster is not None and cluster.writer == resource_id:
        records.change(
            cluster, writer="", promotable=[], volume=found.resource_id, volume_serial=found.serial
        )
    events.tell(records, messenger, found, "deleted")
    records.remove(found)
    if endpoint := records.find(Endpoint, found.endpoint):
        records.remove(endpoint)


def _begin_snapshot(records: Records, databases: Databases, cluster: str, identifier: str) -> None:
    found = lookup.expect(records, cluster)
    row = snapshotting.new_snapshot(records, found, identifier, "manual", {}, databases.clock.milliseconds())
    databases.begin(records, snapshotting.make_snapshot, row.identifier, cluster, "")


def _made(run: Run, identifier: str) -> bool:
    with run.read() as records:
        found = records.find(ClusterSnapshot, identifier)
    return found is None or found.status == "available"


def _delete_members(records: Records, databases: Databases, cluster: str) -> None:
    """Delete the members of a Multi-AZ DB cluster with it, its writer last."""
    found = lookup.expect(records, cluster)
    records.change(found, promotable=[])
    for row in reversed(lookup.members(records, found)):
        if row.status != "deleting":
            records.change(row, status="deleting")
            databases.begin(records, delete_member, row.resource_id)


def _has_members(run: Run, cluster: str) -> bool:
    with run.read() as records:
        found = lookup.by_resource(records, cluster)
        return found is not None and bool(lookup.members(records, found))


def _key(run: Run, cluster: str) -> dict[str, Any] | None:
    """Return the StorageKey of a cluster, None for one in clear."""
    with run.read() as records:
        found = lookup.by_resource(records, cluster)
    key: dict[str, Any] | None = msgspec.to_builtins(found.encryption if found is not None else None)
    return key


def _delete_data(run: Run, cluster: str) -> None:
    databases = run.part(Databases)
    found = doors.look(databases, run.account, run.region, cluster)
    if found is None:
        return
    doors.close(databases, found, forever=True)
    if found.cluster.volume:
        engine, volume = databases.engine(found.cluster.engine), volume_of(databases, found.cluster)
        engine.stop(volume, at_once=True)
        engine.destroy(volume)
    databases.encryption.lock(found.cluster.encryption)


def _forget_cluster(
    records: Records, databases: Databases, messenger: Messenger, cluster: str, keep_backups: bool
) -> list[str]:
    """Remove a cluster's records; returns the names of the archives that nothing needs any more."""
    found = lookup.by_resource(records, cluster)
    if found is None:
        return []
    events.tell(records, messenger, found, "cluster_deleted")
    custom = records.list(ClusterEndpoint, where={"cluster": cluster})
    for name in (found.endpoint, found.reader_endpoint, *(each.endpoint for each in custom)):
        if endpoint := records.find(Endpoint, name):
            records.remove(endpoint)
    for each in custom:
        records.remove(each)
    records.remove(found)
    if keep_backups:
        records.put(_retained(found))
        return []
    rows = records.list(ClusterSnapshot, where={"resource_id": cluster, "kind": "automated"})
    for row in rows:
        snapshotting.drop(records, databases, row)
    return sorted({row.member for row in rows if row.member})


def _retained(found: Cluster) -> ClusterBackup:
    return ClusterBackup(resource_id=found.resource_id, identifier=found.identifier, cluster=found)


def _delete_archives(databases: Databases, names: list[str]) -> None:
    for name in names:
        durable.remove_tree(databases.archive_of(name))
