"""A switchover during which something dies, or that takes too long: rolled back or done, with every acknowledged row once.

Eight writers write through the real endpoint all the while. A database or the endpoint is killed at the step that a test
names. The guardrails are tried one by one in tests/services/rds/test_guardrails.py.
"""

import contextlib

import psycopg
import pymysql
import pytest
from botocore.exceptions import ClientError

from coldframe.services.rds.blue_green import switchover
from tests.journeys.process import until
from tests.journeys.writers import Writers, connector, session
from tests.services.rds.conftest import (
    PASSWORD,
    available,
    code_of,
    deployment_of,
    described,
    made,
    remove_all,
    served,
    settled,
)
from tests.services.rds.deployments import Story, at

ENGINES = ["mariadb", "postgres"]
pytestmark = pytest.mark.xdist_group("switchover")


@pytest.fixture(scope="module")
def server():
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def rds(server):
    return server.client("rds")


@pytest.fixture(autouse=True)
def tidy(rds):
    """Every test begins without databases: an account has forty at most."""
    yield
    remove_all(rds)


@contextlib.contextmanager
def writing(story, *, errors=False):
    """Eight writers from before what is done until two hundred rows after it: each acknowledged row is there once.

    `errors`: clients may see some, because their own endpoint or database dies.
    """
    with Writers(story.connect) as writers:

        def go_on():
            written = writers.written
            until(lambda: writers.written > written + 200, 90)

        go_on()
        yield go_on
        go_on()
    assert errors or not writers.errors, writers.errors[:5]
    writers.check()


@pytest.mark.parametrize("engine", ENGINES)
def test_writers_see_a_pause_and_nothing_else(server, rds, engine):
    story = Story(server, rds, engine)
    if engine == "postgres":
        with session(story.connect) as cursor:
            cursor.execute("SELECT nextval('numbers') FROM generate_series(1, 500)")
    with writing(story):
        story.rolled_forward(story.switch())
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


# Before the step, what dies, and how the switchover ends; an error is seen by clients of what dies itself.
DEATHS = [
    ("_hold", "green", "back"),
    ("_catch_up", "green", "back"),
    ("_catch_up", "blue", "back"),
    ("_finish", "blue", "back"),
    ("_catch_up", "endpoint", "forward"),
    ("_promote", "green", "forward"),
    ("_release", "endpoint", "forward"),
    ("_release", "green", "forward"),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("step", "who", "way"), DEATHS)
def test_something_dies(server, rds, monkeypatch, engine, step, who, way):
    story = Story(server, rds, engine)
    kills = {
        "green": lambda: story.kill(story.green),
        "blue": lambda: story.kill(story.blue),
        "endpoint": story.kill_endpoint,
    }
    at(monkeypatch, switchover, step, kills[who])
    with writing(story, errors=who != "green") as go_on:
        found = story.switch()
        (story.rolled_back if way == "back" else story.rolled_forward)(found)
        if way == "back":
            go_on()
            monkeypatch.undo()
            until(story.caught_up, 60)
            story.rolled_forward(story.switch())


def test_a_blue_that_dies_before_green_has_all_of_it_is_not_waited_for(server, rds, monkeypatch):
    story = Story(server, rds, "postgres")
    with writing(story, errors=True) as go_on, story.administrator(story.green) as green:

        def fall_behind():
            green.execute("BEGIN; LOCK TABLE written IN EXCLUSIVE MODE")
            go_on()

        at(monkeypatch, switchover, "_hold", fall_behind)
        at(monkeypatch, switchover, "_catch_up", lambda: story.kill(story.blue))
        found = story.switch()
        green.execute("ROLLBACK")
        story.rolled_back(found)
        assert "ended before" in found["StatusDetails"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_switchover_that_takes_too_long_is_rolled_back(server, rds, monkeypatch, engine):
    story = Story(server, rds, engine)
    # Longer than the limit, and shorter than a request that is on its way would be let live: five minutes.
    at(monkeypatch, switchover, "_in_time", lambda: server.clock.advance(200))
    with writing(story) as go_on:
        found = story.switch(timeout=30)
        story.rolled_back(found)
        assert "time limit" in found["StatusDetails"]
        go_on()
        monkeypatch.undo()
        story.rolled_forward(story.switch())


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
