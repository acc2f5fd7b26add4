"""The server is killed after every step of the job that makes green: it goes on until green is there, and blue is not touched.

Eight writers write to blue meanwhile. When green is there it has every row, and when the deployment is deleted nothing of it
is left: no record, no folder, no process, no slot or publication that would hold back blue's log.
"""

import contextlib
import json
import os
import sqlite3

import pytest

from coldframe.engines.postgresql import admin
from tests.jobs.crash import AFTER, BEFORE
from tests.journeys.dying import Servers, steps_of
from tests.journeys.process import ServerProcess, until
from tests.journeys.seen_databases import SeenDatabases
from tests.journeys.writers import Writers, connector, prepare, session
from tests.services.rds.clusters import at_cluster, cluster_of, end_clusters, made_cluster
from tests.services.rds.conftest import PASSWORD, available, described, made, remove_all, settled

# Of the steps those are chosen at which a kill may leave something; COLDFRAME_EVERY_STEP=1 has it killed at all of them.
EVERY = (lambda _: True) if os.environ.get("COLDFRAME_EVERY_STEP") else None
GROUPS = {"mariadb": "mariadb", "aurora-postgresql": "postgres", "postgres": "postgres"}


def rows_of(data, table):
    """What the records of a table say, looked at past the server."""
    with contextlib.closing(sqlite3.connect(f"file:{data}/coldframe.sqlite3?mode=ro", uri=True)) as store:
        return [json.loads(body) for (body,) in store.execute(f"SELECT _body FROM {table}")]


def steps(row, *, logical, cluster):
    """The steps of the job that makes the green side of a deployment."""
    greens = [each["target"][-6:] for each in row["members"] if each.get("kind", "db") == "db"]

    def one(name, kind="copy the source to"):
        return (
            f"work out the settings of {name}",
            f"{kind} {name}",
            f"start {name}",
            f"let {name} follow",
            f"let users write to {name} if they may",
            f"note the time of {name}",
            f"{name} is there",
        )

    tasks = [name for name, _ in row["tasks"]]
    yield "mark it invalid"
    if logical:
        yield "look for what cannot be replicated"
    yield from ("look at the parameters of green", "CREATING_READ_REPLICA_OF_SOURCE: IN_PROGRESS")
    yield from one(greens[0])
    if cluster:
        yield "its cluster has data"
    yield "CREATING_READ_REPLICA_OF_SOURCE: COMPLETED"
    if "DB_ENGINE_VERSION_UPGRADE" in tasks:
        yield "DB_ENGINE_VERSION_UPGRADE: COMPLETED"
    if "CONFIGURE_BACKUPS" in tasks:
        yield from (
            "CONFIGURE_BACKUPS: IN_PROGRESS",
            "begin its first backup",
            "wait for its first backup",
            "CONFIGURE_BACKUPS: COMPLETED",
        )
    topology = "CREATE_DB_INSTANCES_FOR_CLUSTER" if cluster else "CREATING_TOPOLOGY_OF_SOURCE"
    yield f"{topology}: IN_PROGRESS"
    for name in greens[1:]:
        yield from one(name)
    yield f"{topology}: COMPLETED"
    if cluster:
        yield from (
            "its cluster is there",
            "open the endpoints of its cluster",
            "CREATE_CUSTOM_ENDPOINTS: COMPLETED",
        )
    yield "it is available"


class Story:
    """A primary with a replica, or a cluster of two, that is written to while servers die over the making of its copy."""

    def __init__(self, data, engine, newer):
        self.data, self.cluster = data, engine == "aurora-postgresql" or newer == "cluster"
        self.logical = engine != "mariadb" and newer != ""
        with ServerProcess(data) as server:
            rds = server.client("rds")
            if self.cluster:
                blue = made_cluster(rds, engine, members=2)
                self.arn, where = blue["DBClusterArn"], at_cluster(blue)
                names = [each["DBInstanceIdentifier"] for each in blue["DBClusterMembers"]]
            else:
                blue = where = made(rds, engine, DBName="app", BackupRetentionPeriod=1)
                self.arn, names = blue["DBInstanceArn"], [blue["DBInstanceIdentifier"], "replica"]
                rds.create_db_instance_read_replica(
                    DBInstanceIdentifier="replica", SourceDBInstanceIdentifier=names[0]
                )
                available(rds, "replica")
            self.engine, self.wanted = where["Engine"], {}
            if self.logical:
                versions = rds.describe_db_engine_versions(Engine=engine)["DBEngineVersions"]
                self.wanted["TargetEngineVersion"] = versions[-1]["EngineVersion"]
            self.connect = connector(where, PASSWORD)
            prepare(self.connect, self.engine, 8)
            self.blue = SeenDatabases(data, [described(rds, name) for name in names])
            self.folders = {each.name for each in (data / "databases").glob("*-*")}
            self.doors = {each.name for each in (data / "databases" / "endpoints").iterdir()}
            self.pids = {name: self.blue.pid(name) for name in names}
            server.stop()

    def begin(self, servers):
        """Begin the deployment."""
        servers.ask(
            "create_blue_green_deployment", BlueGreenDeploymentName="killed", Source=self.arn, **self.wanted
        )

    def killed(self, moment, chosen):
        """Have a server die at each of the chosen steps; returns all the steps that there are."""
        with Servers(self.data, moment) as servers:
            servers.start("mark it invalid")
            self.begin(servers)
            servers.died("mark it invalid")
            (row,) = rows_of(self.data, "rds_deployments")
            every = list(steps(row, logical=self.logical, cluster=self.cluster))
            for step in every[1:]:
                if chosen(step):
                    servers.start(step)
                    servers.died(step)
                    assert self.untouched(), f"after {step!r} blue is not as it was"
        return every

    def untouched(self):
        """Whether the processes of blue are those of the beginning, and its writer takes writes."""
        return {name: self.blue.pid(name) for name in self.pids} == self.pids and len(
            self.blue.writable()
        ) == 1

    def left(self):
        """What there is that was not there before: folders and endpoints, and of PostgreSQL what keeps its log."""
        databases = self.data / "databases"
        found = {each.name for each in databases.glob("*-*")} - self.folders
        found |= {each.name for each in (databases / "endpoints").iterdir()} - self.doors
        if self.engine == "postgres":
            (writer,) = self.blue.writable()
            where = self.blue.engine.reattach(self.blue.specs[writer]).socket
            with admin.connected(where, "app") as connection:
                for kept in (
                    "SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical'",
                    "SELECT pubname FROM pg_publication",
                ):
                    found |= {row[0] for row in connection.query(kept)}
        return found


@pytest.fixture
def story(short_folder, engine, newer):
    data = short_folder / "data"
    try:
        yield Story(data, engine, newer)
    finally:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            end_clusters(rds)
            remove_all(rds)


def cases(*rows):
    return pytest.mark.parametrize(
        ("engine", "newer", "moment"),
        [pytest.param(*row, marks=pytest.mark.xdist_group(GROUPS[row[0]])) for row in rows],
    )


@cases(
    ("mariadb", "", BEFORE),
    ("aurora-postgresql", "newer", AFTER),
)
@pytest.mark.timeout(900)
def test_killed_after_every_step(story, moment):
    with Writers(story.connect) as writers:
        until(lambda: writers.written > 200)
        every = story.killed(moment, EVERY or acts)
        with ServerProcess(story.data) as server:
            (row,) = server.client("rds").describe_blue_green_deployments()["BlueGreenDeployments"]
            found = settled(server.client("rds"), row["BlueGreenDeploymentIdentifier"])
            server.stop()
    assert found["Status"] == "AVAILABLE", found
    assert {each["Status"] for each in found["SwitchoverDetails"]} == {"AVAILABLE"}
    assert {each["Status"] for each in found["Tasks"]} == {"COMPLETED"}
    assert story.untouched()
    assert steps_of(story.data, "rds.provision-deployment") == every
    assert not writers.errors, writers.errors[:5]
    writers.check()
    with ServerProcess(story.data) as server:
        rds, green = server.client("rds"), found["Target"].rpartition(":")[2]
        where = at_cluster(cluster_of(rds, green)) if story.cluster else described(rds, green)
        with session(connector(where, PASSWORD)) as cursor:
            until(lambda: counted(cursor) == writers.written)
        assert story.left(), "what green needs is not looked for where it is"
        rds.delete_blue_green_deployment(
            BlueGreenDeploymentIdentifier=found["BlueGreenDeploymentIdentifier"], DeleteTarget=True
        )
        until(lambda: not rds.describe_blue_green_deployments()["BlueGreenDeployments"], 120)
        with contextlib.suppress(AssertionError):
            until(lambda: not story.left(), 30)
        assert not story.left()
        assert story.untouched()


def acts(step):
    """Whether a step does more than to write a record down."""
    return step.startswith(("copy ", "start ", "let ", "open ", "begin ", "its cluster has data"))


def counted(cursor):
    cursor.execute("SELECT count(*) FROM written")
    return cursor.fetchone()[0]
