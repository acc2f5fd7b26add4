"""Blue/Green deployments of DB clusters: what green has of blue, what changes hands, what is refused, and failovers meanwhile."""

import contextlib

import psycopg
import pymysql
import pytest
from botocore.exceptions import ClientError

from coldframe.services.rds.blue_green import switchover
from tests.journeys.process import until
from tests.journeys.writers import Writers, connector, session
from tests.services.rds.clusters import (
    Behind,
    add_member,
    at_cluster,
    cluster_of,
    made_cluster,
    settled_cluster,
    wanted_cluster,
    writer_of,
)
from tests.services.rds.conftest import PASSWORD, available, code_of, described, served, settled
from tests.services.rds.deployments import ClusterStory, at, remove_cluster_deployments

ERRORS = (pymysql.err.Error, psycopg.Error)
MARIADB = pytest.param("mariadb", marks=pytest.mark.xdist_group("cluster-deployments-mariadb"))
POSTGRES = pytest.param("aurora-postgresql", marks=pytest.mark.xdist_group("cluster-deployments-postgres"))


@pytest.fixture(scope="module")
def server():
    with served(remove_cluster_deployments) as running:
        yield running


@pytest.fixture(scope="module")
def rds(server):
    return server.client("rds")


@pytest.fixture(autouse=True)
def tidy(rds):
    """Every test begins without databases: an account has forty at most."""
    yield
    remove_cluster_deployments(rds)


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return code_of(caught), caught.value.response["Error"]["Message"]


def named(arn):
    """The kind and the name in an ARN."""
    return tuple(arn.split(":")[-2:])


@contextlib.contextmanager
def writing(story, *, errors=False):
    """Eight writers from before what is done until two hundred rows after it: each acknowledged row is there once."""
    with Writers(story.connect) as writers:

        def go_on():
            written = writers.written
            until(lambda: writers.written > written + 200, 90)

        go_on()
        yield go_on
        go_on()
    assert errors or not writers.errors, writers.errors[:5]
    writers.check()


def written_at(where):
    """How many rows there are at an endpoint."""
    with session(connector(where, PASSWORD)) as cursor:
        cursor.execute("SELECT count(*) FROM written")
        return cursor.fetchone()[0]


def at_address(cluster, address):
    return {**at_cluster(cluster), "Endpoint": {"Address": address, "Port": cluster["Port"]}}


@pytest.mark.parametrize("engine", [MARIADB, POSTGRES])
def test_everything_of_a_cluster_changes_hands(server, rds, monkeypatch, engine):
    family = {"mariadb": "mariadb10.11", "aurora-postgresql": "aurora-postgresql15"}[engine]
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=f"green-{engine}", DBParameterGroupFamily=family, Description="of a test"
    )

    def custom(cluster):
        rds.create_db_cluster_endpoint(
            DBClusterIdentifier=cluster,
            DBClusterEndpointIdentifier=f"{cluster}-reports",
            EndpointType="READER",
            StaticMembers=[f"{cluster}-b"],
            Tags=[{"Key": "who", "Value": "analysts"}],
        )

    story = ClusterStory(
        server,
        rds,
        engine,
        cluster={"Tags": [{"Key": "a", "Value": "b"}]},
        before=custom,
        TargetDBClusterParameterGroupName=f"green-{engine}",
        Tags=[{"Key": "of", "Value": "deployment"}],
    )
    name, found = story.cluster, story.deployment
    assert [task["Name"] for task in found["Tasks"]] == [
        "CREATING_READ_REPLICA_OF_SOURCE",
        "CREATE_DB_INSTANCES_FOR_CLUSTER",
        "CREATE_CUSTOM_ENDPOINTS",
    ]
    assert {task["Status"] for task in found["Tasks"]} == {"COMPLETED"}
    assert found["TagList"] == [{"Key": "of", "Value": "deployment"}]
    details = found["SwitchoverDetails"]
    blues = [
        ("cluster", name),
        ("db", f"{name}-a"),
        ("db", f"{name}-b"),
        ("cluster-endpoint", f"{name}-reports"),
    ]
    assert [named(each["SourceMember"]) for each in details] == blues
    greens = [named(each["TargetMember"]) for each in details]
    for (kind, blue), (green_kind, green) in zip(blues, greens, strict=True):
        assert green_kind == kind
        assert green.startswith(f"{blue}-green-")
        assert len(green) == len(blue) + 13
    assert (found["Source"], found["Target"]) == (details[0]["SourceMember"], details[0]["TargetMember"])

    blue, green = cluster_of(rds, name), cluster_of(rds, story.green_cluster)
    assert green["DBClusterParameterGroup"] == f"green-{engine}"
    assert green["TagList"] == [{"Key": "a", "Value": "b"}]
    assert writer_of(rds, story.green_cluster) == greens[1][1]
    (report,) = [
        row
        for row in rds.describe_db_cluster_endpoints(DBClusterIdentifier=story.green_cluster)[
            "DBClusterEndpoints"
        ]
        if row["EndpointType"] == "CUSTOM"
    ]
    assert report["StaticMembers"] == [greens[2][1]]
    with pytest.raises(ERRORS), session(connector(at_cluster(green), PASSWORD)) as cursor:
        cursor.execute("INSERT INTO counters VALUES (99, 0)")
    assert Behind(server, name).writable() == [story.name]
    assert Behind(server, story.green_cluster).writable() == []
    until(lambda: written_at(at_address(green, green["ReaderEndpoint"])) == 0)
    what_a_deployment_keeps_from_its_clusters(rds, story)

    heard = []
    at(monkeypatch, switchover, "_release", lambda: heard.append(waits_for(story)))
    with (
        writing(story),
        contextlib.closing(connector(at_address(blue, blue["ReaderEndpoint"]), PASSWORD)()) as reading,
        contextlib.closing(connector(at_address(blue, blue["CustomEndpoints"][0]), PASSWORD)()) as reporting,
        contextlib.closing(connector(described_with_database(rds, f"{name}-b"), PASSWORD)()) as direct,
    ):
        story.rolled_forward(story.switch())
        # Before the first client came, green's writer waited for its reader.
        assert heard == [True]
        # Who was connected to a reader goes on, at green's.
        for connection in (reading, reporting, direct):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM counters")
                assert cursor.fetchone()[0] == 8
    now, old = cluster_of(rds, name), cluster_of(rds, f"{name}-old1")
    assert now["DbClusterResourceId"] == green["DbClusterResourceId"]
    assert old["DbClusterResourceId"] == blue["DbClusterResourceId"]
    for each in ("Endpoint", "ReaderEndpoint", "CustomEndpoints"):
        assert (now[each], old[each]) == (blue[each], green[each])
    done = story.now()["SwitchoverDetails"]
    assert [named(each["TargetMember"]) for each in done] == blues
    assert [named(each["SourceMember"]) for each in done] == [(kind, f"{each}-old1") for kind, each in blues]
    assert {each["Status"] for each in done} == {"SWITCHOVER_COMPLETED"}
    assert Behind(server, name).writable() == [story.name]
    assert Behind(server, f"{name}-old1").writable() == []
    total = written_at(at_cluster(now))
    for address in (now["ReaderEndpoint"], now["CustomEndpoints"][0]):
        until(lambda address=address: written_at(at_address(now, address)) == total)
    # Old rows can still be read where they were.
    assert 0 < written_at(at_cluster(old)) < total
    assert 0 < written_at(at_address(old, old["ReaderEndpoint"])) < total
    Behind(server, name).promotable(1)
    events = story.events()
    assert (
        f"Switchover from DB cluster {name} to {story.green_cluster} completed. Renamed {name} to {name}-old1 and"
        in str(events)
    )
    what_is_left_of_blue(rds, story, total)


def described_with_database(rds, name):
    return {
        **described(rds, name),
        "DBName": "app",
        "Engine": "mariadb" if described(rds, name)["Engine"] == "mariadb" else "postgres",
    }


def what_a_deployment_keeps_from_its_clusters(rds, story):
    """What may not be done to either cluster meanwhile, and what their deployment is not made of again."""
    green, writer = story.green_cluster, story.green["DBInstanceIdentifier"]
    code, message = refused(rds.failover_db_cluster, DBClusterIdentifier=green)
    assert (code, story.id in message) == ("InvalidDBClusterStateFault", True)
    for each in (story.cluster, green):
        code, message = refused(rds.stop_db_cluster, DBClusterIdentifier=each)
        assert (code, "blue/green" in message) == ("InvalidDBClusterStateFault", True)
        code, message = refused(
            rds.create_blue_green_deployment,
            BlueGreenDeploymentName="again",
            Source=cluster_of(rds, each)["DBClusterArn"],
        )
        assert (code, story.id in message) == ("SourceClusterNotSupportedFault", True)
    code, message = refused(rds.delete_db_instance, DBInstanceIdentifier=writer, SkipFinalSnapshot=True)
    assert (code, story.id in message) == ("InvalidDBInstanceState", True)


def what_is_left_of_blue(rds, story, total):
    """It stays read-only whatever is done with it, and is deleted as other clusters."""
    old = f"{story.cluster}-old1"
    code, message = refused(
        rds.delete_blue_green_deployment, BlueGreenDeploymentIdentifier=story.id, DeleteTarget=True
    )
    assert code == "InvalidParameterCombination", message
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id)
    until(lambda: story.id not in str(rds.describe_blue_green_deployments()["BlueGreenDeployments"]), 60)
    assert refused(rds.failover_db_cluster, DBClusterIdentifier=old)[0] == "InvalidDBClusterStateFault"
    assert (
        refused(
            rds.create_blue_green_deployment,
            BlueGreenDeploymentName="old",
            Source=cluster_of(rds, old)["DBClusterArn"],
        )[0]
        == "SourceClusterNotSupportedFault"
    )
    assert written_at(at_cluster(cluster_of(rds, story.cluster))) == total


@pytest.mark.xdist_group("cluster-deployments-postgres")
def test_what_is_no_good_is_refused(rds):
    name = rds.create_db_cluster(**wanted_cluster())["DBCluster"]["DBClusterIdentifier"]
    settled_cluster(rds, name)
    source = cluster_of(rds, name)["DBClusterArn"]
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="other", DBParameterGroupFamily="mariadb10.11", Description="of a test"
    )

    def create(**more):
        return refused(
            rds.create_blue_green_deployment, **{"BlueGreenDeploymentName": "no", "Source": source, **more}
        )

    assert create() == ("InvalidDBClusterStateFault", f"DBCluster {name} has no instances.")
    add_member(rds, name, "aurora-postgresql", f"{name}-a")
    member = available(rds, f"{name}-a")["DBInstanceArn"]
    for more, code, word in (
        ({"Source": f"{source}x"}, "DBClusterNotFoundFault", "not found"),
        ({"Source": member}, "SourceDatabaseNotSupportedFault", "name the cluster"),
        ({"TargetEngineVersion": "9.6"}, "InvalidParameterCombination", "9.6"),
        ({"TargetDBInstanceClass": "db.t3.large"}, "InvalidParameterCombination", "TargetDBInstanceClass"),
        ({"TargetAllocatedStorage": 40}, "InvalidParameterCombination", "TargetAllocatedStorage"),
        ({"TargetStorageThroughput": 500}, "InvalidParameterCombination", "TargetStorageThroughput"),
        ({"TargetDBClusterParameterGroupName": "nobody"}, "DBClusterParameterGroupNotFound", "nobody"),
        ({"TargetDBClusterParameterGroupName": "other"}, "InvalidParameterCombination", "mariadb10.11"),
        ({"TargetDBParameterGroupName": "nobody"}, "DBParameterGroupNotFound", "nobody"),
        (
            {"TargetResourceConfigurations": [{"SourceArn": f"{member}x"}]},
            "InvalidParameterValue",
            "no resource of the blue",
        ),
    ):
        found, message = create(**more)
        assert (found, word in message) == (code, True), (more, message)
    rds.modify_db_cluster(DBClusterIdentifier=name, ManageMasterUserPassword=True)
    settled_cluster(rds, name)
    code, message = create()
    assert (code, "Secrets Manager" in message) == ("SourceClusterNotSupportedFault", True)
    assert not rds.describe_blue_green_deployments()["BlueGreenDeployments"]
    assert len(rds.describe_db_clusters()["DBClusters"]) == 1


@pytest.mark.parametrize("engine", [MARIADB, POSTGRES])
def test_green_follows_again_after_a_death_of_its_own_and_a_failover_of_blue(server, rds, engine):
    story = ClusterStory(server, rds, engine)
    story.kill(story.green)
    until(lambda: story.runs(story.green) and not story.writable(story.green), 60)
    until(story.caught_up, 60)

    def follows():
        story.watch()
        (writer,) = Behind(server, story.cluster).writable()
        blue = {"DbiResourceId": described(rds, writer)["DbiResourceId"]}
        return story.row(story.green).source == blue["DbiResourceId"]

    # What is written before, during and after the failover is there after the switchover.
    with writing(story):
        rds.failover_db_cluster(DBClusterIdentifier=story.cluster)
        settled_cluster(rds, story.cluster)
        assert writer_of(rds, story.cluster) != story.name
        until(follows, 60)
        for each in cluster_of(rds, story.cluster)["DBClusterMembers"]:
            available(rds, each["DBInstanceIdentifier"])
        story.rolled_forward(story.switch())
    assert Behind(server, f"{story.cluster}-old1").writable() == []
    Behind(server, story.cluster).promotable(1)


@pytest.mark.parametrize("engine", [POSTGRES])
def test_a_writer_whose_data_are_lost_degrades_a_logical_replication_for_good(server, rds, engine):
    """Up to where green has everything was known to it alone."""
    story = ClusterStory(server, rds, engine)
    behind = Behind(server, story.cluster)
    behind.promotable(1)
    _, spec = behind.engine(story.name)
    (spec.folder / "data").rename(spec.folder / "lost")
    behind.kill(story.name)
    until(lambda: writer_of(rds, story.cluster) != story.name, 60)
    settled_cluster(rds, story.cluster)
    writer = writer_of(rds, story.cluster)
    until(lambda: story.watch() or "StatusDetails" in story.now(), 60)
    said = f"Replication degraded: after a failover {writer} is the writer, which"
    assert story.now()["StatusDetails"].startswith(said), story.now()
    for each in cluster_of(rds, story.cluster)["DBClusterMembers"]:
        available(rds, each["DBInstanceIdentifier"])
    found = story.switch()
    assert (found["Status"], said in found["StatusDetails"]) == ("AVAILABLE", True)
    with story.administrator(described(rds, writer)) as there:
        assert there.execute("SELECT pubname FROM pg_publication").fetchall() == []
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id, DeleteTarget=True)
    until(lambda: story.id not in str(rds.describe_blue_green_deployments()["BlueGreenDeployments"]), 60)
    assert [row["DBClusterIdentifier"] for row in rds.describe_db_clusters()["DBClusters"]] == [story.cluster]
    assert len(rds.describe_db_instances()["DBInstances"]) == 2
    with session(story.connect) as cursor:
        cursor.execute("INSERT INTO counters VALUES (99, 0)")


@pytest.mark.parametrize("engine", [MARIADB, POSTGRES])
def test_what_fails_is_rolled_back_and_what_is_decided_is_done(server, rds, monkeypatch, engine):
    story = ClusterStory(server, rds, engine)
    # As long as green follows nobody of its readers may take over, who does not follow blue.
    assert Behind(server, story.green_cluster).record().promotable == []
    with writing(story, errors=True) as go_on:
        at(monkeypatch, switchover, "_catch_up", lambda: story.kill(story.blue))
        story.rolled_back(story.switch())
        monkeypatch.undo()
        until(story.caught_up, 60)
        go_on()
        at(monkeypatch, switchover, "_in_time", lambda: server.clock.advance(200))
        found = story.switch(timeout=30)
        story.rolled_back(found)
        assert "time limit" in found["StatusDetails"]
        monkeypatch.undo()
        until(story.caught_up, 60)
        go_on()
        at(monkeypatch, switchover, "_promote", lambda: story.kill(story.green))
        story.rolled_forward(story.switch())
    Behind(server, story.cluster).promotable(1)


def waits_for(story):
    """Whether green's writer waits for one of its readers before it acknowledges."""
    with story.administrator(story.green) as there:
        if story.kind == "mariadb":
            (row,) = there.query(
                "SELECT @@global.rpl_semi_sync_master_enabled e, VARIABLE_VALUE n FROM information_schema.GLOBAL_STATUS"
                " WHERE VARIABLE_NAME = 'Rpl_semi_sync_master_clients'"
            )
            return (row["e"], row["n"]) == ("1", "1")
        return there.execute("SELECT sync_state FROM pg_stat_replication").fetchall() == [("quorum",)]


@pytest.mark.parametrize("engine", [POSTGRES])
def test_a_cluster_that_cannot_be_copied(server, rds, engine):
    """A table without a key: what is left of green goes with the deployment."""
    made = made_cluster(rds, engine, 1)
    with session(connector(at_cluster(made), PASSWORD)) as cursor:
        cursor.execute("CREATE TABLE keyless (n INT)")
    answer = rds.create_blue_green_deployment(BlueGreenDeploymentName="no", Source=made["DBClusterArn"])
    # As at AWS: a target is named once it is there.
    assert "Target" not in answer["BlueGreenDeployment"]
    identifier = answer["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
    found = settled(rds, identifier)
    assert found["Status"] == "INVALID_CONFIGURATION", found
    assert "keyless" in found["StatusDetails"], found
    green = found["Target"].rpartition(":")[2]
    assert cluster_of(rds, green)["Status"] == "failed"
    assert (
        refused(rds.switchover_blue_green_deployment, BlueGreenDeploymentIdentifier=identifier)[0]
        == "InvalidBlueGreenDeploymentStateFault"
    )
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier, DeleteTarget=True)
    until(lambda: not rds.describe_blue_green_deployments()["BlueGreenDeployments"], 60)
    left = [row["DBClusterIdentifier"] for row in rds.describe_db_clusters()["DBClusters"]]
    assert left == [made["DBClusterIdentifier"]]
    assert len(rds.describe_db_instances()["DBInstances"]) == 1


@pytest.mark.parametrize("engine", [POSTGRES])
def test_readers_that_come_and_go(server, rds, engine):
    story = ClusterStory(server, rds, engine)
    reader = story.deployment["SwitchoverDetails"][2]["TargetMember"].rpartition(":")[2]
    add_member(rds, story.green_cluster, engine, "extra")
    available(rds, "extra")
    rds.delete_db_instance(DBInstanceIdentifier=reader, SkipFinalSnapshot=True)
    until(lambda: story.now()["SwitchoverDetails"][2]["Status"] == "MISSING_TARGET", 60)
    assert story.now()["Status"] == "AVAILABLE"
    with writing(story):
        story.rolled_forward(story.switch())
    members = {name: Behind(server, name).members() for name in (story.cluster, f"{story.cluster}-old1")}
    assert set(members[story.cluster]) == {story.name, "extra"}
    assert set(members[f"{story.cluster}-old1"]) == {f"{story.name}-old1", f"{story.cluster}-b"}
    Behind(server, story.cluster).promotable(1)


@pytest.mark.parametrize("engine", [MARIADB, POSTGRES])
def test_a_green_cluster_that_is_left_stands_alone(server, rds, engine):
    story = ClusterStory(server, rds, engine)
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=story.id)
    until(lambda: story.id not in str(rds.describe_blue_green_deployments()["BlueGreenDeployments"]), 60)
    green = Behind(server, story.green_cluster)
    until(lambda: green.writable() == [story.green["DBInstanceIdentifier"]], 60)
    green.promotable(1)
    for where, number in (
        (story.connect, 98),
        (connector(at_cluster(cluster_of(rds, story.green_cluster)), PASSWORD), 99),
    ):
        with session(where) as cursor:
            cursor.execute("INSERT INTO counters VALUES (%s, 0)", (number,))
    with session(story.connect) as cursor:
        cursor.execute("SELECT count(*) FROM counters")
        assert cursor.fetchone()[0] == 9


@pytest.mark.parametrize(
    "engine", [pytest.param("postgres", marks=pytest.mark.xdist_group("cluster-deployments-postgres"))]
)
def test_a_multi_az_cluster_gets_a_newer_version(server, rds, engine):
    story = ClusterStory(
        server,
        rds,
        engine,
        members=0,
        cluster={"DBClusterInstanceClass": "db.t3.medium", "AllocatedStorage": 20, "EngineVersion": "15"},
        TargetEngineVersion="17",
        TargetDBInstanceClass="db.t3.large",
    )
    assert "DB_ENGINE_VERSION_UPGRADE" in [task["Name"] for task in story.deployment["Tasks"]]
    assert len(story.deployment["SwitchoverDetails"]) == 4
    with writing(story):
        story.rolled_forward(story.switch())
    now = cluster_of(rds, story.cluster)
    assert now["EngineVersion"].startswith("17.")
    assert (now["DBClusterInstanceClass"], now["DBClusterParameterGroup"]) == (
        "db.t3.large",
        "default.postgres17",
    )
    assert len(now["DBClusterMembers"]) == 3
    assert cluster_of(rds, f"{story.cluster}-old1")["EngineVersion"].startswith("15.")
    Behind(server, story.cluster).promotable(2)
