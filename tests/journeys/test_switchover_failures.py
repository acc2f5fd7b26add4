"""A switchover during which something dies, or that takes too long: rolled back or done, with every acknowledged row once.

Eight writers write through the real endpoint all the while. A database or the endpoint is killed at the step that a test
names; the guardrails are tried one by one.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

import psycopg
import pymysql
import pytest
from botocore.exceptions import ClientError

from coldframe.services.rds import lookup
from coldframe.services.rds.blue_green import switchover
from coldframe.services.rds.databases import Databases
from tests.journeys.process import until
from tests.journeys.writers import Writers, connector, prepare, session
from tests.server_fixtures import running_server
from tests.services.rds.conftest import (
    PASSWORD,
    available,
    code_of,
    deployment_of,
    described,
    made,
    remove_all,
    settled,
)

pytestmark = pytest.mark.xdist_group("switchover")


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    with running_server(folder / "data") as running:
        try:
            yield running
        finally:
            remove_all(running.client("rds"))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def rds(server):
    return server.client("rds")


class Story:
    """A blue database with tables, its deployment, and ways to look at and to kill what is behind them."""

    def __init__(self, server, rds, engine="mariadb", **more):
        self.server, self.rds = server, rds
        self.blue = made(rds, engine, DBName="app", BackupRetentionPeriod=1)
        self.name = self.blue["DBInstanceIdentifier"]
        self.connect = connector(self.blue, PASSWORD)
        prepare(self.connect, engine, 8)
        answer = rds.create_blue_green_deployment(
            BlueGreenDeploymentName=f"of-{self.name}", Source=self.blue["DBInstanceArn"], **more
        )
        self.id = answer["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
        self.deployment = settled(rds, self.id)
        assert self.deployment["Status"] == "AVAILABLE", self.deployment
        self.green = described(rds, self.deployment["Target"])

    def row(self, side):
        with self.server.installation.store.read() as transaction:
            records = transaction.records(self.server.account, "us-east-1")
            return lookup.by_resource(records, side["DbiResourceId"])

    def engine(self, side):
        databases, row = self.server.installation.parts.get(Databases), self.row(side)
        return databases.engine(row.engine), databases.spec(row)

    def writable(self, side):
        engine, spec = self.engine(side)
        status = engine.status(spec)
        return status.state == "running" and not status.read_only

    def kill(self, side):
        engine, spec = self.engine(side)
        os.kill(engine.status(spec).running.pid, signal.SIGKILL)

    def switch(self, timeout=300):
        self.rds.switchover_blue_green_deployment(
            BlueGreenDeploymentIdentifier=self.id, SwitchoverTimeout=timeout
        )
        return settled(self.rds, self.id)

    def rolled_back(self, found):
        assert found["Status"] == "SWITCHOVER_FAILED", found
        assert found["StatusDetails"].startswith("The switchover was rolled back"), found
        assert self.writable(self.blue)
        assert not self.writable(self.green)
        assert described(self.rds, self.name)["DbiResourceId"] == self.blue["DbiResourceId"]

    def rolled_forward(self, found):
        assert found["Status"] == "SWITCHOVER_COMPLETED", found
        assert not self.writable(self.blue)
        assert self.writable(self.green)
        assert described(self.rds, self.name)["DbiResourceId"] == self.green["DbiResourceId"]


def at(monkeypatch, step, act, *, once=True):
    """Do something when the switchover comes to a step, before it."""
    original = getattr(switchover, step)
    happened = []

    def acting(*arguments):
        if not (happened and once):
            happened.append(1)
            act()
        return original(*arguments)

    monkeypatch.setattr(switchover, step, acting)


@pytest.mark.parametrize("engine", ["mariadb", "postgres"])
def test_writers_see_a_pause_and_nothing_else(server, rds, engine):
    story = Story(server, rds, engine)
    if engine == "postgres":
        with session(story.connect) as cursor:
            cursor.execute("SELECT nextval('numbers') FROM generate_series(1, 500)")
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 200)
        story.rolled_forward(story.switch())
        written = writers.written
        until(lambda: writers.written > written + 200)
    assert not writers.errors, writers.errors[:5]
    writers.check()
    if engine == "postgres":
        with session(story.connect) as cursor:
            cursor.execute("SELECT nextval('numbers')")
            assert cursor.fetchone()[0] > 500
    old = described(rds, f"{story.name}-old1")
    assert old["DbiResourceId"] == story.blue["DbiResourceId"]
    with pytest.raises((pymysql.err.Error, psycopg.Error)), session(connector(old, PASSWORD)) as cursor:
        cursor.execute("INSERT INTO counters VALUES (99, 0)")
    assert described(rds, story.name)["Endpoint"] == story.blue["Endpoint"]
    with pytest.raises(ClientError) as caught:
        rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id, DeleteTarget=True)
    assert code_of(caught) == "InvalidParameterCombination"


@pytest.mark.parametrize("engine", ["mariadb", "postgres"])
def test_green_dies_before_the_decision(server, rds, monkeypatch, engine):
    story = Story(server, rds, engine)
    at(monkeypatch, "_catch_up", lambda: story.kill(story.green))
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 100)
        story.rolled_back(story.switch())
        written = writers.written
        until(lambda: writers.written > written + 100)
    assert not writers.errors, writers.errors[:5]
    writers.check()


def test_blue_dies_while_nobody_may_write(server, rds, monkeypatch):
    story = Story(server, rds)
    at(monkeypatch, "_catch_up", lambda: story.kill(story.blue))
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 100)
        story.rolled_back(story.switch())
        written = writers.written
        until(lambda: writers.written > written + 100)
    writers.check()


def test_green_dies_after_the_decision(server, rds, monkeypatch):
    story = Story(server, rds)
    at(monkeypatch, "_promote", lambda: story.kill(story.green))
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 100)
        story.rolled_forward(story.switch())
        written = writers.written
        until(lambda: writers.written > written + 100)
    writers.check()


def test_the_endpoint_dies_while_it_holds(server, rds, monkeypatch):
    story = Story(server, rds)
    databases = server.installation.parts.get(Databases)

    def kill():
        with server.installation.store.read() as transaction:
            records = transaction.records(server.account, "us-east-1")
            door = databases.door(lookup.endpoint_of(records, story.row(story.blue)))
        os.kill(databases.endpoints("mariadb").status(door).pid, signal.SIGKILL)

    at(monkeypatch, "_catch_up", kill)
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 100)
        found = story.switch()
        story.rolled_forward(found)
        written = writers.written
        until(lambda: writers.written > written + 100)
    writers.check()


def test_a_switchover_that_takes_too_long_is_rolled_back(server, rds, monkeypatch):
    story = Story(server, rds)
    at(monkeypatch, "_in_time", lambda: server.clock.advance(400))
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 100)
        found = story.switch(timeout=30)
        story.rolled_back(found)
        assert "time limit" in found["StatusDetails"]
        written = writers.written
        until(lambda: writers.written > written + 100)
        monkeypatch.undo()
        story.rolled_forward(story.switch())
    assert not writers.errors, writers.errors[:5]
    writers.check()


def test_a_replica_is_switched_over_with_its_primary(server, rds):
    blue = made(rds, DBName="app", BackupRetentionPeriod=1)
    name = blue["DBInstanceIdentifier"]
    rds.create_db_instance_read_replica(DBInstanceIdentifier=f"{name}-r", SourceDBInstanceIdentifier=name)
    replica = available(rds, f"{name}-r")
    answer = rds.create_blue_green_deployment(
        BlueGreenDeploymentName="with-replica",
        Source=blue["DBInstanceArn"],
        Tags=[{"Key": "a", "Value": "b"}],
    )["BlueGreenDeployment"]
    assert answer["Status"] == "PROVISIONING"
    assert [task["Name"] for task in answer["Tasks"]] == [
        "CREATING_READ_REPLICA_OF_SOURCE",
        "CONFIGURE_BACKUPS",
        "CREATING_TOPOLOGY_OF_SOURCE",
    ]
    identifier = answer["BlueGreenDeploymentIdentifier"]
    found = settled(rds, identifier)
    assert {task["Status"] for task in found["Tasks"]} == {"COMPLETED"}
    assert [member["Status"] for member in found["SwitchoverDetails"]] == ["AVAILABLE", "AVAILABLE"]
    assert f":db:{name}-green-" in found["Target"]
    rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    done = settled(rds, identifier)
    assert done["Status"] == "SWITCHOVER_COMPLETED", done
    assert done["Source"].endswith(f":db:{name}-old1")
    assert done["Target"].endswith(f":db:{name}")
    now = described(rds, f"{name}-r")
    assert now["Endpoint"] == replica["Endpoint"]
    assert now["ReadReplicaSourceDBInstanceIdentifier"] == name
    with session(connector(described(rds, name), PASSWORD)) as cursor:
        cursor.execute("CREATE TABLE after_it (n INT)")
        cursor.execute("INSERT INTO after_it VALUES (3)")

    def arrived():
        with contextlib.suppress(pymysql.err.ProgrammingError), session(connector(now, PASSWORD)) as cursor:
            return cursor.execute("SELECT n FROM after_it")

    until(arrived)
    with pytest.raises(ClientError) as caught:
        rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    assert code_of(caught) == "InvalidBlueGreenDeploymentStateFault"
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
    until(
        lambda: (
            identifier
            not in {
                row["BlueGreenDeploymentIdentifier"]
                for row in rds.describe_blue_green_deployments()["BlueGreenDeployments"]
            }
        )
    )
    assert described(rds, f"{name}-old1")["DBInstanceStatus"] == "available"


def test_guardrails_cancel_and_change_nothing(server, rds):
    story = Story(server, rds)
    engine, green = story.engine(story.green)
    with engine._instances.client(green) as client:
        client.query("STOP ALL SLAVES")
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 100)
        found = story.switch()
        assert found["Status"] == "AVAILABLE", found
        assert f"replication health of {story.green['DBInstanceIdentifier']}" in found["StatusDetails"]
        assert story.writable(story.blue)
        written = writers.written
        until(lambda: writers.written > written + 100)
    assert not writers.errors
    writers.check()
    messages = [
        row["Message"]
        for row in rds.describe_events(SourceIdentifier=story.id, SourceType="blue-green-deployment")[
            "Events"
        ]
    ]
    assert any("was canceled due to replication health of" in message for message in messages)
    assert "Switchover canceled on blue/green deployment." in messages
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id, DeleteTarget=True)
    until(
        lambda: (
            story.green["DBInstanceIdentifier"]
            not in {row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]}
        )
    )


def test_what_was_made_in_blue_since_the_copy_is_not_lost_silently(server, rds):
    story = Story(server, rds, "postgres")
    with session(story.connect) as cursor:
        cursor.execute("CREATE TABLE too_late (n INT PRIMARY KEY)")
    found = story.switch()
    assert found["Status"] == "AVAILABLE", found
    assert "Replication degraded" in found["StatusDetails"]
    assert "app: table public.too_late was created" in found["StatusDetails"]
    assert story.writable(story.blue)


def test_what_cannot_be_deployed_is_refused(server, rds):
    plain = made(rds)
    arn = plain["DBInstanceArn"]
    for source, code in (
        (arn, "SourceDatabaseNotSupportedFault"),
        (arn.replace(plain["DBInstanceIdentifier"], "nobody"), "DBInstanceNotFound"),
        (arn.replace(":db:", ":cluster:"), "DBClusterNotFoundFault"),
    ):
        with pytest.raises(ClientError) as caught:
            rds.create_blue_green_deployment(BlueGreenDeploymentName="no", Source=source)
        assert code_of(caught) == code
    with pytest.raises(ClientError) as caught:
        deployment_of(rds, "bgd-nobody")
    assert code_of(caught) == "BlueGreenDeploymentNotFoundFault"
    with pytest.raises(ClientError) as caught:
        rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier="bgd-nobody", SwitchoverTimeout=30)
    assert code_of(caught) == "BlueGreenDeploymentNotFoundFault"
