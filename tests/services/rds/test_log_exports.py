"""EnableCloudwatchLogsExports: what the engines write into their logs is in CloudWatch Logs, once, under the names of RDS."""

import os
import time
from contextlib import closing, suppress

import psycopg
import pytest
from botocore.exceptions import ClientError

from coldframe.services.rds.log_exports import keeping
from tests.journeys.process import until
from tests.journeys.writers import connector
from tests.services.rds.conftest import PASSWORD, available, code_of, described, made

pytestmark = pytest.mark.xdist_group("mariadb")


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


def test_what_mariadb_logs_comes_entry_by_entry(server, rds, logs, mariadb):
    name = mariadb["DBInstanceIdentifier"]
    (version,) = rds.describe_db_engine_versions(Engine="mariadb", EngineVersion=mariadb["EngineVersion"])[
        "DBEngineVersions"
    ]
    assert version["SupportsLogExportsToCloudwatchLogs"]
    assert set(mariadb["EnabledCloudwatchLogsExports"]) <= set(version["ExportableLogTypes"])
    say(
        connector(mariadb, PASSWORD), *(f"SELECT 'line {number}',\n  'of a statement'" for number in range(3))
    )
    general = f"/aws/rds/instance/{name}/general"
    until(lambda: with_text(events(logs, general, name), "line 2"), 20)
    found = events(logs, general, name)
    for number in range(3):
        (one,) = with_text(found, f"line {number}")
        assert one.endswith(f"SELECT 'line {number}',\n  'of a statement'")
    now = time.time() * 1000
    assert all(now - 120_000 < each["timestamp"] <= now for each in found)
    slow = f"/aws/rds/instance/{name}/slowquery"
    until(lambda: with_text(events(logs, slow, name), "line 2"), 20)
    (one,) = with_text(events(logs, slow, name), "line 1")
    assert "# Query_time" in one
    assert "# User@Host: owner" in one
    # A new file begins every hour, and an old one goes once it was brought.
    keeping.keep(server.installation, server.account, "us-east-1", mariadb["DbiResourceId"])
    (before,) = rotated(rds, name)
    portion = rds.download_db_log_file_portion(DBInstanceIdentifier=name, LogFileName=before)
    assert "line 2" in portion["LogFileData"]
    say(connector(mariadb, PASSWORD), "SELECT 'after the rotation'")
    until(lambda: with_text(events(logs, general, name), "after the rotation"), 20)
    found = events(logs, general, name)
    assert [len(with_text(found, f"'line {number}'")) for number in range(3)] == [1, 1, 1]
    folder = server.installation.settings.data_dir / "databases" / mariadb["DbiResourceId"] / "logs"
    old = time.time() - 2 * 86_400
    os.utime(folder / before, (old, old))
    keeping.keep(server.installation, server.account, "us-east-1", mariadb["DbiResourceId"])
    assert rotated(rds, name) == []
    error = f"/aws/rds/instance/{name}/error"
    until(lambda: with_text(events(logs, error, name), "ready for connections"), 20)


def test_a_log_is_switched_off_and_on_and_follows_its_instance(rds, logs, mariadb):
    """What is written meanwhile does not come; a renamed instance goes on in the group of its name; groups stay."""
    old, new = mariadb["DBInstanceIdentifier"], "renamed"
    connect = connector(mariadb, PASSWORD)

    def switch(**kinds):
        answer = rds.modify_db_instance(DBInstanceIdentifier=old, CloudwatchLogsExportConfiguration=kinds)
        pending = answer["DBInstance"]["PendingModifiedValues"]["PendingCloudwatchLogsExports"]
        switched = {f"LogTypesTo{name.removesuffix('LogTypes')}": found for name, found in kinds.items()}
        assert {name: found for name, found in pending.items() if found} == switched
        assert answer["DBInstance"]["DBInstanceStatus"] == "configuring-log-exports"
        return sorted(available(rds, old)["EnabledCloudwatchLogsExports"])

    say(connect, "SELECT 'while on'")
    general = f"/aws/rds/instance/{old}/general"
    until(lambda: with_text(events(logs, general, old), "while on"), 20)
    assert switch(DisableLogTypes=["general", "slowquery"]) == ["error"]
    say(connect, "SELECT 'while off'")
    # Times of the log are whole seconds.
    second = int(time.time()) + 1
    until(lambda: time.time() > second)
    assert switch(EnableLogTypes=["general"]) == ["error", "general"]
    say(connect, "SELECT 'on again'")
    until(lambda: with_text(events(logs, general, old), "on again"), 20)
    assert not with_text(events(logs, general, old), "while off")
    with pytest.raises(ClientError) as caught:
        switch(EnableLogTypes=["postgresql"])
    assert code_of(caught) == "InvalidParameterCombination"

    rds.modify_db_instance(DBInstanceIdentifier=old, NewDBInstanceIdentifier=new, ApplyImmediately=True)
    until(lambda: new in {row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]})
    available(rds, new)
    say(connect, "SELECT 'by its new name'")
    renamed = f"/aws/rds/instance/{new}/general"
    until(lambda: with_text(events(logs, renamed, new), "by its new name"), 20)
    assert not with_text(events(logs, renamed, new), "on again")

    # What it says last comes before its files go.
    say(connect, *(f"SELECT 'last {number}'" for number in range(100)))
    rds.delete_db_instance(DBInstanceIdentifier=new, SkipFinalSnapshot=True)
    until(
        lambda: new not in {row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]}
    )
    found = events(logs, renamed, new)
    assert [len(with_text(found, f"'last {number}'")) for number in range(100)] == [1] * 100


@pytest.fixture(scope="module")
def cluster(rds):
    kinds = {"Engine": "aurora-postgresql", "DBClusterIdentifier": "shop"}
    rds.create_db_cluster(
        **kinds,
        MasterUsername="owner",
        MasterUserPassword=PASSWORD,
        DatabaseName="app",
        EnableCloudwatchLogsExports=["postgresql"],
    )
    rds.create_db_instance(**kinds, DBInstanceIdentifier="shop-1", DBInstanceClass="db.t3.medium")
    available(rds, "shop-1")
    yield rds.describe_db_clusters(DBClusterIdentifier="shop")["DBClusters"][0]
    rds.delete_db_instance(DBInstanceIdentifier="shop-1")
    rds.delete_db_cluster(DBClusterIdentifier="shop", SkipFinalSnapshot=True)
    until(lambda: not rds.describe_db_clusters()["DBClusters"], 60)


def test_every_member_of_a_cluster_has_a_stream_in_its_group(rds, logs, cluster):
    group = "/aws/rds/cluster/shop/postgresql"
    member = described(rds, "shop-1")
    assert member["EnabledCloudwatchLogsExports"] == ["postgresql"]
    say(connector({**member, "DBName": "app"}, PASSWORD), "SELECT\n'here' / 0")
    until(lambda: with_text(events(logs, group, "shop-1.0"), "'here' / 0"), 20)
    (one,) = with_text(events(logs, group, "shop-1.0"), "'here' / 0")
    first, *rest = one.split("\n")
    assert "ERROR:  invalid input syntax" in first
    assert "STATEMENT:  SELECT" in rest[0]
    assert rest[1] == "\t'here' / 0"
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(
            DBInstanceIdentifier="shop-1",
            CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]},
        )
    assert code_of(caught) == "InvalidParameterCombination"
    answer = rds.modify_db_cluster(
        DBClusterIdentifier="shop", CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]}
    )["DBCluster"]
    assert answer["Status"] == "configuring-log-exports"
    pending = answer["PendingModifiedValues"]["PendingCloudwatchLogsExports"]
    assert pending["LogTypesToDisable"] == ["postgresql"]

    def settled():
        found = rds.describe_db_clusters(DBClusterIdentifier="shop")["DBClusters"][0]
        return found if found["Status"] == "available" else None

    assert until(settled)["EnabledCloudwatchLogsExports"] == []
    assert "PendingModifiedValues" not in settled()


def rotated(rds, name):
    """The names of the general log's files but the one that is written."""
    found = rds.describe_db_log_files(DBInstanceIdentifier=name, FilenameContains="mysql-general.log.")
    return [each["LogFileName"] for each in found["DescribeDBLogFiles"]]


def say(connect, *statements):
    """Have statements logged, whether the database does them or not."""
    with closing(connect()) as connection, connection.cursor() as cursor:
        for statement in statements:
            with suppress(psycopg.Error):
                cursor.execute(statement)
