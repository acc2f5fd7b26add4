"""`coldframe backup` of encrypted databases: nothing of them lies in it in clear, and a server on it has every row."""

import mmap
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest

from coldframe.core.backup import BackupError
from coldframe.core.store import StoreError
from coldframe.engines.encrypted_folders import key_of, locked
from coldframe.server.backup import back_up, check
from coldframe.services.rds.records import Snapshot
from coldframe.services.rds.sealed_trees import sealed_files
from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import until
from tests.journeys.test_backup_of_databases import ended, insert, numbers, restored, to_cluster, to_instance
from tests.journeys.writers import session
from tests.server_fixtures import running_server
from tests.services.rds.clusters import Behind, cluster_of, made_cluster
from tests.services.rds.conftest import available, described, made

pytestmark = [needs_root, pytest.mark.xdist_group("backup"), pytest.mark.timeout(600)]
MARKER = "a row that lies nowhere in clear"


@pytest.fixture
def disk():
    with cut_disk(size=4 << 30, features="encrypt") as made_disk:
        yield made_disk


@pytest.fixture
def clear():
    """A folder on the machine's own disk."""
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    yield folder
    shutil.rmtree(folder)


def fill(connect):
    with session(connect) as cursor:
        cursor.execute("CREATE TABLE written (n INT PRIMARY KEY)")
        cursor.execute("CREATE TABLE marked (note VARCHAR(100))")
        cursor.execute(f"INSERT INTO marked VALUES ('{MARKER}')")
    insert(connect, 1)


def has_rows(connect):
    """Whether the rows of `fill` are there; False while nobody answers."""
    if numbers(connect) != [1]:
        return False
    with session(connect) as cursor:
        cursor.execute("SELECT note FROM marked")
        return [row[0] for row in cursor.fetchall()] == [MARKER]


def in_clear(folder):
    """The files in which the marker lies as it was written."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
                if content.find(MARKER.encode()) >= 0:
                    found.append(str(path.relative_to(folder)))
    return found


def test_nothing_of_an_encrypted_database_is_in_the_backup_in_clear_and_a_server_on_it_has_every_row(
    disk, clear
):
    data, copy, again = disk.folder / "data", clear / "copy", disk.folder / "copy"
    with running_server(data) as server:
        rds = server.client("rds")
        connects = _databases(server, rds)
        with session(to_instance(rds, "open")) as cursor:
            cursor.execute("CREATE TABLE marked (note VARCHAR(100))")
            cursor.execute(f"INSERT INTO marked VALUES ('{MARKER}')")
        open_one = described(rds, "open")["DbiResourceId"]
        back_up(data, copy)
        found = {name.split("/")[1] for name in in_clear(copy)}
        # The one in clear is found: looking would have told.
        assert found == {open_one}
        _, absent = check(copy)
        assert absent == ["shut"]
        # What was open for the backup alone is closed again.
        assert not list((data / "databases" / "staged").iterdir())
        until(lambda: _closed(server, "last"), 10)
    ended(server, disk.folder)
    with pytest.raises(StoreError, match="encrypted databases"), running_server(copy):
        pass
    shutil.copytree(copy, again, symlinks=True)
    damaged = next(iter((again / "databases").glob("*.sealed")))
    _flip(damaged)
    with pytest.raises(BackupError, match="has changed since"):
        check(again)
    with pytest.raises(StoreError, match="could not be unpacked"), running_server(again):
        pass
    _flip(damaged)
    with restored(server, disk.folder) as (_, rds):
        for connect in connects.values():
            until(partial(has_rows, connect), 60)
        rds.restore_db_instance_from_db_snapshot(DBSnapshotIdentifier="last", DBInstanceIdentifier="again")
        available(rds, "again")
        until(partial(has_rows, to_instance(rds, "again")), 60)
        reader = next(
            each["DBInstanceIdentifier"]
            for each in cluster_of(rds, "cm")["DBClusterMembers"]
            if not each["IsClusterWriter"]
        )
        until(partial(has_rows, to_instance(rds, reader)), 60)
        folders = list((again / "databases").glob("db-*"))
        assert [path.name for path in folders if key_of(path) is None] == [open_one]
        assert not sealed_files(again / "databases")


def _databases(server, rds):
    """Make what is backed up; returns how the databases are reached that are to be there again."""
    encrypted = {"DBName": "app", "StorageEncrypted": True}
    for engine in ("mariadb", "postgres"):
        made(rds, engine, DBInstanceIdentifier=engine, BackupRetentionPeriod=1, **encrypted)
    key = server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    for name, more in (("gone", {}), ("shut", {"KmsKeyId": key})):
        made(rds, "mariadb", DBInstanceIdentifier=name, **encrypted, **more)
    made(rds, "mariadb", DBInstanceIdentifier="open", DBName="app")
    made_cluster(rds, "mariadb", DBClusterIdentifier="cm", StorageEncrypted=True)
    connects = {name: to_instance(rds, name) for name in ("mariadb", "postgres")} | {
        "cm": to_cluster(rds, "cm")
    }
    for connect in (*connects.values(), to_instance(rds, "gone")):
        fill(connect)
    # Of one nothing but a snapshot is left, whose key the kernel does not have; that of another one KMS does not give.
    rds.delete_db_instance(DBInstanceIdentifier="gone", FinalDBSnapshotIdentifier="last")
    rds.stop_db_instance(DBInstanceIdentifier="shut")
    rds.get_waiter("db_instance_deleted").wait(
        DBInstanceIdentifier="gone", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    until(lambda: described(rds, "shut")["DBInstanceStatus"] == "stopped", 60)
    server.client("kms").disable_key(KeyId=key)
    Behind(server, "cm").promotable(1)
    assert _closed(server, "last")
    return connects


def _closed(server, snapshot):
    with server.installation.store.read() as transaction:
        row = transaction.records(server.account, "us-east-1").get(Snapshot, snapshot)
    return locked(server.installation.settings.data_dir / "databases", row.encryption.name)


def _flip(file):
    with file.open("r+b") as content:
        content.seek(-1, os.SEEK_END)
        (last,) = content.read(1)
        content.seek(-1, os.SEEK_END)
        content.write(bytes([last ^ 1]))
