"""The job that ends a deployment: green is deleted, or left as instances of their own."""

from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import deleting, events, lookup, replicating
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters.deleting import delete_cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Deployment


@job("rds.delete-deployment")
def delete_deployment(run: Run, deployment: str, delete_target: bool, switched: bool) -> None:
    """Delete the record of a deployment; before a switchover, its green side is deleted or stands alone."""
    run.commit_point()
    databases = run.part(Databases)
    with run.read() as records:
        row = records.find(Deployment, deployment)
    left = row is not None and not switched
    both = members.cluster_member(row) if row is not None else None
    targets = [member.target for member in members.instances_of(row)] if row is not None and left else []
    if both is not None and left and delete_target:
        # Its members are deleted with it.
        run.write("delete the green cluster", _delete_cluster, databases, both.target)
        run.wait(
            lambda: _cluster_gone(run, both.target), timeout=86_400, poll=0.1, name="wait for the cluster"
        )
        targets = []
    elif both is not None and left:
        run.write("let the green cluster stand alone", _leave_cluster, both.target)
    for target in reversed(targets):
        if delete_target:
            run.write(f"delete {target[-6:]}", _delete, databases, target)
            run.wait(lambda target=target: _gone(run, target), timeout=86_400, poll=0.1, name="wait")  # type: ignore[misc]
        else:
            run.write(f"let {target[-6:]} stand alone", _leave, databases, target)
    run.write("forget it", _forget, run.part(Messenger), deployment)


def _delete(records: Records, databases: Databases, resource_id: str) -> None:
    found = lookup.by_resource(records, resource_id)
    if found is not None and found.status != "deleting":
        records.change(found, status="deleting")
        for replica in lookup.replicas(records, resource_id):
            # One that was made of green later is nobody's counterpart, and stays.
            databases.begin(records, replicating.promote_replica, replica.resource_id)
        databases.begin(records, deleting.delete_instance, resource_id, "", False)


def _leave(records: Records, databases: Databases, resource_id: str) -> None:
    found = lookup.by_resource(records, resource_id)
    if found is None:
        return
    source = lookup.by_resource(records, found.source) if found.source else None
    if found.cluster and clusters.expect(records, found.cluster).writer != resource_id:
        # A reader goes on to follow its writer.
        records.change(found, deployment="")
        return
    if source is None or not source.deployment:
        databases.begin(records, replicating.promote_replica, resource_id)
    records.change(found, deployment="")


def _delete_cluster(records: Records, databases: Databases, resource_id: str) -> None:
    found = clusters.by_resource(records, resource_id)
    if found is not None and found.status != "deleting":
        records.change(found, status="deleting")
        databases.begin(records, delete_cluster, resource_id, "", False)


def _leave_cluster(records: Records, resource_id: str) -> None:
    """Let a green cluster be one like others; those of its readers that have no counterpart follow its writer as well."""
    found = clusters.by_resource(records, resource_id)
    if found is not None:
        records.change(found, deployment="")


def _cluster_gone(run: Run, resource_id: str) -> bool:
    with run.read() as records:
        return clusters.by_resource(records, resource_id) is None


def _gone(run: Run, resource_id: str) -> bool:
    with run.read() as records:
        return lookup.by_resource(records, resource_id) is None


def _forget(records: Records, messenger: Messenger, deployment: str) -> None:
    row = records.find(Deployment, deployment)
    if row is not None:
        events.tell(records, messenger, row, "deployment_deleted")
        records.remove(row)
