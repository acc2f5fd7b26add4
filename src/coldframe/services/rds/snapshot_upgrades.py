"""The job that brings a snapshot to another version: restored, upgraded and saved again, beside the one that there is."""

from pathlib import Path

from coldframe.core import durable, ids
from coldframe.core.records import Records
from coldframe.engines.database import InstanceSpec
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds import engine_names, lookup, snapshotting
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Snapshot


@job("rds.upgrade-snapshot")
def upgrade_snapshot(run: Run, identifier: str, version: str) -> None:
    """Bring a snapshot to another version; until it is there, the snapshot can be restored in its own."""
    run.undo("leave it as it was", _leave, run, identifier)
    fresh = run.step("choose a folder", lambda: ids.hexadecimal(16))
    run.undo("throw the copies away", _throw_away, run, fresh)
    serial = run.write("take a number", lookup.next_number, "instance")
    size = run.step("upgrade a copy", _upgrade, run, identifier, version, fresh, serial)
    databases = run.part(Databases)
    run.commit_point()

    def change(records: Records) -> str:
        row = records.find(Snapshot, identifier)
        if row is None:
            return fresh
        engine = engine_names.named(row.engine)
        options = row.option_group
        if engine.major(version) != engine.major(row.version):
            options = f"default:{engine.name}-{engine.major(version).replace('.', '-')}"
        about = {name: value for name, value in row.about.items() if name not in _OF_THE_OLD}
        records.change(
            row,
            status="available",
            version=version,
            folder=fresh,
            size=size,
            option_group=options,
            about=about,
        )
        return row.folder

    old = run.write("it is the newer one", change)
    run.step("throw the older one away", _remove, databases.root / "snapshots" / old)
    run.step("throw the copy away", _remove, _room(databases, fresh))


# A restore in another major version begins with its own default groups.
_OF_THE_OLD = {"DBParameterGroupName", "OptionGroupName"}


def _upgrade(run: Run, identifier: str, version: str, fresh: str, serial: int) -> int:
    databases = run.part(Databases)
    with run.read() as records:
        row = records.get(Snapshot, identifier)
    engine, room, target = (
        databases.engine(row.engine),
        _room(databases, fresh),
        databases.root / "snapshots" / fresh,
    )
    older = InstanceSpec(name=f"snapshot-{serial}", version=row.version, folder=room, serial=serial)
    newer = InstanceSpec(name=older.name, version=version, folder=room, serial=serial)
    encryption = databases.encryption
    with encryption.open(databases.copy_of(row), row.encryption):
        for spec in (newer, older):
            engine.stop(spec, at_once=True)
        engine.destroy(older)
        _remove(target)
        encryption.make_folder(room, row.encryption)
        engine.backups.restore(databases.copy_of(row), older)
        engine.upgrades.prepare(older, newer)
        engine.upgrades.swap(older, newer)
        encryption.make_folder(target, row.encryption)
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine.backups.back_up(newer, target)
        return snapshotting.size_of(target)


def _leave(run: Run, identifier: str) -> None:
    databases = run.part(Databases)
    with databases.store.write() as transaction:
        records = transaction.records(run.account, run.region)
        row = records.find(Snapshot, identifier)
        if row is not None and row.status == "upgrading":
            records.change(row, status="available")


def _throw_away(run: Run, fresh: str) -> None:
    databases = run.part(Databases)
    _remove(_room(databases, fresh))
    _remove(databases.root / "snapshots" / fresh)


def _room(databases: Databases, fresh: str) -> Path:
    # A short name: it holds a database's socket.
    return databases.root / f"up-{fresh[:8]}"


def _remove(folder: Path) -> None:
    durable.remove_tree(folder)
