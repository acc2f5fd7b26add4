"""Jobs that change instances: what ModifyDBInstance asked for, parameters of a group, reboots, stops and starts."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from coldframe.core.records import Records
from coldframe.engines.database import Login
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import (
    events,
    in_force,
    lookup,
    new_instances,
    replicating,
    rotating,
    stages,
    storage_settings,
)
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.log_exports.choosing import EXPORTS, turn, with_log_types
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import Endpoint, Instance, Snapshot
from coldframe.services.rds.upgrading import upgrade_instance

_WEEK = 7 * 86_400_000
# What only changes what the record says: there is one disk here, and its rates are its own.
_RECORDED = ("MultiAZ", "Iops", "StorageThroughput", "StorageType")


@job("rds.apply-pending")
def apply_pending(run: Run, resource_id: str, names: list[str], sealed: str, version: str = "") -> None:
    """Apply what is pending of an instance under these names, and its new master password: that, or the next one of its secret.

    `version` is the one that the secret gets.
    """
    databases = run.part(Databases)
    pending = run.step("look", _pending, run, resource_id, names)
    # Whatever fails, the instance goes on with what it has: this job ends by going forward.
    run.commit_point()
    run.write("it begins", _begun, run.part(Messenger), resource_id, pending)
    if sealed:
        run.step("set the password", _set_password, run, resource_id, sealed)
    refused = ""
    if version:
        instance = stages.instance_of(run, resource_id)
        refused = rotating.rotate(run, instance, version, partial(_give, run, resource_id))
    if "DBInstanceClass" in pending:
        run.step("stop it", stages.stop, run, resource_id)
        stages.mark(run, "change its class", resource_id, instance_class=pending["DBInstanceClass"])
        stages.prepare(run, "work out the settings", resource_id)
        run.step("start it", stages.start, run, resource_id)
        run.step("let users write to it if they may", replicating.allow_writes, run, resource_id)
    if "Port" in pending:
        run.step("close the endpoint", stages.close_endpoint, run, resource_id)
        run.write("change its port", _change_port, resource_id, pending["Port"])
        run.step("open the endpoint", stages.start, run, resource_id)
    run.write(
        "it is done",
        _applied,
        databases,
        run.part(Messenger),
        resource_id,
        pending,
        bool(sealed or version),
        refused,
    )


@job("rds.apply-parameters")
def apply_parameters(run: Run, resource_id: str, names: list[str]) -> None:
    """Apply parameters of an instance's group that can change while it runs."""
    run.commit_point()

    def change(records: Records) -> bool:
        found = lookup.by_resource(records, resource_id)
        if found is None:
            return False
        records.change(found, in_force=in_force.immediate(records, found, names))
        return found.wanted == "running"

    if run.write("note the settings", change):
        run.step("apply them", _apply, run, resource_id)


@job("rds.reopen-endpoint")
def reopen_endpoint(run: Run, resource_id: str) -> None:
    """Start an instance's endpoint anew, as its record says now."""
    run.commit_point()
    run.step("close the endpoint", stages.close_endpoint, run, resource_id)
    run.step("open the endpoint", stages.start, run, resource_id)


@job("rds.apply-read-only")
def apply_read_only(run: Run, resource_id: str) -> None:
    """Let users write to a green instance, or not, as its parameter group says now."""
    run.commit_point()
    run.step("open or close it", replicating.allow_writes, run, resource_id)


@job("rds.reboot-instance")
def reboot_instance(run: Run, resource_id: str) -> None:
    """Restart an instance, with everything of its parameter group."""
    run.commit_point()
    run.step("stop it", stages.stop, run, resource_id)
    stages.mark(run, "it is down", resource_id, "shut_down")
    stages.prepare(run, "work out the settings", resource_id)
    run.step("start it", stages.start, run, resource_id)
    run.step("let users write to it if they may", replicating.allow_writes, run, resource_id)
    stages.mark(run, "it is up", resource_id, "restarted", status="available")


@job("rds.stop-instance")
def stop_instance(run: Run, resource_id: str, snapshot: str) -> None:
    """Stop an instance, after a snapshot where one was asked for; it is started again after seven days."""
    run.commit_point()
    if snapshot:
        run.wait(lambda: _snapshot_done(run, snapshot), timeout=86_400, name="wait for the snapshot")
    stages.mark(run, "it is to be down", resource_id, wanted="stopped")
    run.step("stop it", stages.close, run, resource_id)
    restart = run.step("count seven days", lambda: run.part(Databases).clock.seconds() + _WEEK / 1000)

    def change(records: Records) -> None:
        found = lookup.expect(records, resource_id)
        about = {**found.about, "AutomaticRestartTime": restart}
        found = records.change(found, status="stopped", about=about)
        events.tell(records, run.part(Messenger), found, "stopped")

    run.write("it is down", change)


@job("rds.start-instance")
def start_instance(run: Run, resource_id: str) -> None:
    """Start a stopped instance, or one whose key was not accessible."""
    run.commit_point()
    stages.prepare(run, "work out the settings", resource_id)
    if run.step("start it", stages.start_if_accessible, run, resource_id):
        stages.inaccessible(run, resource_id)
        return

    def change(records: Records) -> None:
        found = lookup.expect(records, resource_id)
        about = {name: value for name, value in found.about.items() if name != "AutomaticRestartTime"}
        found = records.change(found, status="available", wanted="running", about=about)
        events.tell(records, run.part(Messenger), found, "started")

    run.write("it is up", change)


def renamed(records: Records, instance: Instance, identifier: str) -> Instance:
    """Give an instance another identifier, and the row of its backups with it."""
    port = records.get(Endpoint, instance.endpoint).port
    records.remove(instance)
    named = replace(instance, identifier=identifier)
    records.add(named)
    if named.retention:
        new_instances.remember_backups(records, named, port)
    return named


def _pending(run: Run, resource_id: str, names: list[str]) -> dict[str, Any]:
    instance = stages.instance_of(run, resource_id)
    return {name: instance.pending[name] for name in names if name in instance.pending}


def _begun(records: Records, messenger: Messenger, resource_id: str, pending: dict[str, Any]) -> None:
    found = lookup.by_resource(records, resource_id)
    if found is not None:
        for name in _told(pending):
            events.tell(records, messenger, found, f"{name}_changing")


def _told(pending: Mapping[str, Any]) -> list[str]:
    """Return what events say of a modification, by the first part of their names."""
    told = {
        "class": "DBInstanceClass" in pending,
        "storage": bool(set(pending) & {"AllocatedStorage", "Iops", "StorageThroughput", "StorageType"}),
        "multi_az": pending.get("MultiAZ") is True,
        "single_az": pending.get("MultiAZ") is False,
    }
    return [name for name, said in told.items() if said]


def _applied(
    records: Records,
    databases: Databases,
    messenger: Messenger,
    resource_id: str,
    pending: dict[str, Any],
    password: bool,
    refused: str = "",
) -> None:
    found = lookup.by_resource(records, resource_id)
    if found is None:
        return
    # Another version is a job of its own, which can go back.
    version = pending.get("EngineVersion", "")
    done = {
        *(name for name in pending if name != "EngineVersion"),
        *(("MasterUserPassword",) if password else ()),
    }
    fields: dict[str, Any] = {
        "pending": {name: value for name, value in found.pending.items() if name not in done},
        "status": "upgrading" if version else "available",
    }
    if exports := pending.get(EXPORTS):
        fields["about"] = with_log_types(found.about, exports)
        turn(records, resource_id, (), exports, databases.clock.milliseconds())
    if set(pending) & {"AllocatedStorage", *_RECORDED}:
        fields["storage"] = pending.get("AllocatedStorage", found.storage)
        about = storage_settings.after_change(
            fields.get("about", found.about), found.storage, pending, fields["storage"]
        )
        fields["about"] = {**about, "MultiAZ": pending.get("MultiAZ", found.about.get("MultiAZ"))}
    if password:
        fields["secret_status"] = rotating.IMPAIRED if refused else ""
    found = records.change(found, **fields)
    if new := pending.get("DBInstanceIdentifier"):
        old, found = found.identifier, renamed(records, found, new)
        events.tell(records, messenger, found, "renamed", old=old, new=new)
    for name in _told(pending):
        events.tell(records, messenger, found, f"{name}_changed")
    if password and not refused:
        events.tell(records, messenger, found, "password_reset")
    if version:
        databases.begin(records, upgrade_instance, resource_id, version)


def _set_password(run: Run, resource_id: str, sealed: str) -> None:
    _give(run, resource_id, run.part(Databases).login(stages.instance_of(run, resource_id), sealed))


def _give(run: Run, resource_id: str, login: Login) -> None:
    engine, spec = stages.at_work(run.part(Databases), stages.instance_of(run, resource_id))
    engine.set_password(spec, login)


def _apply(run: Run, resource_id: str) -> None:
    engine, spec = stages.at_work(run.part(Databases), stages.instance_of(run, resource_id))
    engine.apply(spec)


def _change_port(records: Records, resource_id: str, port: int) -> None:
    found = lookup.expect(records, resource_id)
    records.change(lookup.endpoint_of(records, found), port=port)
    new_instances.remember_backups(records, found, port)


def _snapshot_done(run: Run, identifier: str) -> bool:
    with run.read() as records:
        found = records.find(Snapshot, identifier)
    return found is None or found.status != "creating"
