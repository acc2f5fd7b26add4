"""A disk that fills up while a green side is made, or during a switchover: every acknowledged row is there once, whichever disk.

Blue, green and the server's own store lie on file systems of their own that are small. What happens ends rolled back or
rolled forward, says why, and works again once there is space.
"""

import contextlib
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from coldframe.core import ids
from coldframe.core.store import StoreUnavailable
from coldframe.engines.database import DatabaseError
from coldframe.services.rds import replicating
from coldframe.services.rds.blue_green import guardrails, provisioning, switchover
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Event
from tests.journeys.process import small_filesystem, until
from tests.journeys.writers import Writers
from tests.server_fixtures import running_server
from tests.services.rds.conftest import described, made, remove_all, settled, wanted
from tests.services.rds.deployments import Story, at

ENGINES = ["mariadb", "postgres"]
pytestmark = [pytest.mark.xdist_group("full-disk"), pytest.mark.timeout(600)]


class Disk:
    """A small file system that can be filled to its last byte and freed again."""

    def __init__(self, folder):
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self):
        with contextlib.suppress(OSError), self.ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self):
        self.ballast.unlink(missing_ok=True)

    def size(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True)


@pytest.fixture
def folder():
    found = Path(tempfile.mkdtemp(prefix="cf-"))
    yield found
    shutil.rmtree(found)


@pytest.fixture
def disks(folder):
    """A disk for blue, one for green, one for the server's own store."""
    with contextlib.ExitStack() as stack:
        yield {
            name: Disk(stack.enter_context(small_filesystem(folder / name, size)))
            for name, size in (("blue", "400m"), ("green", "400m"), ("store", "24m"))
        }


@pytest.fixture
def server(folder, disks, monkeypatch):
    """A server whose databases lie on the disk that is theirs: copies on green's, the others on blue's."""
    with running_server(disks["store"].folder / "data") as running:
        databases = running.installation.parts.get(Databases)
        databases.root = folder / "databases"
        spec, greens = databases.spec, set()

        def placed(instance):
            if instance.source:
                greens.add(instance.resource_id)
            disk = disks["green" if instance.resource_id in greens else "blue"]
            made = spec(instance)
            return type(made)(**{**{name: getattr(made, name) for name in made.__struct_fields__},
                                 "folder": disk.folder / instance.resource_id})  # fmt: skip

        monkeypatch.setattr(databases, "spec", placed)
        try:
            yield running
        finally:
            for disk in disks.values():
                disk.free()
            remove_all(running.client("rds"))


@pytest.fixture
def rds(server):
    return server.client("rds")


def fill_store(server, disk):
    """Fill the disk of the store, and what SQLite has kept for itself, until a record is refused."""
    disk.fill()
    with contextlib.suppress(StoreUnavailable):
        while True:
            with server.installation.store.write() as transaction:
                records = transaction.records("999999999999", "us-east-1")
                records.add(
                    Event(at=1, id=ids.hexadecimal(12), source="x" * 4000, kind="filler", arn="", message="",
                          categories=[])
                )  # fmt: skip


# Whose disk is full from which step on.
FULL = [
    ("blue", "_catch_up"),
    ("green", "_arm"),
    ("green", "_catch_up"),
    ("green", "_promote"),
    ("store", "_hold"),
    ("store", "_promote"),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("whose", "step"), FULL)
def test_a_disk_that_fills_up_during_a_switchover(server, rds, disks, monkeypatch, engine, whose, step):
    story, full = Story(server, rds, engine), threading.Event()

    def fill():
        if whose == "store":
            fill_store(server, disks["store"])
        else:
            disks[whose].fill()
        full.set()

    at(monkeypatch, switchover, step, fill)
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 100)
        story.begin(timeout=60)
        assert full.wait(30)
        # It may end by itself, or wait for space.
        with contextlib.suppress(AssertionError):
            until(lambda: story.now()["Status"] != "SWITCHOVER_IN_PROGRESS", 4)
        disks[whose].free()
        found = settled(rds, story.id)
        if found["Status"] == "SWITCHOVER_FAILED":
            until(lambda: story.writable(story.blue), 90)
            story.rolled_back(found)
            assert any("was canceled due to" in message for message in story.events())
        else:
            story.rolled_forward(found)
        written = writers.written
        # MariaDB looks for space once a minute.
        until(lambda: writers.written > written + 100, 90)
        if found["Status"] == "SWITCHOVER_FAILED":
            monkeypatch.setattr(switchover, step, getattr(switchover, step))
            until(story.caught_up, 90)
            story.rolled_forward(story.switch())
            written = writers.written
            until(lambda: writers.written > written + 100, 90)
    writers.check()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("whose", ["blue", "green", "store"])
def test_a_switchover_does_not_begin_on_a_disk_that_is_almost_full(
    server, rds, disks, monkeypatch, engine, whose
):
    story = Story(server, rds, engine)
    monkeypatch.setattr(guardrails, "ROOM", 4 * 1024 * 1024)
    disks[whose].fill()
    if whose == "store":
        # Room enough to say so.
        with disks[whose].ballast.open("r+b") as file:
            file.truncate(disks[whose].ballast.stat().st_size - 2 * 1024 * 1024)
    elif whose == "blue":
        with disks[whose].ballast.open("r+b") as file:
            file.truncate(disks[whose].ballast.stat().st_size - 3 * 1024 * 1024)
    found = story.switch()
    assert found["Status"] == "AVAILABLE", found
    assert "free storage of" in found["StatusDetails"]
    disks[whose].free()
    story.rolled_forward(story.switch())


@pytest.mark.parametrize("engine", ENGINES)
def test_green_that_does_not_fit(server, rds, disks, engine):
    disks["green"].size("16m")
    story = Story(server, rds, engine, ready=False)
    with Writers(story.connect) as writers:
        found = settled(rds, story.id)
        assert found["Status"] == "INVALID_CONFIGURATION", found
        assert "space" in found["StatusDetails"].lower(), found
        assert any(
            message.startswith("Creation of blue/green deployment failed because")
            for message in story.events()
        )
        written = writers.written
        until(lambda: writers.written > written + 100)
    assert not writers.errors, writers.errors[:5]
    writers.check()
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id, DeleteTarget=True)
    until(lambda: len(rds.describe_db_instances()["DBInstances"]) == 1, 60)
    disks["green"].size("400m")
    again = rds.create_blue_green_deployment(
        BlueGreenDeploymentName="again", Source=story.blue["DBInstanceArn"]
    )["BlueGreenDeployment"]
    done = settled(rds, again["BlueGreenDeploymentIdentifier"])
    assert done["Status"] == "AVAILABLE", done
    assert described(rds, done["Target"])["DBInstanceStatus"] == "available"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_store_that_fills_up_while_green_is_made(server, rds, disks, monkeypatch, engine):
    full = threading.Event()

    def fill():
        fill_store(server, disks["store"])
        full.set()

    at(monkeypatch, replicating, "copy", fill)
    assert provisioning.replicating is replicating
    story = Story(server, rds, engine, ready=False)
    with Writers(story.connect) as writers:
        assert full.wait(60)
        written = writers.written
        until(lambda: writers.written > written + 100)
        assert story.now()["Status"] == "PROVISIONING"
        disks["store"].free()
        found = settled(rds, story.id)
        assert found["Status"] == "AVAILABLE", found
    assert not writers.errors, writers.errors[:5]
    writers.check()


def test_a_snapshot_that_takes_the_last_room_gives_it_back(server, rds, disks, monkeypatch):
    """On the disk of the store: were half a snapshot left there, not even could it be written down that it failed."""
    instance = made(rds, "mariadb")["DBInstanceIdentifier"]
    databases, folders = server.installation.parts.get(Databases), []

    def placed(snapshot):
        return disks["store"].folder / "snapshots" / snapshot.folder

    def half(_, folder):
        folders.append(folder)
        (folder / "half").write_bytes(bytes(2 << 20))
        fill_store(server, disks["store"])
        raise DatabaseError("No space left on device", "see that there is space on the disk")

    monkeypatch.setattr(databases, "copy_of", placed)
    monkeypatch.setattr(databases.engine("mariadb").backups, "back_up", half)
    rds.create_db_snapshot(DBInstanceIdentifier=instance, DBSnapshotIdentifier="s")

    def found():
        return rds.describe_db_snapshots(DBSnapshotIdentifier="s")["DBSnapshots"][0]

    until(lambda: found()["Status"] == "failed", 20)
    until(lambda: described(rds, instance)["DBInstanceStatus"] == "available", 20)
    assert not folders[0].exists()
    assert any(
        "No space left on device" in event["Message"] for event in rds.describe_events(Duration=60)["Events"]
    )


def test_an_instance_that_did_not_start_keeps_no_room(server, rds, disks, monkeypatch):
    """Its log was laid in and its tables did not fit: all that is left to do is to delete it."""
    laid_in = []

    def start(spec):
        laid_in.append((spec.folder / "data").is_dir())
        raise DatabaseError("No space left on device", "see that there is space on the disk")

    monkeypatch.setattr(server.installation.parts.get(Databases).engine("mariadb"), "start", start)
    row = rds.create_db_instance(**wanted("mariadb"))["DBInstance"]
    until(lambda: described(rds, row["DBInstanceIdentifier"])["DBInstanceStatus"] == "failed", 20)
    assert laid_in == [True]
    assert not (disks["blue"].folder / row["DbiResourceId"]).exists()
