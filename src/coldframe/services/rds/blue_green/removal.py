"""The job that ends a deployment: green is deleted, or left as instances of their own."""

from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import deleting, events, lookup, replicating
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
    targets = [member.target for member in row.members] if row is not None and not switched else []
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
    if source is None or not source.deployment:
        databases.begin(records, replicating.promote_replica, resource_id)
    records.change(found, deployment="")


def _gone(run: Run, resource_id: str) -> bool:
    with run.read() as records:
        return lookup.by_resource(records, resource_id) is None


def _forget(records: Records, messenger: Messenger, deployment: str) -> None:
    row = records.find(Deployment, deployment)
    if row is not None:
        events.tell(records, messenger, row, "deployment_deleted")
        records.remove(row)
