"""CloudWatch speaks three protocols, and takes gzip bodies: the same data in and out by each of them."""

import gzip
import json
import urllib.error
import urllib.request
from datetime import timedelta
from xml.etree import ElementTree as ET

import cbor2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def send(server, body, headers, path="/"):
    """Sign and send a request as it is; returns status and body."""
    request = AWSRequest("POST", server.endpoint + path, data=body, headers=headers)
    keys = Credentials(server.access_key_id, server.secret_access_key)
    SigV4Auth(keys, "monitoring", "us-east-1").add_auth(request)
    prepared = request.prepare()
    wire = urllib.request.Request(prepared.url, data=body, headers=dict(prepared.headers), method="POST")
    try:
        with urllib.request.urlopen(wire, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def form(server, **fields):
    body = "&".join(f"{key}={urllib.request.quote(str(value), safe='')}" for key, value in fields.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return send(server, (body + "&Version=2010-08-01").encode(), headers)


def in_json(server, operation, parameters, *, squeeze=False):
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"GraniteServiceVersion20100801.{operation}",
    }
    body = json.dumps(parameters).encode()
    if squeeze:
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body)
    return send(server, body, headers)


def in_cbor(server, operation, parameters):
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
    return send(server, cbor2.dumps(parameters), headers, path)


@pytest.mark.parametrize("squeeze", [False, True])
def test_json(metrics, squeeze):
    datum = {"MetricName": "m", "Value": 2, "Timestamp": metrics.minute.timestamp()}
    status, _ = in_json(
        metrics.server,
        "PutMetricData",
        {"Namespace": metrics.namespace, "MetricData": [datum]},
        squeeze=squeeze,
    )
    assert status == 200
    status, body = in_json(metrics.server, "ListMetrics", {"Namespace": metrics.namespace})
    assert status == 200
    assert json.loads(body)["Metrics"] == [
        {"Namespace": metrics.namespace, "MetricName": "m", "Dimensions": []}
    ]


def test_cbor(metrics):
    stamp = cbor2.CBORTag(1, metrics.minute.timestamp())
    datum = {"MetricName": "m", "Values": [1.5, 2.5], "Timestamp": stamp}
    status, _ = in_cbor(
        metrics.server, "PutMetricData", {"Namespace": metrics.namespace, "MetricData": [datum]}
    )
    assert status == 200
    question = {
        "Namespace": metrics.namespace,
        "MetricName": "m",
        "StartTime": stamp,
        "EndTime": cbor2.CBORTag(1, metrics.minute.timestamp() + 60),
        "Period": 60,
        "Statistics": ["Sum"],
    }
    status, body = in_cbor(metrics.server, "GetMetricStatistics", question)
    assert status == 200
    (point,) = cbor2.loads(body)["Datapoints"]
    assert (point["Sum"], point["Timestamp"]) == (4, metrics.minute)


def test_query(metrics):
    when = metrics.minute.strftime("%Y-%m-%dT%H:%M:%SZ")
    datum = {"MetricName": "m", "Value": "3", "Timestamp": when, "Dimensions.member.1.Name": "a"}
    datum["Dimensions.member.1.Value"] = "b"
    fields = {f"MetricData.member.1.{key}": value for key, value in datum.items()}
    status, _ = form(metrics.server, Action="PutMetricData", Namespace=metrics.namespace, **fields)
    assert status == 200
    status, body = form(
        metrics.server,
        Action="GetMetricStatistics",
        Namespace=metrics.namespace,
        MetricName="m",
        StartTime=when,
        EndTime=(metrics.minute + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        Period=60,
        **{"Statistics.member.1": "Sum", "Dimensions.member.1.Name": "a", "Dimensions.member.1.Value": "b"},
    )
    assert status == 200
    tree = ET.fromstring(body)
    (value,) = tree.findall(".//{*}Sum")
    assert float(value.text) == 3


def test_errors_have_the_same_code_in_each(metrics):
    bad = {"Namespace": "AWS/x", "MetricData": [{"MetricName": "m", "Value": 1}]}
    fields = {"MetricData.member.1.MetricName": "m", "MetricData.member.1.Value": 1}
    status, body = form(metrics.server, Action="PutMetricData", Namespace="AWS/x", **fields)
    assert (status, ET.fromstring(body).find(".//{*}Code").text) == (400, "InvalidParameterValue")
    status, body = in_json(metrics.server, "PutMetricData", bad)
    assert (status, json.loads(body)["__type"].rpartition("#")[2]) == (400, "InvalidParameterValueException")
    status, body = in_cbor(metrics.server, "PutMetricData", bad)
    assert (status, cbor2.loads(body)["__type"].rpartition("#")[2]) == (400, "InvalidParameterValueException")


def test_boto3_sees_the_code_of_the_query_protocol(metrics):
    """The model is awsQueryCompatible: clients get the old code whatever protocol they speak."""
    error = metrics.refused(
        "put_metric_data", Namespace="AWS/x", MetricData=[{"MetricName": "m", "Value": 1}]
    )
    assert error["Code"] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("ListManagedInsightRules", {"ResourceARN": "arn:aws:s3:::bucket"}),
        ("GetOTelEnrichment", {}),
    ],
)
def test_what_is_not_built_answers_501_with_its_reason(metrics, operation, parameters):
    status, body = in_json(metrics.server, operation, parameters)
    assert status == 501
    answer = json.loads(body)
    assert f"cloudwatch:{operation} is not built" in answer.get("message", answer.get("Message", ""))
