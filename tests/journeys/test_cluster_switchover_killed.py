"""The server is killed after every step of a cluster's switchover while eight writers write through the cluster's endpoint.

It is started again each time and goes on where it was; never do a member of blue and one of green take writes at once, and
nothing is lost, doubled, or an error.
"""

import pytest

from tests.jobs.crash import AFTER, BEFORE
from tests.journeys.dying import Servers, steps_of
from tests.journeys.process import ServerProcess, until
from tests.journeys.seen_databases import SeenDatabases
from tests.journeys.test_switchover_killed import STEPS as OF_INSTANCES
from tests.journeys.writers import Writers, connector, prepare
from tests.services.rds.clusters import (
    at_cluster,
    cluster_of,
    end_clusters,
    made_cluster,
    settled_cluster,
    writer_of,
)
from tests.services.rds.conftest import PASSWORD, available, described, settled

_BEFORE_CLIENTS = OF_INSTANCES.index("let the clients go on")
STEPS = (*OF_INSTANCES[:_BEFORE_CLIENTS], "its readers acknowledge", *OF_INSTANCES[_BEFORE_CLIENTS:])


def looked_at(data, rds, cluster):
    """The members of a cluster, looked at past the server."""
    names = [each["DBInstanceIdentifier"] for each in cluster_of(rds, cluster)["DBClusterMembers"]]
    return SeenDatabases(data, [described(rds, name) for name in names])


def both(blue, green):
    """How many take writes in each of two clusters."""
    return len(blue.writable()), len(green.writable())


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
            deployment = rds.create_blue_green_deployment(
                BlueGreenDeploymentName="killed", Source=made["DBClusterArn"]
            )["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
            found = settled(rds, deployment)
            assert found["Status"] == "AVAILABLE", found
            blue, green = (
                looked_at(data, rds, found[side].rpartition(":")[2]) for side in ("Source", "Target")
            )
            assert both(blue, green) == (1, 0)
            server.stop()
        with Writers(connect) as writers:
            until(lambda: writers.written > 200)
            seen = []
            with Servers(data, moment) as servers:
                for step in STEPS:
                    servers.start(step)
                    if step == STEPS[0]:
                        servers.ask(
                            "switchover_blue_green_deployment", BlueGreenDeploymentIdentifier=deployment
                        )
                    servers.died(step)
                    seen.append(both(blue, green))
                    assert sum(seen[-1]) < 2, f"two take writes after {step!r}: {seen[-1]}"
            with ServerProcess(data) as server:
                rds = server.client("rds")
                done = settled(rds, deployment)
                assert done["Status"] == "SWITCHOVER_COMPLETED", done
                written = writers.written
                until(lambda: writers.written > written + 200)
                assert both(blue, green) == (0, 1)
                writer = writer_of(rds, name)
                for each in cluster_of(rds, name)["DBClusterMembers"]:
                    available(rds, each["DBInstanceIdentifier"])
                # Green's reader goes on as one that may take over, and has every row.
                rds.failover_db_cluster(DBClusterIdentifier=name)
                settled_cluster(rds, name)
                assert writer_of(rds, name) != writer, rds.describe_events(Duration=10)["Events"]
        assert not writers.errors, writers.errors[:5]
        writers.check()
        assert (0, 0) in seen, "no kill met the time in which nobody writes"
        assert steps_of(data, "rds.switch-over") == list(STEPS)
    finally:
        with ServerProcess(data) as server:
            rds = server.client("rds")
            end_clusters(rds)
