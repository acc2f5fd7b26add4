"""DB clusters: a writer and readers behind endpoints that follow the writer's part, described as RDS describes them."""

import json
import threading
from datetime import UTC, datetime

import psycopg
import pymysql
import pytest
from botocore.exceptions import ClientError

from tests.journeys.process import until
from tests.journeys.writers import connector, session
from tests.services.rds.clusters import (
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
from tests.services.rds.conftest import PASSWORD, available, code_of, described, served

ERRORS = (pymysql.err.Error, psycopg.Error)
# The cases of an engine share its cluster, so that they run in one worker: the next worker has another server.
ENGINES = [
    pytest.param("aurora-postgresql", marks=pytest.mark.xdist_group("clusters-postgres")),
    pytest.param("mariadb", marks=pytest.mark.xdist_group("clusters-mariadb")),
]


@pytest.fixture(scope="module")
def server():
    with served(remove_clusters) as running:
        yield running


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


@pytest.fixture(scope="module")
def restored(rds, cluster):
    """A cluster of one member that was restored from a snapshot of `cluster`: its identifier and the rows it must have."""
    source = cluster["DBClusterIdentifier"]
    settled_cluster(rds, source)
    with session(connector(at_cluster(cluster), PASSWORD)) as cursor:
        cursor.execute("INSERT INTO notes VALUES (60)")
    kept = rows(at_cluster(cluster))
    snapshot = rds.create_db_cluster_snapshot(
        DBClusterIdentifier=source, DBClusterSnapshotIdentifier=f"{source}-s"
    )["DBClusterSnapshot"]
    assert snapshot["Status"] == "creating"
    rds.get_waiter("db_cluster_snapshot_available").wait(
        DBClusterSnapshotIdentifier=f"{source}-s", WaiterConfig={"Delay": 1}
    )
    name = f"{source}-r"
    rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=name, SnapshotIdentifier=f"{source}-s", Engine=cluster["Engine"]
    )
    add_member(rds, name, cluster["Engine"], f"{name}-a")
    settled_cluster(rds, name)
    available(rds, f"{name}-a")
    return name, kept


def rows(where, password=PASSWORD):
    with session(connector(where, password)) as cursor:
        cursor.execute("SELECT id FROM notes ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def applied(where):
    """What a reader shows that may not have the table yet: it has received it and not applied it."""
    try:
        return rows(where)
    except ERRORS:
        return []


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
    until(lambda: applied(readers) == [1])
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
    until(lambda: {10, 11} <= set(applied({**described(rds, before), **_signs_in(cluster)})))
    events = rds.describe_events(SourceType="db-cluster", SourceIdentifier=name)["Events"]
    assert f"Completed failover to DB instance: {target}" in [each["Message"] for each in events]
    with pytest.raises(ClientError) as caught:
        rds.failover_db_cluster(DBClusterIdentifier=name, TargetDBInstanceIdentifier=target)
    assert code_of(caught) == "InvalidDBInstanceState"


def _signs_in(cluster):
    return {key: at_cluster(cluster)[key] for key in ("MasterUsername", "Engine", "DBName")}


def test_what_belongs_to_the_cluster_is_refused_on_a_member(rds, cluster):
    name = cluster["DBClusterIdentifier"]
    with pytest.raises(ClientError) as caught:
        add_member(rds, name, cluster["Engine"], f"{name}-x", BackupRetentionPeriod=3)
    assert code_of(caught) == "InvalidParameterCombination"
    assert "Set backup retention period for the DB Cluster" in str(caught.value)
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(DBInstanceIdentifier=f"{name}-a", DBPortNumber=4000)
    assert "using the ModifyDbCluster API" in str(caught.value)
    with pytest.raises(ClientError) as caught:
        rds.stop_db_instance(DBInstanceIdentifier=f"{name}-a")
    assert code_of(caught) == "InvalidDBInstanceState"
    with pytest.raises(ClientError) as caught:
        rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
    assert code_of(caught) == "InvalidDBClusterStateFault"
    assert "still contains DB instances in non-deleting state" in str(caught.value)


def test_custom_endpoints_lead_to_their_members(server, rds, cluster):
    name, writer = cluster["DBClusterIdentifier"], writer_of(rds, cluster["DBClusterIdentifier"])
    made = rds.create_db_cluster_endpoint(
        DBClusterIdentifier=name,
        DBClusterEndpointIdentifier=f"{name}-any",
        EndpointType="ANY",
        StaticMembers=[writer],
    )
    assert (made["CustomEndpointType"], made["StaticMembers"]) == ("ANY", [writer])

    def there():
        found = rds.describe_db_cluster_endpoints(DBClusterEndpointIdentifier=f"{name}-any")
        return found["DBClusterEndpoints"][0]["Status"] == "available"

    until(there)
    where = {**at_cluster(cluster), "Endpoint": {"Address": made["Endpoint"], "Port": cluster["Port"]}}

    def written():
        try:
            with session(connector(where, PASSWORD)) as cursor:
                cursor.execute("INSERT INTO notes VALUES (50)")
        except OSError:
            return False
        except ERRORS as error:
            return "uplicate" in str(error)
        return True

    until(written)
    kinds = [
        row["EndpointType"]
        for row in rds.describe_db_cluster_endpoints(DBClusterIdentifier=name)["DBClusterEndpoints"]
    ]
    assert sorted(kinds) == ["CUSTOM", "READER", "WRITER"]
    rds.delete_db_cluster_endpoint(DBClusterEndpointIdentifier=f"{name}-any")
    until(lambda: "CustomEndpoints" not in cluster_of(rds, name))


def test_a_snapshot_becomes_a_cluster_with_its_rows(rds, restored):
    name, kept = restored
    assert 60 in kept
    assert rows(at_cluster(cluster_of(rds, name))) == kept


def test_an_arn_means_the_snapshot_of_its_own_region_and_kind(rds, restored):
    source = f"{restored[0].removesuffix('-r')}-s"
    arn = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=source)["DBClusterSnapshots"][0][
        "DBClusterSnapshotArn"
    ]
    for wrong in (arn.replace(":us-east-1:", ":us-west-2:"), arn.replace(":cluster-snapshot:", ":snapshot:")):
        with pytest.raises(ClientError) as caught:
            rds.restore_db_cluster_from_snapshot(
                DBClusterIdentifier="none", SnapshotIdentifier=wrong, Engine="mariadb"
            )
        assert code_of(caught) == "DBClusterSnapshotNotFoundFault"
    # A name beside filters is one more value of theirs.
    described = rds.describe_db_cluster_snapshots
    filters = [{"Name": "db-cluster-snapshot-id", "Values": [source]}]
    found = described(DBClusterSnapshotIdentifier="nosuch", Filters=filters)["DBClusterSnapshots"]
    assert [each["DBClusterSnapshotIdentifier"] for each in found] == [source]
    with pytest.raises(ClientError) as caught:
        described(DBClusterSnapshotIdentifier=source, Filters=[{"Name": "engine", "Values": ["oracle"]}])
    assert code_of(caught) == "DBClusterSnapshotNotFoundFault"


def test_a_cluster_is_restored_to_the_latest_moment(rds, cluster):
    name = cluster["DBClusterIdentifier"]
    settled_cluster(rds, name)
    until(lambda: "LatestRestorableTime" in cluster_of(rds, name))
    # After a failover the latest moment needs the backup that it began.
    until(lambda: not _being_made(rds, name))
    with session(connector(at_cluster(cluster), PASSWORD)) as cursor:
        cursor.execute("INSERT INTO notes VALUES (77)")
    restored = f"{name}-p"
    rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier=restored, SourceDBClusterIdentifier=name, UseLatestRestorableTime=True
    )
    add_member(rds, restored, cluster["Engine"], f"{restored}-a")
    settled_cluster(rds, restored)
    available(rds, f"{restored}-a")
    assert 77 in rows(at_cluster(cluster_of(rds, restored)))
    backups = rds.describe_db_cluster_automated_backups(DBClusterIdentifier=name)
    assert [row["Status"] for row in backups["DBClusterAutomatedBackups"]] == ["active"]
    with pytest.raises(ClientError) as caught:
        rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier="never",
            SourceDBClusterIdentifier=name,
            RestoreToTime=datetime(2020, 1, 1, tzinfo=UTC),
        )
    assert code_of(caught) == "InvalidRestoreFault"


def _being_made(rds, name):
    found = rds.describe_db_cluster_snapshots(DBClusterIdentifier=name, SnapshotType="automated")
    return [row for row in found["DBClusterSnapshots"] if row["Status"] == "creating"]


def test_data_outlive_the_last_member(server, rds, cluster, restored):
    name, kept = restored
    rds.delete_db_instance(DBInstanceIdentifier=f"{name}-a")
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=f"{name}-a", WaiterConfig={"Delay": 1})
    # Without a member nothing serves the data, and their master password can be changed nevertheless.
    answer = rds.modify_db_cluster(
        DBClusterIdentifier=name,
        MasterUserPassword="another-one-9",
        EnablePerformanceInsights=True,
        ApplyImmediately=True,
    )["DBCluster"]
    assert (cluster["PerformanceInsightsEnabled"], answer["PerformanceInsightsEnabled"]) == (False, True)
    assert answer["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    settled_cluster(rds, name)
    assert "PendingModifiedValues" not in cluster_of(rds, name)
    add_member(rds, name, cluster["Engine"], f"{name}-b")
    available(rds, f"{name}-b")
    assert writer_of(rds, name) == f"{name}-b"
    assert rows(at_cluster(cluster_of(rds, name)), "another-one-9") == kept
    # From now on it is managed, and rotates; then it is the user's again, and the secret is gone.
    rds.modify_db_cluster(DBClusterIdentifier=name, ManageMasterUserPassword=True, ApplyImmediately=True)
    settled_cluster(rds, name)
    secret, secrets = cluster_of(rds, name)["MasterUserSecret"]["SecretArn"], server.client("secretsmanager")

    def managed():
        return json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])["password"]

    first = managed()
    assert rows(at_cluster(cluster_of(rds, name)), first) == kept
    secrets.rotate_secret(SecretId=secret)
    told = cluster_of(rds, name)
    assert told["MasterUserSecret"]["SecretStatus"] in {"rotating", "active"}
    settled_cluster(rds, name)
    second = managed()
    assert rows(at_cluster(cluster_of(rds, name)), second) == kept
    rds.modify_db_cluster(DBClusterIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True)
    settled_cluster(rds, name)
    assert len({first, second, managed()}) == 3
    assert rows(at_cluster(cluster_of(rds, name)), managed()) == kept
    rds.modify_db_cluster(
        DBClusterIdentifier=name,
        ManageMasterUserPassword=False,
        MasterUserPassword=PASSWORD,
        ApplyImmediately=True,
    )
    settled_cluster(rds, name)
    assert rows(at_cluster(cluster_of(rds, name))) == kept
    with pytest.raises(ClientError) as caught:
        managed()
    assert code_of(caught) == "ResourceNotFoundException"


def test_a_cluster_stops_and_starts(server, rds, restored):
    name, kept = restored
    rds.stop_db_cluster(DBClusterIdentifier=name)
    until(lambda: cluster_of(rds, name)["Status"] == "stopped")
    assert Behind(server, name).writable() == []
    rds.start_db_cluster(DBClusterIdentifier=name)
    settled_cluster(rds, name)
    assert rows(at_cluster(cluster_of(rds, name))) == kept


def test_deleting_the_writer_fails_over(rds, cluster):
    name = cluster["DBClusterIdentifier"]
    settled_cluster(rds, name)
    before, where = writer_of(rds, name), rows(at_cluster(cluster))
    rds.delete_db_instance(DBInstanceIdentifier=before)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=before, WaiterConfig={"Delay": 1})
    assert writer_of(rds, name) != before
    assert rows(at_cluster(cluster)) == where


@pytest.mark.parametrize(
    ("engine", "said"),
    [("aurora-mysql", "MariaDB is never offered under its name"), ("mysql", "MariaDB is never offered")],
)
def test_what_is_no_engine_here_is_refused_by_its_name(rds, engine, said):
    with pytest.raises(ClientError) as caught:
        rds.create_db_cluster(**wanted_cluster(engine))
    assert code_of(caught) == "InvalidParameterValue"
    assert said in str(caught.value)


def test_an_instance_of_a_cluster_engine_needs_a_cluster(rds):
    with pytest.raises(ClientError) as caught:
        rds.create_db_instance(
            DBInstanceIdentifier="alone",
            Engine="aurora-postgresql",
            DBInstanceClass="db.t3.medium",
            MasterUsername="owner",
            MasterUserPassword=PASSWORD,
        )
    assert "DBClusterIdentifier must be specified" in str(caught.value)


def test_a_multi_az_cluster_makes_its_members(server, rds):
    made = rds.create_db_cluster(
        **wanted_cluster("postgres", DBClusterInstanceClass="db.t3.medium", AllocatedStorage=20)
    )["DBCluster"]
    name = made["DBClusterIdentifier"]
    assert made["Status"] == "creating"
    assert [each["DBInstanceIdentifier"] for each in made["DBClusterMembers"]] == [
        f"{name}-instance-{number}" for number in (1, 2, 3)
    ]
    settled_cluster(rds, name)
    (found,) = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    assert found["CertificateDetails"]["ValidTill"] > found["ClusterCreateTime"], "Terraform ends without it"
    assert Behind(server, name).writable() == [f"{name}-instance-1"]
    Behind(server, name).promotable(2)
    with pytest.raises(ClientError) as caught:
        rds.delete_db_instance(DBInstanceIdentifier=f"{name}-instance-2", SkipFinalSnapshot=True)
    assert code_of(caught) == "InvalidDBClusterStateFault"
    rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
    rds.get_waiter("db_cluster_deleted").wait(DBClusterIdentifier=name, WaiterConfig={"Delay": 1})
    gone = [row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]]
    assert not [each for each in gone if each.startswith(name)]


@pytest.mark.xdist_group("clusters-mariadb")
def test_members_are_deleted_while_one_of_them_comes_back(server, rds, monkeypatch):
    """The one that comes back has lost its data, and by then whom it would copy is gone."""
    from coldframe.services.rds.clusters import rejoining  # which the server has loaded by its jobs

    made = made_cluster(rds, "mariadb", members=2)
    behind = Behind(server, made["DBClusterIdentifier"])
    behind.promotable(1)
    writer = writer_of(rds, behind.name)
    (reader,) = {*behind.members()} - {writer}
    follow, begun, go = rejoining._follow, threading.Event(), threading.Event()

    def late(*arguments):
        begun.set()
        assert go.wait(60)
        return follow(*arguments)

    monkeypatch.setattr(rejoining, "_follow", late)
    with server.installation.store.write() as transaction:
        row = behind.members()[reader]
        rejoining.begin(transaction.records(server.account, "us-east-1"), behind.databases, row)
    assert begun.wait(60)
    _, spec = behind.engine(reader)
    behind.kill(reader)
    (spec.folder / "data").rename(spec.folder / "lost")
    for name in (reader, writer):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier=behind.name, SkipFinalSnapshot=True)
    until(lambda: writer not in behind.members(), 60)
    go.set()
    until(lambda: behind.name not in str(rds.describe_db_clusters()["DBClusters"]), 60)
