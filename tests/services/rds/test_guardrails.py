"""Switchover guardrails, each provoked on real databases: what is not met cancels the switchover, says so, and changes nothing."""

import contextlib
import threading

import psycopg
import pymysql
import pytest
from botocore.exceptions import ClientError

from coldframe.services.rds.blue_green import guardrails, switchover
from tests.journeys.process import until
from tests.journeys.writers import connector, session
from tests.services.rds.conftest import (
    PASSWORD,
    available,
    code_of,
    described,
    settled,
)
from tests.services.rds.deployments import Story

pytestmark = pytest.mark.xdist_group("guardrails")

# What a session has to say before it can write to green although that is read-only.
LIFTED = {"mariadb": None, "postgres": "SET default_transaction_read_only = off"}


def story_of(server, rds, engine, parameters):
    """A deployment whose green side may be written to, with parameters for both sides."""
    family = {"mariadb": "mariadb10.11", "postgres": "postgres15"}[engine]
    read_only = {"mariadb": "read_only", "postgres": "default_transaction_read_only"}[engine]
    for side, values in (("blue", parameters), ("green", {**parameters, read_only: "0"})):
        name = f"{engine}-{side}"
        rds.create_db_parameter_group(
            DBParameterGroupName=name, DBParameterGroupFamily=family, Description="of a test"
        )
        rds.modify_db_parameter_group(
            DBParameterGroupName=name,
            Parameters=[
                {"ParameterName": key, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
                for key, value in values.items()
            ],
        )
    return Story(
        server,
        rds,
        engine,
        instance={"DBParameterGroupName": f"{engine}-blue"},
        TargetDBParameterGroupName=f"{engine}-green",
    )


@pytest.fixture(scope="module")
def mariadb(server, rds):
    return story_of(server, rds, "mariadb", {"max_connections": "90"})


@pytest.fixture(scope="module")
def postgres(server, rds):
    return story_of(server, rds, "postgres", {"max_prepared_transactions": "5"})


@pytest.fixture(params=["mariadb", "postgres"])
def story(request):
    """Each engine's deployment in turn, which every test leaves as it found it."""
    found = request.getfixturevalue(request.param)
    yield found
    assert found.writable(found.blue)
    row = found.now()
    assert row["Status"] == "AVAILABLE", row
    assert described(found.rds, found.name)["DbiResourceId"] == found.blue["DbiResourceId"]


def canceled(story, *words):
    """Switch over, and see it canceled for a reason that has these words, in the status and in AWS's events."""
    found = story.switch()
    assert found["Status"] == "AVAILABLE", found
    details = found["StatusDetails"]
    assert details.startswith("Switchover was canceled due to "), details
    for word in words:
        assert word in details, details
    told = story.events()
    reason = details.removeprefix("Switchover was canceled due to ").rstrip(".")
    blue, green = story.name, story.green["DBInstanceIdentifier"]
    assert f"Switchover from primary {blue} to {green} was canceled due to {reason}." in told, told
    assert "Switchover canceled on blue/green deployment." in told
    return details


@contextlib.contextmanager
def transaction(connect, *statements):
    """A session with an open transaction."""
    with contextlib.closing(connect()) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        try:
            yield connection
        finally:
            connection.rollback()


def test_an_active_write_on_green(story):
    connect = connector(described(story.rds, story.green["DBInstanceIdentifier"]), PASSWORD)
    with transaction(connect, "INSERT INTO counters VALUES (77, 0)"):
        until(lambda: story.activities(story.green), 10)
        canceled(story, f"active writes on {story.green['DBInstanceIdentifier']}: session ", "of owner")


def test_a_long_running_write_on_blue(story, monkeypatch):
    with transaction(story.connect, "INSERT INTO counters VALUES (78, 0)"):
        until(lambda: any(each.seconds >= 1 for each in story.activities(story.blue)), 10)
        monkeypatch.setattr(guardrails, "LONG_RUNNING", 1.0)
        canceled(story, f"long-running active writes on {story.name}: session ", "Wait for them to end")


def test_a_short_write_on_blue_is_waited_for(story):
    assert guardrails.LONG_RUNNING > 1
    with transaction(story.connect, "INSERT INTO counters VALUES (78, 0)"):
        until(lambda: story.activities(story.blue), 10)
        assert story.check("_long_running_writes") == ""


def test_a_long_running_change_of_the_schema_on_blue(story, monkeypatch):
    monkeypatch.setattr(guardrails, "LONG_RUNNING", 0.2)

    def alter():
        # It waits for the reader, and is told to end.
        with contextlib.suppress(pymysql.err.Error, psycopg.Error), session(story.connect) as cursor:
            cursor.execute("ALTER TABLE counters ADD COLUMN waits INT")

    with contextlib.closing(story.connect()) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT * FROM counters")
        waiting = threading.Thread(target=alter)
        waiting.start()
        try:
            until(
                lambda: any(
                    each.kind == "ddl" and each.seconds > 0.2 for each in story.activities(story.blue)
                ),
                10,
            )
            canceled(story, f"long-running DDL statements on {story.name}: session ")
        finally:
            story.end_sessions(story.blue, "ALTER TABLE")
            waiting.join()
            reader.rollback()


def test_a_prepared_transaction_on_blue(story):
    if story.kind == "mariadb":
        first = (
            "XA START 'half'",
            "INSERT INTO counters VALUES (79, 0)",
            "XA END 'half'",
            "XA PREPARE 'half'",
        )
        second = "XA ROLLBACK 'half'"
    else:
        first = ("BEGIN", "INSERT INTO counters VALUES (79, 0)", "PREPARE TRANSACTION 'half'")
        second = "ROLLBACK PREPARED 'half'"
    with session(story.connect) as cursor:
        for statement in first:
            cursor.execute(statement)
        try:
            canceled(
                story, f"prepared transactions on {story.name}: ", "half", "Commit them or roll them back"
            )
        finally:
            cursor.execute(second)


def test_replication_that_was_stopped(story):
    story.on(story.green, "STOP ALL SLAVES", "ALTER SUBSCRIPTION {subscription} DISABLE")
    try:
        until(lambda: not story.following().running, 10)
        canceled(story, f"replication health of {story.green['DBInstanceIdentifier']}: ")
    finally:
        story.on(story.green, "START ALL SLAVES", "ALTER SUBSCRIPTION {subscription} ENABLE")
        until(lambda: story.following().running, 30)


def test_replication_that_fails_and_is_tried_again(story):
    """A row that green already has: what blue sends can't be applied."""
    with session(connector(described(story.rds, story.green["DBInstanceIdentifier"]), PASSWORD)) as cursor:
        cursor.execute("INSERT INTO counters VALUES (80, 0)")
    with session(story.connect) as cursor:
        cursor.execute("INSERT INTO counters VALUES (80, 0)")
    try:
        canceled(story, f"replication health of {story.green['DBInstanceIdentifier']}: ")
    finally:
        story.on(story.green, "DELETE FROM app.counters WHERE w = 80", "DELETE FROM counters WHERE w = 80")
        story.on(story.green, "START ALL SLAVES", "SELECT 1")
        until(story.caught_up, 30)
        with session(story.connect) as cursor:
            cursor.execute("DELETE FROM counters WHERE w = 80")
        until(story.caught_up, 30)


def test_replication_that_lags(story, monkeypatch):
    """Green applies nothing while a session of its own has the table locked; half of the timeout is waited for it."""
    lock = {
        "mariadb": ("FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"),
        "postgres": ("BEGIN READ WRITE; LOCK TABLE written IN EXCLUSIVE MODE", "ROLLBACK"),
    }[story.kind]
    monkeypatch.setattr(guardrails, "MOST_BEHIND", 5)
    with story.administrator(story.green) as keeper:
        keeper.query(lock[0])
        try:
            with session(story.connect) as cursor:
                for number in range(20):
                    cursor.execute("INSERT INTO written (w, n) VALUES (99, %s)", (number,))
            story.begin(timeout=30)
            story.server.clock.advance(20)
            found = settled(story.rds, story.id)
            assert found["Status"] == "AVAILABLE", found
            assert f"replication lag of {story.green['DBInstanceIdentifier']}: " in found["StatusDetails"]
            assert f"transactions behind {story.name}" in found["StatusDetails"]
        finally:
            keeper.query(lock[1])
    until(story.caught_up, 60)


def test_external_replication(story):
    blue = story.blue
    if story.kind == "mariadb":
        story.on(
            blue,
            "CHANGE MASTER 'theirs' TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'x', MASTER_CONNECT_RETRY = 600",
            "",
        )
        story.on(blue, "START SLAVE 'theirs'", "")
        try:
            canceled(story, f"external replication on {story.name}: it replicates from 127.0.0.1:1")
            story.on(blue, "STOP SLAVE 'theirs'", "")
            # AWS: it must not be actively replicating.
            assert story.check("_external_replication") == ""
        finally:
            story.on(blue, "STOP SLAVE 'theirs'", "")
            story.on(blue, "RESET SLAVE 'theirs' ALL", "")
    else:
        story.on(blue, "", "SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')")
        try:
            canceled(
                story, f"external replication on {story.name}: it is a source by the replication slot theirs"
            )
        finally:
            story.on(blue, "", "SELECT pg_drop_replication_slot('theirs')")


def test_the_event_scheduler_of_green(mariadb):
    story = mariadb
    story.on(story.green, "SET GLOBAL event_scheduler = ON", "")
    try:
        assert story.check("_event_scheduler") == ""
        story.on(
            story.green,
            "SET SESSION sql_log_bin = 0; CREATE EVENT app.nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM app.counters WHERE w = 1000",
            "",
        )
        canceled(
            story,
            f"the event scheduler on {story.green['DBInstanceIdentifier']}, which would run app.nightly",
        )
    finally:
        story.on(story.green, "SET SESSION sql_log_bin = 0; DROP EVENT IF EXISTS app.nightly", "")
        story.on(story.green, "SET GLOBAL event_scheduler = OFF", "")


def test_disks_without_room(story, monkeypatch):
    monkeypatch.setattr(guardrails, "ROOM", 1 << 60)
    canceled(story, f"free storage of {story.name}: ", "are left on its disk")


def test_a_member_that_is_busy_refuses_the_call(story):
    green = story.green["DBInstanceIdentifier"]
    story.rds.reboot_db_instance(DBInstanceIdentifier=green)
    with pytest.raises(ClientError) as caught:
        story.begin()
    assert code_of(caught) == "InvalidBlueGreenDeploymentStateFault"
    assert f"DB instance {green} is not in available state" in str(caught.value)
    available(story.rds, green)
    until(story.caught_up, 30)
    assert story.writable(story.green), "its parameter group says that users may write there"


def test_a_member_that_was_taken_in_hand_meanwhile_cancels(story, monkeypatch):
    """Somebody stops between the guardrails and the begin of the switchover: the begin looks once more."""
    original = switchover._guarded

    def guarded(run, deployment, deadline):
        found = original(run, deployment, deadline)
        story.rds.modify_db_instance(
            DBInstanceIdentifier=story.name, DBInstanceClass="db.t3.small", ApplyImmediately=True
        )
        return found

    monkeypatch.setattr(switchover, "_guarded", guarded)
    canceled(story, f"DB instance {story.name} is not in available state")
    monkeypatch.undo()
    available(story.rds, story.name)
    until(story.caught_up, 30)


def test_a_process_that_ended_cancels(story, monkeypatch):
    original = guardrails._member_states
    checks = list(guardrails.GUARDRAILS)

    def killed(found):
        story.kill(story.green)
        until(lambda: not story.runs(story.green), 10)
        return original(found)

    monkeypatch.setattr(guardrails, "GUARDRAILS", [killed, *checks[1:]])
    canceled(story, "is not in available state: its process is crashed")
    monkeypatch.undo()
    until(lambda: story.writable(story.blue) and story.runs(story.green), 60)
    until(story.caught_up, 60)
