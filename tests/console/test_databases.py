"""A database from the form to the switchover, on the pages alone."""

import pytest

from coldframe.console.pages import databases
from tests.console.conftest import until
from tests.services.rds.clusters import made_cluster
from tests.services.rds.deployments import remove_cluster_deployments

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def cleared(cloud):
    """Delete what a test made, so that no database outlives it."""
    yield
    rds = cloud.client("rds")

    def rest():
        """Whether nothing is being made or changed any more."""
        instances = rds.describe_db_instances()["DBInstances"]
        deployments = rds.describe_blue_green_deployments()["BlueGreenDeployments"]
        busy = {"PROVISIONING", "SWITCHOVER_IN_PROGRESS"}
        return all(each["DBInstanceStatus"] == "available" for each in instances) and not any(
            each["Status"] in busy for each in deployments
        )

    until(rest, 120)
    for each in rds.describe_blue_green_deployments()["BlueGreenDeployments"]:
        rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier=each["BlueGreenDeploymentIdentifier"])
    until(lambda: not rds.describe_blue_green_deployments()["BlueGreenDeployments"], 120)
    for each in rds.describe_db_instances()["DBInstances"]:
        rds.delete_db_instance(
            DBInstanceIdentifier=each["DBInstanceIdentifier"],
            SkipFinalSnapshot=True,
            DeleteAutomatedBackups=True,
        )
    until(lambda: not rds.describe_db_instances()["DBInstances"], 120)


def test_from_the_form_to_the_switchover(visitor, cloud, cleared):
    root, rds = visitor(), cloud.client("rds")
    root.go("/rds/db-instances/do/CreateDBInstance")
    root.page.fill("[name=DBInstanceIdentifier]", "orders")
    root.page.fill("[name=MasterUserPassword]", "Secret-pass-1")
    root.page.click(".ends button")
    root.page.wait_for_url("**/console/rds/db-instances")

    def instance():
        return rds.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]

    until(lambda: instance()["DBInstanceStatus"] == "available", 120)
    root.go("/rds/monitor?id=orders")
    assert root.text(".head .state") == "available"
    made = rds.create_blue_green_deployment(BlueGreenDeploymentName="up", Source=instance()["DBInstanceArn"])
    identifier = made["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
    root.go(f"/rds/deployment?id={identifier}")
    green = root.text(".side.green")
    assert "not made yet" in green or "orders-green-" in green
    # The page follows the deployment by itself, to the button and to the last step.
    root.page.locator(".head .state", has_text="AVAILABLE").wait_for(timeout=120_000)
    assert root.text(".side.blue h3") == "orders"
    assert root.text(".side.green h3").startswith("orders-green-")
    root.page.locator("[name=timeout]").wait_for()
    root.page.fill("[name=timeout]", "7")
    root.page.click("form.bar button")
    assert "greater than or equal to 30" in root.text(".problem")
    root.page.fill("[name=timeout]", "60")
    root.page.click("form.bar button")
    root.page.locator(".head .state", has_text="SWITCHOVER_COMPLETED").wait_for(timeout=120_000)
    assert root.text(".side.blue h3") == "orders-old1"
    assert root.text(".side.green h3") == "orders"
    root.page.locator("tr", has_text="tell that it is done").wait_for()
    assert root.page.locator("tr.commit").count() == 1
    until(lambda: "paused writes for" in root.text("main"))


@pytest.fixture
def cleared_of_clusters(cloud):
    """Delete the clusters that a test made, with their deployments."""
    yield
    remove_cluster_deployments(cloud.client("rds"))


def test_a_deployment_of_a_cluster(visitor, cloud, cleared_of_clusters):
    """Clusters, members and custom endpoints are shown in pairs, each as what it is."""
    root, rds = visitor(), cloud.client("rds")
    made = made_cluster(rds, "mariadb", members=1)
    name = made["DBClusterIdentifier"]
    rds.create_db_cluster_endpoint(
        DBClusterIdentifier=name, DBClusterEndpointIdentifier="reports", EndpointType="ANY"
    )
    answer = rds.create_blue_green_deployment(BlueGreenDeploymentName="both", Source=made["DBClusterArn"])
    identifier = answer["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"]
    root.go(f"/rds/deployment?id={identifier}")
    root.page.locator(".head .state", has_text="AVAILABLE").wait_for(timeout=120_000)
    root.page.reload()
    assert root.page.locator(".side.blue h3").all_inner_texts() == [name, f"{name}-a", "reports"]
    greens = root.page.locator(".side.green h3").all_inner_texts()
    assert [each.rpartition("-green-")[0] for each in greens] == [name, f"{name}-a", "reports"]
    assert root.page.locator(".side .state", has_text="missing").count() == 0
    shown = root.text("main")
    for words in (
        f"readers at {made['ReaderEndpoint']}",
        "any: all but none",
        "1 members",
        "CREATE_CUSTOM_ENDPOINTS",
    ):
        assert words in shown
    root.page.click(f"text={name} >> nth=0")
    assert root.text("h1") == name


def test_keyrings_are_for_those_who_may(visitor):
    root, reader = visitor(), visitor("reader")
    assert root.go("/keyrings") == 200
    assert root.text("h1") == "Keyrings"
    assert root.page.locator("tbody tr").count() >= 1
    assert reader.go("/keyrings") == 403
    assert "coldframe:ShowKeyrings" in reader.text(".problem")


def test_a_green_side_that_is_not_made_yet_is_no_other_database():
    """Without a name RDS would answer with whatever instance comes first; so it is not asked."""
    side = databases._side(client=None, arn="")
    assert (side["name"], side["status"], side["address"]) == ("–", "not made yet", "")
