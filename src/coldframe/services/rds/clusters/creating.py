"""The jobs that make clusters and their members: data laid in, the first member takes them, later ones are copied."""

from typing import Any

from coldframe.core.records import Records
from coldframe.engines.database import DatabaseError
from coldframe.jobs.job import JobError, job
from coldframe.jobs.run import Run
from coldframe.services.rds import creating as instances_creating
from coldframe.services.rds import events, replicating, stages
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters import lookup, rejoining, snapshotting
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.clusters.volumes import volume_of
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Instance

_DAY = 86_400


@job("rds.create-cluster")
def create_cluster(run: Run, cluster: str, sealed: str) -> None:
    """Lay in the data of a cluster with its master user; members take them in hand when they are made."""
    run.undo("mark it failed", failed, run, cluster)
    run.step("lay in the data", _lay_in, run, cluster, sealed)
    there(run, cluster, "cluster_created")


def there(run: Run, cluster: str, event: str, **words: Any) -> None:
    """Say that the data of a cluster are there; with members of its own it is available when these are."""
    databases, messenger = run.part(Databases), run.part(Messenger)
    run.commit_point()
    run.write("the data are there", _laid_in, cluster)
    run.wait(lambda: _members_there(run, cluster), timeout=_DAY, poll=0.1, name="wait for its members")

    def done(records: Records) -> None:
        found = lookup.by_resource(records, cluster)
        if found is None:
            return
        found = records.change(found, status="available", created=databases.clock.milliseconds(), note="")
        events.tell(records, messenger, found, event, **words)

    run.write("it is there", done)


@job("rds.create-cluster-member")
def create_member(run: Run, resource_id: str) -> None:
    """Make a member: the first gets the data that were laid in, every other one a copy of the writer's."""
    run.undo("mark it failed", _member_failed, run, resource_id)
    stages.prepare(run, "work out the settings", resource_id)
    run.wait(lambda: _may_begin(run, resource_id), timeout=_DAY, poll=0.1, name="wait for its source")
    run.step("get the data", _get_data, run, resource_id)
    run.commit_point()
    run.step("start it", _start, run, resource_id)
    run.step("open the endpoints of the cluster", rejoining.spread, run, resource_id)
    run.write("it is there", _member_there, run.part(Databases), run.part(Messenger), resource_id)
    run.step("send readers to it", rejoining.spread, run, resource_id)


def failed(run: Run, cluster: str) -> None:
    """Mark a cluster that could not be made; for a compensation."""
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        found = lookup.by_resource(records, cluster)
        if found is not None and found.status == "creating":
            found = records.change(found, status="failed", note=reason)
            events.tell(records, run.part(Messenger), found, "cluster_failed", reason=reason)


def _lay_in(run: Run, cluster: str, sealed: str) -> None:
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.expect(records, cluster)
    login = databases.login(found, sealed)
    volume = volume_of(databases, found)
    databases.encryption.make_folder(volume.folder, found.encryption)
    databases.engine(found.engine).create(volume, login, found.database or None)


def _members_there(run: Run, cluster: str) -> bool:
    with run.read() as records:
        found = lookup.expect(records, cluster)
        rows = lookup.members(records, found)
    if not found.instance_class:
        return True
    if broken := [row.identifier for row in rows if row.status == "failed"]:
        raise JobError(f"members could not be made: {', '.join(broken)}")
    return all(row.status in lookup.USABLE for row in rows)


def _place(run: Run, resource_id: str) -> tuple[Cluster, Instance, Instance]:
    """Return the cluster of a member, its writer and the member."""
    with run.read() as records:
        found = instances.expect(records, resource_id)
        cluster = lookup.expect(records, found.cluster)
        writer = instances.expect(records, cluster.writer)
    return cluster, writer, found


def _may_begin(run: Run, resource_id: str) -> bool:
    """Tell whether what a member is made of is there: the data for the first one, the writer for the others."""
    cluster, writer, found = _place(run, resource_id)
    if cluster.status in {"failed", "deleting"} or writer.status in {"failed", "deleting"}:
        raise JobError(f"there is nothing to make it of: {cluster.note or 'the writer is gone'}")
    if writer.resource_id != found.resource_id:
        return writer.status in lookup.USABLE and writer.ready > 0
    return cluster.laid_in


def _laid_in(records: Records, cluster: str) -> None:
    """Let members take the data in hand."""
    found = lookup.by_resource(records, cluster)
    if found is not None:
        records.change(found, laid_in=True)


def _get_data(run: Run, resource_id: str) -> None:
    cluster, writer, found = _place(run, resource_id)
    databases = run.part(Databases)
    if writer.resource_id != resource_id:
        replicating.copy(run, resource_id, "physical")
        return
    spec = databases.spec(found)
    databases.encryption.unlock(spec.folder, found.encryption)
    if databases.engine(found.engine).status(spec).state == "absent":
        raise DatabaseError(f"the data of the cluster {cluster.identifier} are not there")


def _start(run: Run, resource_id: str) -> None:
    _, writer, _ = _place(run, resource_id)
    stages.start(run, resource_id)
    if writer.resource_id != resource_id:
        replicating.follow(run, resource_id)


def _member_there(records: Records, databases: Databases, messenger: Messenger, resource_id: str) -> None:
    found = instances.by_resource(records, resource_id)
    if found is None:
        return
    now = databases.clock.milliseconds()
    cluster = lookup.expect(records, found.cluster)
    found = records.change(found, status="available", ready=now, created=now, note="")
    events.tell(records, messenger, found, "created")
    if cluster.writer != resource_id:
        if found.source != cluster.writer:
            rejoining.begin(records, databases, records.change(found, source=cluster.writer))
        return
    cluster = records.change(cluster, volume="")
    if not cluster.earliest:
        snapshotting.begin_automated(records, databases, cluster)


def _member_failed(run: Run, resource_id: str) -> None:
    """Mark a member that could not be made; the data of the cluster stay where they are."""
    databases = run.part(Databases)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        found = instances.by_resource(records, resource_id)
        cluster = lookup.by_resource(records, found.cluster) if found is not None else None
        if found is None or cluster is None:
            return
        if cluster.writer == resource_id:
            records.change(cluster, writer="")
    instances_creating.failed(run, resource_id)
