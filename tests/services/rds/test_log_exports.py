"""EnableCloudwatchLogsExports: what the engines write into their logs is in CloudWatch Logs, once, under the names of RDS."""

import re
from datetime import UTC, datetime

import psycopg
import pytest

from tests.journeys.process import until
from tests.journeys.writers import connector
from tests.services.rds.conftest import PASSWORD, available, code_of, described, made, wanted


def events(logs, group, stream):
    """Every event of a stream; nothing while there is none."""
    found, token = [], ""
    while True:
        try:
            page = logs.get_log_events(
                logGroupName=group,
                logStreamName=stream,
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
        except logs.exceptions.ResourceNotFoundException:
            return []
        found += page["events"]
        if page["nextForwardToken"] == token:
            return found
        token = page["nextForwardToken"]


def with_text(found, text):
    return [each["message"] for each in found if text in each["message"]]


@pytest.fixture(scope="module")
def logs(server):
    return server.client("logs")


@pytest.fixture(scope="module")
def mariadb(rds):
    rds.create_db_parameter_group(
        DBParameterGroupName="talks", DBParameterGroupFamily="mariadb10.11", Description="logs all"
    )
    values = {"general_log": "1", "slow_query_log": "1", "long_query_time": "0"}
    rds.modify_db_parameter_group(
        DBParameterGroupName="talks",
        Parameters=[
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
            for name, value in values.items()
        ],
    )
    return made(
        rds,
        "mariadb",
        DBParameterGroupName="talks",
        DBName="app",
        EnableCloudwatchLogsExports=["error", "general", "slowquery"],
    )


def test_what_mariadb_logs_comes_with_its_times_entry_by_entry(logs, mariadb):
    name = mariadb["DBInstanceIdentifier"]
    connect = connector(mariadb, PASSWORD)
    with connect() as connection, connection.cursor() as cursor:
        for number in range(3):
            cursor.execute(f"SELECT 'line {number}',\n  'of a statement'")
    general = f"/aws/rds/instance/{name}/general"
    until(lambda: with_text(events(logs, general, name), "line 2"), 20)
    found = events(logs, general, name)
    for number in range(3):
        (one,) = with_text(found, f"line {number}")
        assert one.endswith(f"SELECT 'line {number}',\n  'of a statement'")
    now = datetime.now(UTC).timestamp() * 1000
    assert all(now - 120_000 < each["timestamp"] <= now for each in found)
    slow = f"/aws/rds/instance/{name}/slowquery"
    until(lambda: with_text(events(logs, slow, name), "line 2"), 20)
    (one,) = with_text(events(logs, slow, name), "line 1")
    assert "# Query_time" in one
    assert "# User@Host: owner" in one
    error = f"/aws/rds/instance/{name}/error"
    until(lambda: with_text(events(logs, error, name), "ready for connections"), 20)
    print(*[e for e in events(logs, error, name)][:8], sep="\n")
    print(*[e for e in found][:8], sep="\n")
    print(*[e for e in events(logs, slow, name)][:8], sep="\n")


def test_pg(rds, logs):
    inst = made(rds, "postgres", DBName="app", EnableCloudwatchLogsExports=["postgresql", "upgrade"])
    name = inst["DBInstanceIdentifier"]
    connect = connector(inst, PASSWORD)
    with connect() as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg.Error):
            cursor.execute("SELECT\n 'first' / 0, 'second'")
    group = f"/aws/rds/instance/{name}/postgresql"
    until(lambda: with_text(events(logs, group, f"{name}.0"), "first"), 20)
    print(*events(logs, group, f"{name}.0"), sep="\n")
    assert 0
