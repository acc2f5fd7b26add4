"""Blue/Green deployments of DB clusters by their API: created, described, switched over, deleted, and what is refused."""

import pytest

from tests.journeys.writers import connector, prepare, session
from tests.services.rds.clusters import at_cluster, cluster_of, made_cluster, remove_clusters
from tests.services.rds.conftest import PASSWORD, described, remove_all, served, settled


def remove(rds):
    remove_all_deployments(rds)
    remove_clusters(rds)


@pytest.fixture(scope="module")
def server():
    with served(lambda rds: remove_clusters(rds)) as running:
        yield running


@pytest.fixture(scope="module")
def rds(server):
    return server.client("rds")


@pytest.mark.parametrize("engine", ["aurora-postgresql", "mariadb"])
def test_path(rds, engine):
    blue = made_cluster(rds, engine)
    connect = connector(at_cluster(blue), PASSWORD)
    prepare(connect, at_cluster(blue)["Engine"], 2)
    a = rds.create_blue_green_deployment(BlueGreenDeploymentName="x" + engine, Source=blue["DBClusterArn"])[
        "BlueGreenDeployment"
    ]
    print(a)
    d = settled(rds, a["BlueGreenDeploymentIdentifier"])
    print(d)
    assert d["Status"] == "AVAILABLE"
    rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=d["BlueGreenDeploymentIdentifier"])
    d = settled(rds, a["BlueGreenDeploymentIdentifier"])
    print(d)
    print(rds.describe_db_clusters())
    for e in rds.describe_events()["Events"]:
        print(e["SourceIdentifier"], e["Message"])
    assert d["Status"] == "SWITCHOVER_COMPLETED"
    with session(connect) as cursor:
        cursor.execute("INSERT INTO counters VALUES (77, 1)")
    rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=d["BlueGreenDeploymentIdentifier"])
