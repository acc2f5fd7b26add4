"""Metrics on a server: kept over a restart, emptied by dev mode's reset, guarded by IAM's namespace condition."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from coldframe.identity.accounts import create_access_key
from coldframe.identity.records import User
from tests.server_fixtures import running_server

DATUM = {"MetricName": "m", "Value": 1.0}


def total(client):
    now = datetime.now(UTC)
    points = client.get_metric_statistics(
        Namespace="kept",
        MetricName="m",
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=2),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def test_metrics_outlast_the_server(tmp_path):
    with running_server(tmp_path) as server:
        root = (server.account, server.access_key_id, server.secret_access_key)
        server.client("cloudwatch").put_metric_data(Namespace="kept", MetricData=[DATUM])
    with running_server(tmp_path, root=root) as server:
        client = server.client("cloudwatch")
        assert total(client) == 1
        assert len(client.list_metrics(Namespace="kept")["Metrics"]) == 1


def test_reset_forgets_them(tmp_path):
    with running_server(tmp_path, dev=True) as server:
        client = server.client("cloudwatch")
        client.put_metric_data(Namespace="kept", MetricData=[DATUM])
        assert total(client) == 1
        request = urllib.request.Request(f"{server.endpoint}/_coldframe/reset", method="POST")
        urllib.request.urlopen(request, timeout=10).close()
        client = server.client("cloudwatch", aws_access_key_id=server.account, aws_secret_access_key="x")
        assert total(client) == 0
        assert client.list_metrics(Namespace="kept")["Metrics"] == []


def test_policies_may_name_the_namespace(server):
    condition = {"StringEquals": {"cloudwatch:namespace": "mine"}}
    statement = {
        "Effect": "Allow",
        "Action": "cloudwatch:PutMetricData",
        "Resource": "*",
        "Condition": condition,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with server.installation.store.write() as transaction:
        records = transaction.records(server.account, "")
        records.add(User(name="app", id="AIDAAPP", path="/", created=0, inline={"p": document}))
        key, secret = create_access_key(
            records, server.installation.seal, account=server.account, user="app", now=0
        )
    client = server.client("cloudwatch", aws_access_key_id=key.id, aws_secret_access_key=secret)
    client.put_metric_data(Namespace="mine", MetricData=[DATUM])
    for refused, parameters in (
        (client.put_metric_data, {"Namespace": "other", "MetricData": [DATUM]}),
        (client.list_metrics, {}),
    ):
        with pytest.raises(ClientError) as caught:
            refused(**parameters)
        assert caught.value.response["Error"]["Code"] == "AccessDenied"
