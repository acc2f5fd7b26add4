"""A database from the form to the switchover, on the pages alone."""

import pytest

from tests.console.conftest import until

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
    # The page follows the deployment by itself.
    root.page.locator(".head .state", has_text="AVAILABLE").wait_for(timeout=120_000)
    assert root.text(".side.blue h3") == "orders"
    assert root.text(".side.green h3").startswith("orders-green-")
    root.page.reload()
    root.page.fill("[name=timeout]", "7")
    root.page.click("form.bar button")
    assert "greater than or equal to 30" in root.text(".problem")
    root.page.fill("[name=timeout]", "60")
    root.page.click("form.bar button")
    root.page.locator(".head .state", has_text="SWITCHOVER_COMPLETED").wait_for(timeout=120_000)
    root.page.reload()
    assert root.text(".side.blue h3") == "orders-old1"
    assert root.text(".side.green h3") == "orders"
    assert root.page.locator("tr.commit").count() == 1
    assert "paused writes for" in root.text("main")


def test_keyrings_are_for_those_who_may(visitor):
    root, reader = visitor(), visitor("reader")
    assert root.go("/keyrings") == 200
    assert root.text("h1") == "Keyrings"
    assert root.page.locator("tbody tr").count() >= 1
    assert reader.go("/keyrings") == 403
    assert "coldframe:ShowKeyrings" in reader.text(".problem")
