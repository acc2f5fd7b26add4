"""The server is killed after every step of a planned failover while eight writers write through the cluster's endpoint.

It is started again each time and goes on where it was; never do two members take writes, and nothing is lost or doubled.
"""

import pytest

from coldframe.core.config import default_cache_dir
from coldframe.engines.database import InstanceSpec
from tests.jobs.crash import AFTER, BEFORE
from tests.journeys.dying import Servers
from tests.journeys.process import ServerProcess, until
from tests.journeys.test_switchover_killed import ENGINES as PROGRAMS
from tests.journeys.writers import Writers, connector, prepare
from tests.services.rds.clusters import (
    at_cluster,
    cluster_of,
    made_cluster,
    remove_clusters,
    settled_cluster,
    writer_of,
)
from tests.services.rds.conftest import PASSWORD, available, described

STEPS = (
    "roll back",
    "choose the reader",
    "tell that it begins",
    "make it ready",
    "hold the clients",
    "the writer is to be read-only",
    "the writer is read-only",
    "the reader has everything",
    "the writer lets go",
    "commit point",
    "the reader is the writer",
    "it stops following",
    "it takes writes",
    "let the clients go on",
    "its endpoint is there",
    "tell that it is done",
    "spread the readers",
)


class Databases:
    """The members of a cluster, looked at past the server."""

    def __init__(self, data, members):
        self._engine = PROGRAMS["mariadb" if members[0]["Engine"] == "mariadb" else "postgres"](
            default_cache_dir()
        )
        self._specs = [
            InstanceSpec(
                name=each["DbiResourceId"],
                version=each["EngineVersion"],
                folder=data / "databases" / each["DbiResourceId"],
                serial=1,
            )
            for each in members
        ]

    def writable(self):
        """How many take writes."""
        found = [self._engine.status(spec) for spec in self._specs]
        return sum(each.state == "running" and not each.read_only for each in found)


@pytest.mark.parametrize(
    ("engine", "moment"),
    [
        pytest.param("mariadb", BEFORE, marks=pytest.mark.xdist_group("mariadb")),
        pytest.param("aurora-postgresql", AFTER, marks=pytest.mark.xdist_group("postgres")),
    ],
)
@pytest.mark.timeout(900)
def test_killed_after_every_step(short_folder, engine, moment):
    data = short_folder / "data"
    try:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            made = made_cluster(rds, engine, members=2)
            name = made["DBClusterIdentifier"]
            connect = connector(at_cluster(made), PASSWORD)
            prepare(connect, at_cluster(made)["Engine"], 8)
            before = writer_of(rds, name)
            members = [described(rds, each["DBInstanceIdentifier"]) for each in made["DBClusterMembers"]]
            databases = Databases(data, members)
            assert databases.writable() == 1
            server.stop()
        with Writers(connect) as writers:
            until(lambda: writers.written > 200)
            seen = []
            with Servers(data, moment) as servers:
                for step in STEPS:
                    servers.start(step)
                    if step == STEPS[0]:
                        servers.client().failover_db_cluster(DBClusterIdentifier=name)
                    servers.died(step)
                    seen.append(databases.writable())
                    assert seen[-1] < 2, f"two take writes after {step!r}"
            with ServerProcess(data) as server:
                rds = server.client("rds")
                settled_cluster(rds, name)
                assert writer_of(rds, name) != before, rds.describe_events(Duration=10)["Events"]
                written = writers.written
                until(lambda: writers.written > written + 200)
                available(rds, before)
        assert not writers.errors, writers.errors[:5]
        writers.check()
        assert databases.writable() == 1
        assert 0 in seen, "no kill met the time in which nobody writes"
    finally:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            for each in rds.describe_db_clusters()["DBClusters"]:
                until(
                    lambda each=each: cluster_of(rds, each["DBClusterIdentifier"])["Status"] == "available",
                    120,
                )
            remove_clusters(rds)
