"""Power cuts under databases: rows that were acknowledged are there, and so is every file that "available" stood for."""

import pytest

from coldframe.core import durable
from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import ServerProcess, until
from tests.journeys.seen_databases import SeenDatabases
from tests.journeys.writers import ERRORS, Writers, connector, prepare
from tests.services.rds.conftest import PASSWORD, available, made

pytestmark = [needs_root, pytest.mark.xdist_group("power-cut"), pytest.mark.timeout(300)]

ENGINES = ["mariadb", "postgres"]


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_and_instances_survive_a_power_cut(tmp_path, monkeypatch, engine):
    # Where templates lie, of which instances are copies; the versions of engines are this machine's.
    with cut_disk("data=writeback,noauto_da_alloc", size=2 << 30) as disk:
        monkeypatch.setenv("XDG_CACHE_HOME", str(disk.folder / "cache"))
        data = disk.folder / "data"
        with ServerProcess(data, "--tls-port", "0", log=tmp_path / "first") as server:
            rds = server.client("rds")
            row = made(rds, engine, DBName="app", BackupRetentionPeriod=1)
            name, connect = row["DBInstanceIdentifier"], connector(row, PASSWORD)
            prepare(connect, engine, 4)
            with Writers(connect, 4) as writers:
                until(lambda: writers.written > 20)
                rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier="s")
                until(lambda: state_of(rds, "s") == "available")
                told = [len(each.acknowledged) for each in writers.all]
                disk.cut()
                server.kill()
                disk.end_users()
        for each, number in zip(writers.all, told, strict=True):
            # Nobody would have heard of these.
            each.unknown += each.acknowledged[number:]
            del each.acknowledged[number:]
        disk.back()
        with ServerProcess(data, "--tls-port", "0", log=tmp_path / "second") as server:
            rds = server.client("rds")
            until(lambda: answers(connect))
            writers.check()
            # What was only read so far is whole, too: the snapshot, and the template.
            rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="again", DBSnapshotIdentifier="s")
            again = available(rds, "again")
            fresh = made(rds, engine, DBName="app")
            for each in (again, fresh):
                rds.delete_db_instance(
                    DBInstanceIdentifier=each["DBInstanceIdentifier"], SkipFinalSnapshot=True
                )
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
            until(lambda: not rds.describe_db_instances()["DBInstances"])


def test_a_copy_that_was_promoted_follows_nobody_after_a_power_cut(tmp_path, monkeypatch):
    """MariaDB starts to follow by itself where a file says whom; it removes that file and waits for no disk."""
    with cut_disk("data=writeback,noauto_da_alloc,commit=300", size=2 << 30) as disk:
        monkeypatch.setenv("XDG_CACHE_HOME", str(disk.folder / "cache"))
        data = disk.folder / "data"
        with ServerProcess(data, "--tls-port", "0", log=tmp_path / "log") as server:
            rds = server.client("rds")
            source = made(rds, "mariadb", BackupRetentionPeriod=1)["DBInstanceIdentifier"]
            rds.create_db_instance_read_replica(
                DBInstanceIdentifier="copy", SourceDBInstanceIdentifier=source
            )
            seen = SeenDatabases(data, [available(rds, "copy")])
            says = seen.specs["copy"].folder / "data" / "master.info"
            durable.sync_tree(disk.folder)
            assert says.exists()
            seen.engine.copies.promote(seen.specs["copy"])
            disk.cut()
            server.kill()
        disk.back()
        assert not says.exists()


def answers(connect):
    """Whether somebody is let in."""
    try:
        connect().close()
    except ERRORS:
        return False
    return True


def state_of(rds, snapshot):
    """The status of a snapshot."""
    return rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)["DBSnapshots"][0]["Status"]
