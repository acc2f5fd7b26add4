"""What the tests of RDS share: one server for a file, waiting for statuses, and the end of every process at its end."""

import contextlib
import itertools
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.journeys.process import until
from tests.server_fixtures import running_server

PASSWORD = "correct-horse-9"
_numbers = itertools.count()


@contextlib.contextmanager
def served(remove=None, *, home=None, **settings):
    """A server with a folder of its own; `remove` (`remove_all` where none is given) ends its databases.

    The folder is none of pytest's: every pytest that the same user starts closes the one that they all lie in, also to
    the account that databases run as. `home` is where it lies, such as a file system of the test's own.
    """
    folder = Path(tempfile.mkdtemp(prefix="cf-", dir=home))
    with running_server(folder / "data", **settings) as running:
        try:
            yield running
        finally:
            (remove or remove_all)(running.client("rds"))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server():
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def rds(server):
    return server.client("rds")


def remove_all(rds):
    """Delete every deployment and every instance, and wait until their processes are gone."""
    for row in rds.describe_blue_green_deployments()["BlueGreenDeployments"]:
        # One that is being deleted already goes in between.
        gone = (
            rds.exceptions.BlueGreenDeploymentNotFoundFault,
            rds.exceptions.InvalidBlueGreenDeploymentStateFault,
        )
        with contextlib.suppress(*gone):
            settled(rds, row["BlueGreenDeploymentIdentifier"])
            rds.delete_blue_green_deployment(
                BlueGreenDeploymentIdentifier=row["BlueGreenDeploymentIdentifier"]
            )
    until(lambda: not rds.describe_blue_green_deployments()["BlueGreenDeployments"], 60)

    def none_left():
        found = rds.describe_db_instances()["DBInstances"]
        for row in found:
            if row["DeletionProtection"]:
                rds.modify_db_instance(
                    DBInstanceIdentifier=row["DBInstanceIdentifier"], DeletionProtection=False
                )
            elif row["DBInstanceStatus"] in {"available", "stopped", "failed"}:
                # Deleting a source promotes its replicas, which are busy with that for a moment.
                with contextlib.suppress(rds.exceptions.InvalidDBInstanceStateFault):
                    rds.delete_db_instance(
                        DBInstanceIdentifier=row["DBInstanceIdentifier"], SkipFinalSnapshot=True
                    )
        return not found

    until(none_left, 60)


def wanted(engine="mariadb", **more):
    """The parameters of CreateDBInstance for a small instance with a name of its own."""
    return {
        "DBInstanceIdentifier": f"{engine}-{next(_numbers)}",
        "Engine": engine,
        "MasterUsername": "owner",
        "MasterUserPassword": PASSWORD,
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 20,
        "BackupRetentionPeriod": 0,
        **more,
    }


def described(rds, name):
    """A DBInstance as it is described now."""
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def available(rds, name):
    """Wait until an instance is available; gives its description."""

    def there():
        found = described(rds, name)
        assert found["DBInstanceStatus"] != "failed", rds.describe_events(Duration=60)["Events"]
        return found if found["DBInstanceStatus"] == "available" else None

    return until(there, 60)


def made(rds, engine="mariadb", **more):
    """Make an instance and wait until it is available; gives its description."""
    name = rds.create_db_instance(**wanted(engine, **more))["DBInstance"]["DBInstanceIdentifier"]
    return available(rds, name)


def deployment_of(rds, identifier):
    """A BlueGreenDeployment as it is described now."""
    return rds.describe_blue_green_deployments(BlueGreenDeploymentIdentifier=identifier)[
        "BlueGreenDeployments"
    ][0]


def settled(rds, identifier):
    """Wait until nothing is under way in a deployment; gives its description."""

    def there():
        found = deployment_of(rds, identifier)
        return None if found["Status"] in {"PROVISIONING", "SWITCHOVER_IN_PROGRESS"} else found

    return until(there, 120)


def code_of(caught):
    """The code of a ClientError that pytest.raises caught."""
    return caught.value.response["Error"]["Code"]
