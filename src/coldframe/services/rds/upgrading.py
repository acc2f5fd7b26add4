"""The job that brings an instance to another version in place: checked, copied, exchanged, and back when anything fails."""

import msgspec
from msgspec.structs import replace

from coldframe.core import durable
from coldframe.core.records import Records
from coldframe.core.struct_types import whole
from coldframe.engines.database import InstanceSpec, UpgradeRefused
from coldframe.jobs.job import JobError, job
from coldframe.jobs.run import Run
from coldframe.services.rds import (
    engine_names,
    events,
    in_force,
    lookup,
    new_instances,
    replicating,
    restoring,
    snapshotting,
    stages,
    upgrade_logs,
)
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Instance, Snapshot


class Plan(msgspec.Struct):
    """What an upgrade changes in the record of an instance, from what, and the replicas that go along."""

    version: str
    group: str
    options: str
    old_version: str
    old_group: str
    old_options: str
    old_settings: dict[str, str]
    major: bool
    replicas: list[str] = []
    backups: bool = False


@job("rds.upgrade-instance")
def upgrade_instance(run: Run, resource_id: str, version: str) -> None:
    """Bring an instance to another version; until the newer one is seen to serve, the older one can go on."""
    plan = msgspec.convert(run.step("look", _plan, run, resource_id, version), whole(Plan))
    run.undo("say that it failed", _failed, run, resource_id, plan)
    if plan.major:
        stages.mark(run, "begin to check", resource_id, "precheck_started")
    refused = run.step("check", _check, run, resource_id, plan)
    if refused:
        run.write("it cannot be upgraded", _refused, run.part(Messenger), resource_id, refused)
        return
    if plan.major:
        stages.mark(run, "it can be upgraded", resource_id, "precheck_finished")
    if plan.backups:
        name = run.write("begin a snapshot", _snapshot, run.part(Databases), resource_id, plan)
        run.wait(lambda: _made(run, name), timeout=86_400, poll=0.1, name="wait for the snapshot")
    run.undo("go back", _go_back, run, resource_id, plan)
    run.write("it goes down", _down, run.part(Messenger), resource_id, plan)
    run.step("close the endpoint", stages.close_endpoint, run, resource_id)
    if plan.backups:
        run.step("archive the last changes", restoring.archive, run.part(Databases), run, resource_id)
    stages.mark(run, "the upgrade begins", resource_id, "upgrade_started")
    run.step("make the newer one", _prepare, run, resource_id, plan)
    run.step("put it in place", _swap, run, resource_id, plan)
    stages.mark(
        run,
        "it is the newer one",
        resource_id,
        version=plan.version,
        parameter_group=plan.group,
        option_group=plan.options,
    )
    stages.prepare(run, "work out the settings", resource_id)
    run.step("see that it serves", lambda: str(_socket(run, resource_id)))
    # Nobody has written to it yet: so far the older one is as good.
    run.commit_point()
    if plan.backups and plan.major:
        run.step("set the archive aside", _set_aside, run, resource_id, plan)
    run.step("open the endpoint", stages.start, run, resource_id)
    if plan.replicas:
        stages.mark(run, "its replicas follow", resource_id, "replicas_wait")
    for number, replica in enumerate(plan.replicas, 1):
        _bring_replica(run, number, replica, plan)
    run.step("throw the older one away", _settle, run, resource_id)
    run.write("it is up", _upgraded, run.part(Databases), run.part(Messenger), resource_id, plan)
    run.step("do what is left", _complete, run, resource_id)


def _bring_replica(run: Run, number: int, resource_id: str, plan: Plan) -> None:
    """Copy a replica that streams the log anew from its source, in the newer version."""
    if not run.step(f"see whether replica {number} is there", _there, run, resource_id):
        return
    run.step(f"close replica {number}", stages.close, run, resource_id)
    stages.mark(
        run,
        f"replica {number} is a newer one",
        resource_id,
        version=plan.version,
        parameter_group=plan.group,
        option_group=plan.options,
    )
    stages.prepare(run, f"work out the settings of replica {number}", resource_id)
    run.step(f"copy the source to replica {number}", replicating.copy, run, resource_id, "physical")
    run.step(f"start replica {number}", stages.start, run, resource_id)
    run.step(f"let replica {number} follow", replicating.follow, run, resource_id)
    stages.mark(
        run,
        f"replica {number} is up",
        resource_id,
        "version_changed",
        status="available",
    )


def _plan(run: Run, resource_id: str, version: str) -> Plan:
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.expect(records, resource_id)
        engine = engine_names.named(found.engine)
        major = engine.major(version) != engine.major(found.version)
        # What streams the log of PostgreSQL's files has to have the same ones.
        along = lookup.replicas(records, resource_id) if major and engine.part == "postgresql" else []
        return Plan(
            version=databases.version(found.engine, version),
            group=found.upgrade.get("group") or found.parameter_group,
            options=found.upgrade.get("options") or found.option_group,
            old_version=found.version,
            old_group=found.parameter_group,
            old_options=found.option_group,
            old_settings=found.in_force,
            major=major,
            replicas=[each.resource_id for each in along],
            backups=bool(found.retention) and not found.source,
        )


def _specs(run: Run, resource_id: str, plan: Plan) -> tuple[Instance, InstanceSpec, InstanceSpec]:
    """Return an instance with its older and its newer spec, whichever it is now."""
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.expect(records, resource_id)
        newer = replace(found, version=plan.version, parameter_group=plan.group)
        newer = replace(newer, in_force=in_force.wanted(records, newer))
    older = databases.spec(replace(found, version=plan.old_version, in_force=plan.old_settings))
    # After a boot the job may go on before anybody has opened it: what cannot be seen would be taken for not there.
    databases.encryption.unlock(older.folder, found.encryption)
    return found, older, databases.spec(newer)


def _check(run: Run, resource_id: str, plan: Plan) -> str:
    """Return why an instance cannot be upgraded, empty when it can; the report becomes a log of the instance."""
    databases = run.part(Databases)
    found, older, newer = _specs(run, resource_id, plan)
    databases.socket(found)
    try:
        report = databases.engine(found.engine).upgrades.check(older, newer)
    except UpgradeRefused as refused:
        upgrade_logs.write(databases, found, refused.report)
        return str(refused)
    if report:
        upgrade_logs.write(databases, found, report)
    return ""


def _snapshot(records: Records, databases: Databases, resource_id: str, plan: Plan) -> str:
    found = lookup.expect(records, resource_id)
    stamp = databases.clock.now().strftime("%Y-%m-%d-%H-%M-%S")
    versions = f"{plan.old_version}-to-{plan.version}".replace(".", "-")
    name = f"rds:preupgrade-{found.identifier}-{versions}-{stamp}"
    snapshotting.new_snapshot(records, found, name, "automated", {}, databases.clock.milliseconds())
    databases.begin(records, snapshotting.make_snapshot, name, resource_id, "")
    return name


def _made(run: Run, name: str) -> bool:
    with run.read() as records:
        found = records.find(Snapshot, name)
    if found is None or found.status == "failed":
        raise JobError("the snapshot before the upgrade could not be made")
    return found.status == "available"


def _down(records: Records, messenger: Messenger, resource_id: str, plan: Plan) -> None:
    events.tell(records, messenger, lookup.expect(records, resource_id), "downtime_started")
    for each in plan.replicas:
        replica = lookup.by_resource(records, each)
        if replica is not None and replica.status != "deleting":
            replica = records.change(replica, status="upgrading")
            events.tell(records, messenger, replica, "replica_waits")


def _prepare(run: Run, resource_id: str, plan: Plan) -> None:
    found, older, newer = _specs(run, resource_id, plan)
    run.part(Databases).engine(found.engine).upgrades.prepare(older, newer)


def _swap(run: Run, resource_id: str, plan: Plan) -> None:
    found, older, newer = _specs(run, resource_id, plan)
    run.part(Databases).engine(found.engine).upgrades.swap(older, newer)


def _socket(run: Run, resource_id: str) -> object:
    return run.part(Databases).socket(stages.instance_of(run, resource_id))


def _set_aside(run: Run, resource_id: str, plan: Plan) -> None:
    """Keep what the older version archived for restores to moments before the upgrade."""
    databases, found = run.part(Databases), stages.instance_of(run, resource_id)
    archive = databases.archive_of(resource_id)
    aside = databases.archive_of(resource_id, engine_names.named(found.engine).major(plan.old_version))
    if archive.exists() and not aside.exists():
        archive.rename(aside)
    if aside.exists():
        # Were it back, the newer version would archive into what the older one left.
        durable.sync_folder(aside.parent)


def _there(run: Run, resource_id: str) -> bool:
    with run.read() as records:
        found = lookup.by_resource(records, resource_id)
    return found is not None and found.status == "upgrading"


def _settle(run: Run, resource_id: str) -> None:
    databases, found = run.part(Databases), stages.instance_of(run, resource_id)
    spec = databases.spec(found)
    databases.encryption.unlock(spec.folder, found.encryption)
    databases.engine(found.engine).upgrades.settle(spec)


def _upgraded(
    records: Records, databases: Databases, messenger: Messenger, resource_id: str, plan: Plan
) -> None:
    found = _settled(records, resource_id)
    if found is None:
        return
    events.tell(records, messenger, found, "upgrade_finished")
    events.tell(records, messenger, found, "version_changed")
    events.tell(records, messenger, found, "after_upgrade")
    new_instances.remember_backups(records, found, lookup.endpoint_of(records, found).port)
    if plan.backups:
        if plan.major:
            snapshotting.upgraded(records, resource_id, databases.clock.milliseconds())
        snapshotting.begin_automated(records, databases, found)


def _complete(run: Run, resource_id: str) -> None:
    databases = run.part(Databases)
    with run.read() as records:
        found = lookup.by_resource(records, resource_id)
    if found is not None and found.wanted == "running" and not found.source:
        databases.engine(found.engine).upgrades.complete(databases.spec(found))


def _refused(records: Records, messenger: Messenger, resource_id: str, reason: str) -> None:
    found = _settled(records, resource_id)
    if found is not None:
        events.tell(records, messenger, found, "upgrade_refused", reason=reason)


def _settled(records: Records, resource_id: str) -> Instance | None:
    """Let an instance be available again, with no other version that waits; None when it is gone."""
    found = lookup.by_resource(records, resource_id)
    if found is None:
        return None
    pending = {name: value for name, value in found.pending.items() if name != "EngineVersion"}
    return records.change(found, status="available", pending=pending, upgrade={})


def _go_back(run: Run, resource_id: str, plan: Plan) -> None:
    """Let the older version serve again, as it was."""
    databases = run.part(Databases)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        found = lookup.by_resource(records, resource_id)
        if found is None:
            return
        found = records.change(
            found,
            version=plan.old_version,
            parameter_group=plan.old_group,
            option_group=plan.old_options,
            in_force=plan.old_settings,
        )
    engine, spec = databases.engine(found.engine), databases.spec(found)
    databases.encryption.unlock(spec.folder, found.encryption)
    engine.stop(spec)
    engine.upgrades.back(spec)
    stages.start(run, resource_id)


def _failed(run: Run, resource_id: str, plan: Plan) -> None:
    """Say that the older version goes on, and why, in a log of the instance."""
    databases, reason = run.part(Databases), stages.why(run)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        found = _settled(records, resource_id)
        if found is not None:
            events.tell(records, run.part(Messenger), found, "upgrade_failed")
        for each in plan.replicas:
            replica = lookup.by_resource(records, each)
            if replica is not None and replica.status == "upgrading":
                records.change(replica, status="available")
    if found is not None:
        said = f"The upgrade to {plan.version} failed and was rolled back.\n{reason}\n"
        upgrade_logs.write(databases, found, said)
