"""The job that deletes an instance: a last snapshot, its processes, its files, its records, its backups."""

import contextlib
from typing import Any

import msgspec

from coldframe.core import durable
from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import events, lookup, snapshotting, stages
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.encryption import KeyInaccessible
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.records import AutomatedBackup, Endpoint, Snapshot


@job("rds.delete-instance")
def delete_instance(run: Run, resource_id: str, snapshot: str, keep_backups: bool) -> None:
    """Delete an instance; its automated backups go too unless they are to be kept."""
    run.commit_point()
    databases = run.part(Databases)
    if snapshot:
        run.write("begin the last snapshot", _begin_snapshot, databases, resource_id, snapshot)
        run.wait(lambda: _made(run, snapshot), timeout=86_400, name="wait for the last snapshot")
    run.wait(lambda: not _followed(run, resource_id), timeout=86_400, name="wait for its replicas")
    stages.mark(run, "it is to be down", resource_id, wanted="stopped")
    run.step("stop it", _remove, run, resource_id)
    key = run.write("forget it", _forget, databases, run.part(Messenger), resource_id, keep_backups)
    if not keep_backups:
        run.step("delete the archive", _delete_archive, databases, resource_id)
    if key is not None:
        run.step("give up its key", snapshotting.give_up_key, run, key)


@job("rds.delete-archive")
def delete_archive(run: Run, resource_id: str, key: dict[str, Any] | None) -> None:
    """Delete what is archived of an instance that is gone; `key` is its StorageKey, where its storage was encrypted."""
    run.commit_point()
    run.step("delete the archive", _delete_archive, run.part(Databases), resource_id)
    if key is not None:
        run.step("give up its key", snapshotting.give_up_key, run, key)


def _begin_snapshot(records: Records, databases: Databases, resource_id: str, identifier: str) -> None:
    instance = lookup.expect(records, resource_id)
    now = databases.clock.milliseconds()
    row = snapshotting.new_snapshot(records, instance, identifier, "manual", {}, now)
    databases.begin(records, snapshotting.make_snapshot, row.identifier, resource_id, "")


def _made(run: Run, identifier: str) -> bool:
    with run.read() as records:
        found = records.find(Snapshot, identifier)
    return found is None or found.status == "available"


def _followed(run: Run, resource_id: str) -> bool:
    with run.read() as records:
        return bool(lookup.replicas(records, resource_id))


def _remove(run: Run, resource_id: str) -> None:
    databases = run.part(Databases)
    instance = stages.instance_of(run, resource_id)
    door, engine = databases.door(stages.endpoint_of(run, resource_id)), databases.engine(instance.engine)
    engine.stop(databases.spec(instance), at_once=True)
    with contextlib.suppress(KeyInaccessible):
        # What it follows is told that it leaves, of which it knows only when it is open.
        databases.encryption.unlock(databases.spec(instance).folder, instance.encryption)
    engine.destroy(databases.spec(instance))
    databases.encryption.lock(instance.encryption)
    # Supervision may be about to start it: a process whose folder is gone would never be found again.
    with databases.turn(door.name):
        databases.endpoints(instance.engine).stop(door)
        durable.remove_tree(door.folder)


def _forget(
    records: Records, databases: Databases, messenger: Messenger, resource_id: str, keep_backups: bool
) -> dict[str, Any] | None:
    """Remove the records of an instance; returns its StorageKey, None where its storage was in clear."""
    instance = lookup.by_resource(records, resource_id)
    if instance is None:
        return None
    key: dict[str, Any] | None = msgspec.to_builtins(instance.encryption)
    events.tell(records, messenger, instance, "deleted")
    records.remove(instance)
    if endpoint := records.find(Endpoint, instance.endpoint):
        records.remove(endpoint)
    backup = records.find(AutomatedBackup, resource_id)
    if backup is not None and keep_backups:
        records.change(backup, retained=True)
        return key
    if backup is not None:
        records.remove(backup)
    for row in records.list(Snapshot, where={"resource_id": resource_id, "kind": "automated"}):
        snapshotting.drop(records, databases, row)
    return key


def _delete_archive(databases: Databases, resource_id: str) -> None:
    archive = databases.archive_of(resource_id)
    for folder in (archive, *archive.parent.glob(f"{archive.name}-*")):
        durable.remove_tree(folder)
