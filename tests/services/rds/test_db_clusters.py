"""DB clusters: a writer and readers behind endpoints that follow the writer's part, described as RDS describes them."""

import psycopg
import pymysql
import pytest
from botocore.exceptions import ClientError

from tests.journeys.process import until
from tests.journeys.writers import connector, session
from tests.server_fixtures import running_server
from tests.services.rds.clusters import (
    ENGINES,
    Behind,
    add_member,
    at_cluster,
    cluster_of,
    made_cluster,
    remove_clusters,
    settled_cluster,
    wanted_cluster,
    writer_of,
)
from tests.services.rds.conftest import PASSWORD, available, code_of, described

ERRORS = (pymysql.err.Error, psycopg.Error)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("rds") / "data") as running:
        try:
            yield running
        finally:
            remove_clusters(running.client("rds"))


@pytest.fixture(scope="module")
def rds(server):
    return server.client("rds")


@pytest.fixture(scope="module", params=ENGINES)
def cluster(request, rds):
    """A cluster of a writer and a reader with a table, for tests that leave it as they found it."""
    made = made_cluster(rds, request.param)
    with session(connector(at_cluster(made), PASSWORD)) as cursor:
        cursor.execute("CREATE TABLE notes (id INT PRIMARY KEY)")
    return made


def rows(where):
    with session(connector(where, PASSWORD)) as cursor:
        cursor.execute("SELECT id FROM notes ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_a_cluster_has_a_writer_and_a_reader(rds, cluster):
    name = cluster["DBClusterIdentifier"]
    members = {each["DBInstanceIdentifier"]: each for each in cluster["DBClusterMembers"]}
    assert [members[f"{name}-{each}"]["IsClusterWriter"] for each in "ab"] == [True, False]
    assert cluster["Endpoint"] != cluster["ReaderEndpoint"]
    assert cluster["DBClusterArn"].endswith(f":cluster:{name}")
    assert cluster["MultiAZ"]
    found = described(rds, f"{name}-b")
    assert (found["DBClusterIdentifier"], found["PromotionTier"]) == (name, 1)
    assert found["ReadReplicaDBInstanceIdentifiers"] == []
    assert "ReadReplicaSourceDBInstanceIdentifier" not in found
    listed = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [name]}])["DBInstances"]
    assert {row["DBInstanceIdentifier"] for row in listed} == set(members)


def test_writes_go_to_the_writer_and_readers_see_them(server, rds, cluster):
    where = at_cluster(cluster)
    with session(connector(where, PASSWORD)) as cursor:
        cursor.execute("INSERT INTO notes VALUES (1)")
    readers = {**where, "Endpoint": {"Address": cluster["ReaderEndpoint"], "Port": cluster["Port"]}}
    until(lambda: rows(readers) == [1])
    with pytest.raises(ERRORS), session(connector(readers, PASSWORD)) as cursor:
        cursor.execute("INSERT INTO notes VALUES (2)")
    assert Behind(server, cluster["DBClusterIdentifier"]).writable() == [
        writer_of(rds, cluster["DBClusterIdentifier"])
    ]


def test_a_failover_makes_the_named_reader_the_writer(server, rds, cluster):
    name = cluster["DBClusterIdentifier"]
    before = writer_of(rds, name)
    (target,) = (
        each["DBInstanceIdentifier"]
        for each in cluster_of(rds, name)["DBClusterMembers"]
        if not each["IsClusterWriter"]
    )
    behind = Behind(server, name)
    behind.promotable(1)
    with session(connector(at_cluster(cluster), PASSWORD)) as cursor:
        cursor.execute("INSERT INTO notes VALUES (10)")
        answer = rds.failover_db_cluster(DBClusterIdentifier=name, TargetDBInstanceIdentifier=target)
        assert answer["DBCluster"]["Status"] == "failing-over"
        settled_cluster(rds, name)
        assert writer_of(rds, name) == target, rds.describe_events(Duration=5)["Events"]
        # The session went along.
        cursor.execute("INSERT INTO notes VALUES (11)")
    assert writer_of(rds, name) == target
    available(rds, before)
    assert behind.writable() == [target]
    until(lambda: {10, 11} <= set(rows({**described(rds, before), **_signs_in(cluster)})))
    events = rds.describe_events(SourceType="db-cluster", SourceIdentifier=name)["Events"]
    assert f"Completed failover to DB instance: {target}" in [each["Message"] for each in events]
    with pytest.raises(ClientError) as caught:
        rds.failover_db_cluster(DBClusterIdentifier=name, TargetDBInstanceIdentifier=target)
    assert code_of(caught) == "InvalidDBInstanceState"


def _signs_in(cluster):
    return {key: at_cluster(cluster)[key] for key in ("MasterUsername", "Engine", "DBName")}
