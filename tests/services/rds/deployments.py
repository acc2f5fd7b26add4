"""A deployment with tables and its ways to be looked at, acted upon and killed; what its tests share."""

import contextlib
import os
import signal

import psycopg

from coldframe.core import process
from coldframe.engines.database import DatabaseError
from coldframe.jobs.run import Run
from coldframe.services.rds import lookup
from coldframe.services.rds.blue_green import guardrails, members
from coldframe.services.rds.blue_green.watching import looks_at_green_clusters
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.records import Cluster, Deployment, Endpoint
from tests.journeys.process import until
from tests.journeys.writers import connector, prepare
from tests.services.rds.clusters import at_cluster, made_cluster, remove_clusters, writer_of
from tests.services.rds.conftest import PASSWORD, deployment_of, described, made, settled


class Story:
    """A blue database with tables, its deployment, and ways to look at and to kill what is behind them."""

    def __init__(self, server, rds, engine="mariadb", *, instance=None, ready=True, **more):
        self.server, self.rds, self.kind = server, rds, engine
        self.blue = made(rds, engine, DBName="app", BackupRetentionPeriod=1, **(instance or {}))
        self.name = self.blue["DBInstanceIdentifier"]
        self.connect = connector(self.blue, PASSWORD)
        prepare(self.connect, engine, 8)
        self.deploy(self.blue["DBInstanceArn"], more)
        if ready:
            self.green = described(rds, self.ready()["Target"])
        self._writers_door = self.door(self.blue)

    def deploy(self, source, more):
        """Begin the deployment."""
        answer = self.rds.create_blue_green_deployment(
            BlueGreenDeploymentName=f"of-{self.name}", Source=source, **more
        )
        self.id = answer["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]

    def ready(self):
        """Wait until the deployment is there; gives its description."""
        self.deployment = settled(self.rds, self.id)
        assert self.deployment["Status"] == "AVAILABLE", self.deployment
        return self.deployment

    # What there is.

    def now(self):
        """The deployment as it is described now."""
        return deployment_of(self.rds, self.id)

    def events(self):
        """The messages of the deployment's events, oldest first."""
        found = self.rds.describe_events(SourceIdentifier=self.id, SourceType="blue-green-deployment")
        return [row["Message"] for row in found["Events"]]

    def row(self, side):
        """The record of an instance, whatever it is called now."""
        with self.server.installation.store.read() as transaction:
            records = transaction.records(self.server.account, "us-east-1")
            return lookup.by_resource(records, side["DbiResourceId"])

    @property
    def databases(self):
        return self.server.installation.parts.get(Databases)

    def engine(self, side):
        """The engine of an instance, and its spec."""
        row = self.row(side)
        return self.databases.engine(row.engine), self.databases.spec(row)

    def door(self, side):
        """The endpoints of an instance's engine, and its own."""
        with self.server.installation.store.read() as transaction:
            records = transaction.records(self.server.account, "us-east-1")
            door = self.databases.door(lookup.endpoint_of(records, self.row(side)))
        return self.databases.endpoints(self.kind), door

    def writable(self, side):
        engine, spec = self.engine(side)
        status = engine.status(spec)
        return status.state == "running" and not status.read_only

    def runs(self, side):
        engine, spec = self.engine(side)
        return engine.status(spec).state == "running"

    def activities(self, side):
        engine, spec = self.engine(side)
        return list(engine.activities.under_way(spec))

    def following(self):
        """How green follows blue."""
        engine, green = self.engine(self.green)
        return engine.copies.following(self.engine(self.blue)[1], green)

    def caught_up(self):
        """Whether green has all of blue; not while one of them comes up."""
        with contextlib.suppress(DatabaseError):
            return self._caught_up()
        return False

    def _caught_up(self):
        engine, green = self.engine(self.green)
        position = engine.copies.position(self.engine(self.blue)[1])
        now = self.following()
        return now.running and now.behind == 0 and engine.copies.reached(green, position)

    def check(self, name):
        """What one guardrail says now."""
        with self.server.installation.store.read() as transaction:
            records = transaction.records(self.server.account, "us-east-1")
            row, sides = records.get(Deployment, self.id), members.sides(records, self.id)
        run = Run.__new__(Run)
        run._parts = self.server.installation.parts.get
        return getattr(guardrails, name)(guardrails.Look(run, row, sides))

    # What is done to it.

    @contextlib.contextmanager
    def administrator(self, side):
        """A session of the server's own at the database itself, which no user has."""
        engine, spec = self.engine(side)
        if self.kind == "mariadb":
            with engine._instances.client(spec) as client:
                yield client
        else:
            socket = engine.reattach(spec).socket
            with psycopg.connect(
                host=str(socket.parent), user="rdsadmin", dbname="app", autocommit=True
            ) as connection:
                connection.query = connection.execute
                connection.execute("SET default_transaction_read_only = off")
                yield connection

    def on(self, side, mariadb, postgres):
        """Run statements as the administrator, those of the deployment's engine."""
        with self.administrator(side) as session:
            for statement in (mariadb if self.kind == "mariadb" else postgres).split("; "):
                if "{subscription}" in statement:
                    rows = session.execute(
                        "SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = 'app'"
                    ).fetchall()
                    statement = statement.format(subscription=rows[0][0])
                session.query(statement)

    def end_sessions(self, side, doing):
        """End the sessions of users that run a statement that begins so."""
        with self.administrator(side) as session:
            if self.kind == "mariadb":
                for row in session.query(
                    f"SELECT ID i FROM information_schema.PROCESSLIST WHERE INFO LIKE '{doing}%'"
                ):
                    session.query(f"KILL {row['i']}")
            else:
                session.execute(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '{doing}%' AND state = 'active'"
                )

    def kill(self, side):
        """Kill a database, and return when its process is gone: until then it looks as if it ran."""
        engine, spec = self.engine(side)
        pid = engine.reattach(spec).pid
        born = process.birth(pid)
        os.kill(pid, signal.SIGKILL)
        until(lambda: process.birth(pid) != born)

    def kill_endpoint(self):
        """Kill the process that the writers are connected to, whichever database has it now."""
        endpoints, door = self._writers_door
        os.kill(endpoints.status(door).pid, signal.SIGKILL)

    def begin(self, timeout=300):
        self.rds.switchover_blue_green_deployment(
            BlueGreenDeploymentIdentifier=self.id, SwitchoverTimeout=timeout
        )

    def switch(self, timeout=300):
        """Switch over, and give the deployment once that has ended."""
        self.begin(timeout)
        return settled(self.rds, self.id)

    # How it ended.

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


class ClusterStory(Story):
    """The same of a cluster: `blue` and `green` are its writers, and clients come through the cluster's endpoint."""

    def __init__(
        self, server, rds, engine="aurora-postgresql", *, members=2, cluster=None, before=None, **more
    ):
        self.server, self.rds = server, rds
        self.kind = "mariadb" if engine == "mariadb" else "postgres"
        made = made_cluster(rds, engine, members, **(cluster or {}))
        self.cluster = made["DBClusterIdentifier"]
        self.name = writer_of(rds, self.cluster)
        self.blue = described(rds, self.name)
        self.connect = connector(at_cluster(made), PASSWORD)
        prepare(self.connect, self.kind, 8)
        if before is not None:
            before(self.cluster)
        self.deploy(made["DBClusterArn"], more)
        self.green_cluster = self.ready()["Target"].rpartition(":")[2]
        self.green = described(rds, writer_of(rds, self.green_cluster))
        self._writers_door = self.cluster_door("endpoint")

    def cluster_door(self, which):
        """The endpoints of the blue cluster's engine, and one of its own."""
        with self.server.installation.store.read() as transaction:
            records = transaction.records(self.server.account, "us-east-1")
            row = records.get(Cluster, self.cluster)
            door = self.databases.door(records.get(Endpoint, getattr(row, which)))
        return self.databases.endpoints(self.kind), door

    def watch(self):
        """Have the watch look, which does so every few seconds."""
        for _, look in looks_at_green_clusters(self.server.installation):
            look()


def remove_cluster_deployments(rds):
    """Delete every deployment, and every cluster with its members."""
    for row in rds.describe_blue_green_deployments()["BlueGreenDeployments"]:
        settled(rds, row["BlueGreenDeploymentIdentifier"])
        with contextlib.suppress(
            rds.exceptions.BlueGreenDeploymentNotFoundFault,
            rds.exceptions.InvalidBlueGreenDeploymentStateFault,
        ):
            rds.delete_blue_green_deployment(
                BlueGreenDeploymentIdentifier=row["BlueGreenDeploymentIdentifier"]
            )
    until(lambda: not rds.describe_blue_green_deployments()["BlueGreenDeployments"], 60)
    remove_clusters(rds)


def at(monkeypatch, module, step, act, *, once=True):
    """Do something when a job comes to a step, before it."""
    original = getattr(module, step)
    happened = []

    def acting(*arguments):
        if not (happened and once):
            happened.append(1)
            act()
        return original(*arguments)

    monkeypatch.setattr(module, step, acting)
