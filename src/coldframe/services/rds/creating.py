"""Jobs that make instances: laid in, started, opened, and backed up for the first time."""

from functools import partial

from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import events, lookup, new_instances, stages
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.snapshotting import begin_automated


@job("rds.create-instance")
def create_instance(run: Run, resource_id: str, sealed: str) -> None:
    """Lay in an instance with its master user, start it, open its endpoint."""
    run.undo("mark it failed", failed, run, resource_id)
    stages.prepare(run, "work out the settings", resource_id)
    run.step("lay it in", _lay_in, run, resource_id, sealed)
    run.step("start it", stages.start, run, resource_id)
    ready(run, resource_id, "created")


def ready(run: Run, resource_id: str, *told: str, **words: object) -> None:
    """Say that an instance is there; with backups, the first of them begins."""
    databases, messenger = run.part(Databases), run.part(Messenger)
    run.commit_point()

    def change(records: Records) -> None:
        found = lookup.by_resource(records, resource_id)
        if found is None:
            return
        now = databases.clock.milliseconds()
        pending = {name: value for name, value in found.pending.items() if name != "MasterUserPassword"}
        found = records.change(found, status="available", ready=now, created=now, note="", pending=pending)
        for event in told:
            events.tell(records, messenger, found, event, **words)
        new_instances.remember_backups(records, found, lookup.endpoint_of(records, found).port)
        if found.retention:
            begin_automated(records, databases, found, status="backing-up")

    run.write("it is there", change)


def failed(run: Run, resource_id: str) -> None:
    """Mark an instance that could not be made, and stop what runs of it."""
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.read() as transaction:
        instance = lookup.by_resource(transaction.records(run.account, run.region), resource_id)
    if instance is None:
        return
    with databases.store.read() as transaction:
        endpoint = lookup.endpoint_of(transaction.records(run.account, run.region), instance)
    with databases.turn(endpoint.id):
        databases.endpoints(instance.engine).stop(databases.door(endpoint))
    engine, spec = databases.engine(instance.engine), databases.spec(instance)
    engine.stop(spec, at_once=True)
    if instance.source or not (instance.ready or instance.cluster):
        # It can only be deleted: its source would keep the log for it, and others of the same disk may lack its room. The
        # data of a cluster's writer are the cluster's.
        engine.destroy(spec)
    if not instance.cluster:
        databases.encryption.lock(instance.encryption)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        found = lookup.by_resource(records, resource_id)
        if found is not None and found.status != "failed":
            found = records.change(found, status="failed", wanted="stopped")
            name = "replica_failed" if found.source and not found.cluster else "failed"
            events.tell(records, run.part(Messenger), found, name, reason=reason)


def _lay_in(run: Run, resource_id: str, sealed: str) -> None:
    databases, instance = run.part(Databases), stages.instance_of(run, resource_id)
    engine, spec = databases.engine(instance.engine), databases.spec(instance)
    with stages.given_back(partial(engine.destroy, spec)):
        databases.encryption.make_folder(spec.folder, instance.encryption)
        engine.create(spec, databases.login(instance, sealed), instance.database or None)
