"""`coldframe backup` of encrypted databases: nothing of them lies in it in clear, and a server on it has every row."""

import mmap
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest

from coldframe.core.store import StoreError
from coldframe.server.backup import back_up, check
from tests.journeys.power import cut_disk, needs_root
from tests.journeys.process import until
from tests.journeys.test_backup_of_databases import ended, insert, numbers, restored, to_instance
from tests.journeys.writers import session
from tests.server_fixtures import running_server
from tests.services.rds.conftest import available, made

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
    if numbers(connect) is None:
        return None
    with session(connect) as cursor:
        cursor.execute("SELECT note FROM marked")
        return cursor.fetchall() == ((MARKER,),) or cursor.fetchall() == []


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
        connects = {}
        for engine in ("mariadb", "postgres"):
            made(
                rds,
                engine,
                DBInstanceIdentifier=engine,
                DBName="app",
                BackupRetentionPeriod=1,
                StorageEncrypted=True,
            )
            connects[engine] = to_instance(rds, engine)
        made(rds, "mariadb", DBInstanceIdentifier="open", DBName="app")
        for connect in connects.values():
            fill(connect)
        fill(to_instance(rds, "open"))
        for engine in connects:
            rds.create_db_snapshot(DBSnapshotIdentifier=f"s-{engine}", DBInstanceIdentifier=engine)
        for engine in connects:
            rds.get_waiter("db_snapshot_available").wait(
                DBSnapshotIdentifier=f"s-{engine}", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
            available(rds, engine)
        secret = {
            rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DbiResourceId"]
            for name in connects
        }
        back_up(data, copy)
        found = in_clear(copy)
        # The one in clear is found: looking would have told.
        assert any(name.startswith("databases/db-") for name in found)
        assert not [
            name for name in found if name.split("/")[1] in secret or not name.startswith("databases/db-")
        ]
        check(copy)
        assert not list((data / "databases" / "staged").iterdir())
    ended(server, disk.folder)
    with pytest.raises(StoreError, match="encrypted databases"), running_server(copy):
        pass
    shutil.copytree(copy, again, symlinks=True)
    with restored(server, disk.folder) as (_, rds):
        for connect in connects.values():
            until(partial(has_rows, connect), 60)
