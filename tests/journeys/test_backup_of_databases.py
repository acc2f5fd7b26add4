"""`coldframe backup` of a server whose databases are written to and changed meanwhile, and a server on the copy elsewhere."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
from functools import partial
from pathlib import Path

import pytest

from coldframe.core.backup import BackupError
from coldframe.core.config import Settings
from coldframe.core.store import StoreError
from coldframe.server.backup import back_up, check
from coldframe.services.rds import snapshotting, stopping, whole_copies
from coldframe.services.rds.blue_green import switchover
from coldframe.services.rds.clusters import failover
from tests.journeys.process import until
from tests.journeys.writers import ERRORS, connector, session
from tests.server_fixtures import running_server
from tests.services.rds.clusters import (
    Behind,
    at_cluster,
    cluster_of,
    made_cluster,
    remove_clusters,
    settled_cluster,
)
from tests.services.rds.conftest import PASSWORD, available, deployment_of, described, made, remove_all

pytestmark = [pytest.mark.xdist_group("backup"), pytest.mark.timeout(600)]


class Writer:
    """Inserts one number after another until it is ended; `acknowledged` is the last that was committed."""

    def __init__(self, connect):
        self.connect, self.acknowledged, self._end = connect, 0, threading.Event()
        self._thread = threading.Thread(target=self._write)
        with session(connect) as cursor:
            cursor.execute("CREATE TABLE written (n INT PRIMARY KEY)")

    def _write(self):
        with session(self.connect) as cursor:
            # Not faster: whatever is written is replayed in the end.
            while not self._end.wait(0.05):
                cursor.execute(f"INSERT INTO written VALUES ({self.acknowledged + 1})")
                self.acknowledged += 1

    def __enter__(self):
        self._thread.start()
        until(lambda: self.acknowledged > 3)
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


@pytest.fixture
def folder():
    """A folder that the account of the databases reaches (tests/services/rds/conftest.py)."""
    made_folder = Path(tempfile.mkdtemp(prefix="cf-"))
    yield made_folder
    shutil.rmtree(made_folder)


def numbers(connect):
    """What is in the table; None while nobody answers."""
    try:
        with session(connect) as cursor:
            cursor.execute("SELECT n FROM written ORDER BY n")
            return [row[0] for row in cursor.fetchall()]
    except ERRORS:
        return None


def insert(connect, number):
    with session(connect) as cursor:
        cursor.execute(f"INSERT INTO written VALUES ({number})")


def to_instance(rds, name, database="app"):
    return connector({**described(rds, name), "DBName": database}, PASSWORD)


def to_cluster(rds, name):
    return connector(at_cluster(cluster_of(rds, name)), PASSWORD)


def ended(server, folder):
    """End the databases of a server that has ended, and see that nothing of the copy needs the original."""
    settings = Settings(data_dir=folder / "data", cache_dir=server.installation.settings.cache_dir)
    assert stopping.stop_all(settings, lambda *_: None)
    (folder / "data").rename(folder / "away")


@contextlib.contextmanager
def restored(server, folder):
    """A server on the copy; its databases are deleted in the end."""
    root = (server.account, server.access_key_id, server.secret_access_key)
    with running_server(folder / "copy", root=root) as again:
        try:
            yield again, again.client("rds")
        finally:
            remove_clusters(again.client("rds"))
            remove_all(again.client("rds"))


def test_nothing_committed_before_is_missing_and_everybody_follows_again(folder):
    with running_server(folder / "data") as server:
        rds = server.client("rds")
        for engine in ("mariadb", "postgres"):
            made(rds, engine, DBInstanceIdentifier=engine, DBName="app", BackupRetentionPeriod=1)
        made_cluster(rds, "mariadb", DBClusterIdentifier="cm")
        made_cluster(rds, "aurora-postgresql", DBClusterIdentifier="cp")
        connects = {name: to_instance(rds, name) for name in ("mariadb", "postgres")}
        connects |= {name: to_cluster(rds, name) for name in ("cm", "cp")}
        writers = {name: Writer(connect) for name, connect in connects.items()}
        rds.create_db_instance_read_replica(
            DBInstanceIdentifier="mariadb-r", SourceDBInstanceIdentifier="mariadb"
        )
        available(rds, "mariadb-r")
        arn = described(rds, "postgres")["DBInstanceArn"]
        found = rds.create_blue_green_deployment(BlueGreenDeploymentName="d", Source=arn)
        deployment = found["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
        until(lambda: deployment_of(rds, deployment)["Status"] == "AVAILABLE", 120)
        greens = [
            row["DBInstanceIdentifier"]
            for row in rds.describe_db_instances()["DBInstances"]
            if "-green-" in row["DBInstanceIdentifier"]
        ]
        with contextlib.ExitStack() as stack:
            for writer in writers.values():
                stack.enter_context(writer)
            # It is waited for, and in the copy the other one is the writer.
            rds.failover_db_cluster(DBClusterIdentifier="cp")
            before = {name: writer.acknowledged for name, writer in writers.items()}
            back_up(folder / "data", folder / "copy")
        check(folder / "copy")
        with pytest.raises(StoreError, match="coldframe engines stop"), running_server(folder / "copy"):
            pass
    ended(server, folder)
    with restored(server, folder) as (again, rds):
        with pytest.raises(BackupError, match="a server was started"):
            check(folder / "copy")
        copies = {}
        for name, connect in connects.items():
            rows = until(partial(numbers, connect), 60)
            # Of what was written during the backup nothing is missing in the midst.
            assert rows == list(range(1, len(rows) + 1))
            assert len(rows) >= before[name]
            until(partial(_writes, connect, 1_000_000), 60)
            copies[name] = [*rows, 1_000_000]
        for name in ("mariadb-r", *greens):
            wanted = copies["mariadb" if name.startswith("mariadb") else "postgres"]
            until(lambda name=name, wanted=wanted: numbers(to_instance(rds, name)) == wanted, 60)
        assert (
            next(each for each in cluster_of(rds, "cp")["DBClusterMembers"] if each["IsClusterWriter"])[
                "DBInstanceIdentifier"
            ]
            == "cp-b"
        )
        for name in ("cm", "cp"):
            Behind(again, name).promotable(1)
            reader = next(
                each["DBInstanceIdentifier"]
                for each in cluster_of(rds, name)["DBClusterMembers"]
                if not each["IsClusterWriter"]
            )
            until(lambda reader=reader, name=name: numbers(to_instance(rds, reader)) == copies[name], 60)
        _restores_to_a_moment(rds, copies)


def _writes(connect, number):
    """Write a row, once the database is there and writable; tells whether it has it."""
    with contextlib.suppress(*ERRORS):
        insert(connect, number)
    return number in (numbers(connect) or [])


def _restores_to_a_moment(rds, copies):
    """The archive goes on where it ended, and the log of the copy fits it."""
    for engine in ("mariadb", "postgres"):
        available(rds, engine)
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=engine,
            TargetDBInstanceIdentifier=f"{engine}-then",
            UseLatestRestorableTime=True,
        )
    for engine in ("mariadb", "postgres"):
        until(lambda engine=engine: described(rds, f"{engine}-then")["DBInstanceStatus"] == "available", 180)
        assert numbers(to_instance(rds, f"{engine}-then")) == copies[engine]


def test_jobs_under_way_go_on_in_the_copy(folder, monkeypatch):
    """A failover before its decision, a switchover after it and a snapshot are held between two of their steps."""
    reached, go_on = set(), threading.Event()

    def held(module, name):
        act = getattr(module, name)

        def step(*args):
            result = act(*args)
            if not go_on.is_set():
                reached.add(name)
                assert go_on.wait(120)
            return result

        monkeypatch.setattr(module, name, step)

    # The backup would wait for the first two: they are taken for jobs that never end.
    monkeypatch.setattr(whole_copies, "_PAUSES", frozenset())
    monkeypatch.setattr(whole_copies, "_STEP", 120.0)
    with running_server(folder / "data") as server:
        rds = server.client("rds")
        made(rds, "mariadb", DBInstanceIdentifier="blue", DBName="app", BackupRetentionPeriod=1)
        made(rds, "mariadb", DBInstanceIdentifier="kept", DBName="app")
        made_cluster(rds, "aurora-postgresql", DBClusterIdentifier="cp")
        connects = {name: to_instance(rds, name) for name in ("blue", "kept")} | {"cp": to_cluster(rds, "cp")}
        for connect in connects.values():
            with session(connect) as cursor:
                cursor.execute("CREATE TABLE written (n INT PRIMARY KEY)")
            insert(connect, 1)
        Behind(server, "cp").promotable(1)
        found = rds.create_blue_green_deployment(
            BlueGreenDeploymentName="d", Source=described(rds, "blue")["DBInstanceArn"]
        )
        deployment = found["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
        until(lambda: deployment_of(rds, deployment)["Status"] == "AVAILABLE", 120)
        for connect in connects.values():
            insert(connect, 2)
        held(failover, "_let_go")
        held(snapshotting, "_copy")
        held(switchover, "_promote")
        rds.failover_db_cluster(DBClusterIdentifier="cp")
        rds.create_db_snapshot(DBSnapshotIdentifier="s", DBInstanceIdentifier="kept")
        rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=deployment)
        until(lambda: reached == {"_let_go", "_copy", "_promote"}, 60)
        backup = threading.Thread(target=back_up, args=(folder / "data", folder / "copy"))
        backup.start()
        until(lambda: _closed(folder / "data" / "databases" / "jobs.turn"), 30)
        go_on.set()
        backup.join()
        check(folder / "copy")
    ended(server, folder)
    with restored(server, folder) as (again, rds):
        settled_cluster(rds, "cp")
        until(lambda: deployment_of(rds, deployment)["Status"] == "SWITCHOVER_COMPLETED", 60)
        snapshot = rds.get_waiter("db_snapshot_available")
        snapshot.wait(DBSnapshotIdentifier="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        for connect in connects.values():
            until(partial(_writes, connect, 3), 60)
            assert numbers(connect) == [1, 2, 3]
        assert len(Behind(again, "cp").writable()) == 1
        Behind(again, "cp").promotable(1)
        assert described(rds, "blue-old1")
        with pytest.raises(ERRORS):
            insert(to_instance(rds, "blue-old1"), 4)


def _closed(turn):
    descriptor = os.open(turn, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
