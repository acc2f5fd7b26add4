"""Supervision against who takes an instance away: whichever comes first, no process is left that nobody knows of."""

import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

from coldframe.services.rds import lookup, probing
from coldframe.services.rds.databases import Databases
from tests.journeys.process import ServerProcess, until
from tests.journeys.writers import Writers, connector, prepare
from tests.server_fixtures import running_server
from tests.services.rds.conftest import PASSWORD, made, remove_all

pytestmark = pytest.mark.xdist_group("supervision")


@pytest.fixture
def server():
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    with running_server(folder / "data", dev=True) as running:
        yield running
        remove_all(running.client("rds"))
    shutil.rmtree(folder)


def processes_of(word):
    """The processes that have a word among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if word.encode() in words:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("engine", ["mariadb", "postgres"])
@pytest.mark.parametrize("way", ["deleted", "reset"])
def test_an_endpoint_that_is_started_while_its_instance_goes_is_not_left_behind(
    server, monkeypatch, engine, way
):
    """Supervision has decided to start it, and does so between the end of the old process and the removal of its folder."""
    rds = server.client("rds")
    instance = made(rds, engine)
    databases = server.installation.parts.get(Databases)
    with server.installation.store.read() as transaction:
        records = transaction.records(server.account, "us-east-1")
        endpoint = lookup.endpoint_of(records, lookup.by_resource(records, instance["DbiResourceId"]))
    door, endpoints = databases.door(endpoint), databases.endpoints(engine)
    decided, go, started = threading.Event(), threading.Event(), threading.Event()
    start, destroy = endpoints.start, databases.engine(engine).destroy

    def starting(spec, target):
        decided.set()
        assert go.wait(30)
        try:
            return start(spec, target)
        finally:
            started.set()
            # Who takes the instance away has time to remove the folder, if nothing keeps it from that.
            gone = time.monotonic() + 2
            while spec.folder.exists() and time.monotonic() < gone:
                time.sleep(0.01)

    def destroying(spec):
        destroy(spec)
        go.set()
        assert started.wait(30)

    monkeypatch.setattr(endpoints, "start", starting)
    monkeypatch.setattr(databases.engine(engine), "destroy", destroying)
    os.kill(endpoints.status(door).pid, signal.SIGKILL)
    assert decided.wait(30), "supervision did not see that the endpoint ended"
    if way == "deleted":
        rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)
        until(lambda: not rds.describe_db_instances()["DBInstances"])
    else:
        server.assembly.reset()
    until(lambda: not processes_of(endpoint.id), 10)
    assert not door.folder.exists()


@pytest.mark.parametrize("engine", ["mariadb", "postgres"])
def test_a_look_in_the_midst_of_a_reset_brings_nothing_back(server, monkeypatch, engine):
    """The engines are emptied before the records are: whoever looks in between finds neither."""
    from coldframe.services.rds import supervision  # which the server has loaded by its jobs

    instance = made(server.client("rds"), engine)
    folder = server.installation.settings.data_dir / "databases"
    store = server.installation.store
    empty, seen = store.empty, []

    def emptying():
        supervision.watch(server.installation)
        with store.read() as transaction:
            records = transaction.records(server.account, "us-east-1")
            seen.append(lookup.by_resource(records, instance["DbiResourceId"]))
        empty()

    monkeypatch.setattr(store, "empty", emptying)
    server.assembly.reset()
    assert seen == [None]
    assert not (folder / instance["DbiResourceId"]).exists()
    assert not (folder / "endpoints").exists()


@pytest.mark.parametrize("engine", ["mariadb", "postgres"])
def test_an_instance_that_hangs_is_started_anew_and_one_that_is_slow_is_not(server, monkeypatch, engine):
    for name, seconds in (("EVERY", 0.5), ("ANSWER", 4.0), ("WRITE", 20.0), ("AGAIN", 2.0)):
        monkeypatch.setattr(probing, name, seconds)
    rds = server.client("rds")
    instance = made(rds, engine, DBName="app")
    name = instance["DBInstanceIdentifier"]
    databases = server.installation.parts.get(Databases)
    with server.installation.store.read() as transaction:
        row = lookup.by_resource(transaction.records(server.account, "us-east-1"), instance["DbiResourceId"])
    runs, spec = databases.engine(engine), databases.spec(row)
    pid = runs.reattach(spec).pid

    def told():
        found = rds.describe_events(SourceIdentifier=name, SourceType="db-instance")["Events"]
        return [each["Message"] for each in found]

    connect = connector(instance, PASSWORD)
    prepare(connect, engine, 4)
    with Writers(connect, 4) as writers:
        until(lambda: writers.written > 50)
        os.kill(pid, signal.SIGSTOP)
        # As long as it may be silent, and then for less than it has when it is asked again.
        time.sleep(5.0)
        os.kill(pid, signal.SIGCONT)
        written = writers.written
        until(lambda: writers.written > written + 50)
        assert not writers.errors, writers.errors[:3]
        assert runs.reattach(spec).pid == pid
        os.kill(pid, signal.SIGSTOP)
        until(lambda: "Recovery of the DB instance is complete." in told())
        assert runs.reattach(spec).pid != pid
        written = writers.written
        until(lambda: writers.written > written + 50)
    writers.check()
    (why,) = [each for each in told() if "has not answered" in each]
    assert why.startswith(f"Error restarting {engine}: it has not answered for ")


def test_an_endpoint_that_was_killed_while_the_server_was_down_is_back_at_its_address():
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    with ServerProcess(folder / "data") as server:
        instance = made(server.client("rds"), "postgres", DBName="app")
    (record,) = (folder / "data" / "databases" / "endpoints").glob("*/process.json")
    os.kill(json.loads(record.read_bytes())["pid"], signal.SIGKILL)
    connect = connector(instance, PASSWORD)
    with pytest.raises(psycopg.OperationalError):
        connect()

    def lets_in():
        with contextlib.suppress(psycopg.OperationalError), contextlib.closing(connect()) as session:
            return session.execute("SELECT current_database()").fetchone() == ("app",)

    with ServerProcess(folder / "data") as server:
        try:
            until(lets_in, 30)
        finally:
            remove_all(server.client("rds"))
    shutil.rmtree(folder)
