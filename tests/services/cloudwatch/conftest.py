"""What the tests of CloudWatch share: one server a file, a client, and a namespace of the test's own."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server
from tests.services.cloudwatch.alarm_drills import clear


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("data")) as server:
        yield server


@pytest.fixture
def cloudwatch(running):
    """A client whose alarms are gone when the test is over."""
    client = running.client("cloudwatch")
    yield client
    clear(running, client)


@pytest.fixture
def metrics(running, request):
    """A client with `put(name, *values)`, `minute` (the one that began last) and `refused(operation, **)`."""
    client = running.client("cloudwatch")
    namespace = request.node.name[:200].replace("[", " ").replace("]", "")
    namespace = namespace.encode("ascii", "replace").decode()
    minute = datetime.fromtimestamp(int(running.clock.seconds() // 60 * 60), UTC)

    def put(name, *values, at=minute, dimensions=None, **more):
        datum = {"MetricName": name, "Timestamp": at, **more}
        if values:
            datum["Values"] = list(values)
        if dimensions:
            datum["Dimensions"] = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        client.put_metric_data(Namespace=namespace, MetricData=[datum])

    def refused(operation, **parameters):
        with pytest.raises(ClientError) as caught:
            getattr(client, operation)(**parameters)
        return caught.value.response["Error"]

    return SimpleNamespace(
        client=client,
        namespace=namespace,
        minute=minute,
        put=put,
        refused=refused,
        server=running,
        ago=lambda **parts: minute - timedelta(**parts),
    )
