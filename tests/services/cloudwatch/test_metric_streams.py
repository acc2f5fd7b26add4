"""Metric streams through Firehose into S3. Source: Amazon CloudWatch User Guide, "Use metric streams"."""

import json
import struct
import time
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from coldframe.services.cloudwatch.metric_streamer import MetricStreamer
from coldframe.services.firehose.buffers import Buffers
from coldframe.services.firehose.records import DeliveryStream

MINUTE = 60
BUCKET = "of-metric-streams"


def trust(*services):
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allowing(*actions):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def delivery(running):
    """A delivery stream that delivers at once, and a role that may put into it: their ARNs."""
    iam = running.client("iam")
    role = iam.create_role(
        RoleName="streams",
        AssumeRolePolicyDocument=trust("firehose.amazonaws.com", "streams.metrics.cloudwatch.amazonaws.com"),
    )["Role"]["Arn"]
    document = allowing("firehose:PutRecord", "firehose:PutRecordBatch", "s3:PutObject")
    iam.put_role_policy(RoleName="streams", PolicyName="p", PolicyDocument=document)
    running.client("s3").create_bucket(Bucket=BUCKET)
    arn = running.client("firehose").create_delivery_stream(
        DeliveryStreamName="metrics",
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0},
        },
    )["DeliveryStreamARN"]
    return arn, role


@pytest.fixture
def client(running, delivery):
    client = running.client("cloudwatch")
    yield client
    for entry in client.list_metric_streams()["Entries"]:
        client.delete_metric_stream(Name=entry["Name"])


@pytest.fixture
def put(client, delivery):
    def make(name="s", **changed):
        request = {
            "Name": name,
            "FirehoseArn": delivery[0],
            "RoleArn": delivery[1],
            "OutputFormat": "json",
        } | changed
        return client.put_metric_stream(**request)

    return make


@pytest.fixture
def namespace(request):
    return f"Shop {request.node.name}"


def datum(client, running, namespace, *values, name="Latency", minutes_ago=0, **more):
    at = (int(running.clock.seconds()) // MINUTE - minutes_ago) * MINUTE
    client.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Timestamp": datetime.fromtimestamp(at, UTC),
                "Values": list(values),
                **more,
            }
        ],
    )
    return at


def sent(running, seconds=0, *, as_bytes=False):
    """What has arrived in S3 since the last look, after some time has passed."""
    running.clock.advance(seconds)
    installation = running.installation
    installation.parts.get(MetricStreamer).run_due()
    stream = installation.store.cached(DeliveryStream, running.account, "us-east-1", "metrics")
    buffers, ends = installation.parts.get(Buffers), time.monotonic() + 60
    # A record leaves its buffer once it is in an object.
    while buffers.counts(stream.id, 0).size:
        assert time.monotonic() < ends, "Firehose does not deliver"
        time.sleep(0.02)
    s3, bodies = running.client("s3"), []
    for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        bodies.append(s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read())
        s3.delete_object(Bucket=BUCKET, Key=found["Key"])
    if as_bytes:
        return b"".join(bodies)
    lines = [json.loads(line) for body in bodies for line in body.splitlines()]
    return sorted(lines, key=lambda line: line["timestamp"])


def of(lines, namespace):
    return [line for line in lines if line["namespace"] == namespace]


def test_every_minute_is_sent_once_it_has_ended(client, running, put, namespace):
    put()
    dimensions = [{"Name": "page", "Value": "cart"}]
    at = datum(client, running, namespace, 1.0, 5.0, 3.0, Dimensions=dimensions, Unit="Seconds")
    assert of(sent(running), namespace) == []
    [line] = of(sent(running, 2 * MINUTE), namespace)
    assert line == {
        "metric_stream_name": "s",
        "account_id": running.account,
        "region": "us-east-1",
        "namespace": namespace,
        "metric_name": "Latency",
        "dimensions": {"page": "cart"},
        "timestamp": at * 1000,
        "value": {"count": 3.0, "sum": 9.0, "max": 5.0, "min": 1.0},
        "unit": "Seconds",
    }
    assert of(sent(running, 2 * MINUTE), namespace) == []


def test_what_comes_late_is_sent_again_with_what_there_was(client, running, put, namespace):
    put()
    datum(client, running, namespace, 1.0)
    assert len(of(sent(running, 2 * MINUTE), namespace)) == 1
    datum(client, running, namespace, 4.0, minutes_ago=2)
    [line] = of(sent(running), namespace)
    assert line["value"] == {"count": 2.0, "sum": 5.0, "max": 4.0, "min": 1.0}


def test_filters(client, running, put, namespace):
    put("only", IncludeFilters=[{"Namespace": namespace, "MetricNames": ["A"]}, {"Namespace": "Other"}])
    put("but", ExcludeFilters=[{"Namespace": namespace, "MetricNames": ["A"]}])
    for name in ("A", "B"):
        datum(client, running, namespace, 1.0, name=name)
    lines = of(sent(running, 2 * MINUTE), namespace)
    assert sorted((line["metric_stream_name"], line["metric_name"]) for line in lines) == [
        ("but", "B"),
        ("only", "A"),
    ]


def test_additional_statistics(client, running, put, namespace):
    metric = {"Namespace": namespace, "MetricName": "Latency"}
    put(
        StatisticsConfigurations=[
            {"IncludeMetrics": [metric], "AdditionalStatistics": ["p50", "TM(10%:90%)"]}
        ]
    )
    datum(client, running, namespace, *map(float, range(1, 11)))
    datum(client, running, namespace, 1.0, name="Other")
    lines = {line["metric_name"]: line["value"] for line in of(sent(running, 2 * MINUTE), namespace)}
    assert lines["Latency"]["p50"] == 5.0
    assert lines["Latency"]["TM(10%:90%)"] == 5.5
    assert set(lines["Other"]) == {"count", "sum", "max", "min"}


@pytest.mark.parametrize("version", ["opentelemetry0.7", "opentelemetry1.0"])
def test_open_telemetry(client, running, put, namespace, version):
    """What the guide shows as text, in the fields of metrics.proto of v0.7.0 and v1.0.0."""
    metric = {"Namespace": namespace, "MetricName": "Latency"}
    arn = put(
        OutputFormat=version,
        IncludeFilters=[{"Namespace": namespace}],
        StatisticsConfigurations=[{"IncludeMetrics": [metric], "AdditionalStatistics": ["p50"]}],
    )["Arn"]
    dimensions = [{"Name": "Host", "Value": "a"}]
    at = datum(client, running, namespace, 1.0, 2.0, 9.0, Unit="Bytes/Second", Dimensions=dimensions)
    datum(client, running, namespace, 5.0, name="Orders", Unit="None")
    found = sent(running, 130, as_bytes=True)
    (request,) = framed(found)
    (of_resource,) = fields(request)[1]
    (resource,), (scope,) = fields(of_resource)[1], fields(of_resource)[2]
    assert dict(map(attribute, fields(resource)[1])) == {
        "cloud.provider": "aws",
        "cloud.account.id": running.account,
        "cloud.region": "us-east-1",
        "aws.exporter.arn": arn,
    }
    metrics = {fields(each)[1][0].decode(): fields(each) for each in fields(scope)[2]}
    assert sorted(metrics) == [f"amazonaws.com/{namespace}/{name}" for name in ("Latency", "Orders")]
    latency, orders = (metrics[name] for name in sorted(metrics))
    assert (latency[3], orders[3]) == ([b"By/s"], [b"1"])
    (point,) = fields(latency[11][0])[1]
    told = fields(point)
    assert (told[2], told[3]) == ([at * 10**9], [(at + 60) * 10**9])
    assert (told[4], struct.unpack("<d", struct.pack("<Q", told[5][0]))) == ([3], (12.0,))
    quantiles = [{key: number(value[0]) for key, value in fields(each).items()} for each in told[6]]
    assert [(each[1], each[2]) for each in quantiles] == [
        (0.0, 1.0),
        (0.5, pytest.approx(2.0, rel=0.01)),
        (1.0, 9.0),
    ]
    if version == "opentelemetry0.7":
        labels = [fields(each) for each in told[1]]
        assert {each[1][0]: each[2][0] for each in labels} == {
            b"Namespace": namespace.encode(),
            b"MetricName": b"Latency",
            b"Host": b"a",
        }
        assert 7 not in told
    else:
        assert dict(map(attribute, told[7])) == {**metric, "Dimensions": {"Host": "a"}}
        assert 1 not in told


def framed(body):
    """The messages of a body, each with its length before it."""
    found, at = [], 0
    while at < len(body):
        size, at = varint(body, at)
        found.append(body[at : at + size])
        at += size
    return found


def varint(body, at):
    value = shift = 0
    while True:
        value |= (body[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if body[at - 1] < 0x80:
            return value, at


def fields(message):
    """The fields of a message by their numbers: bytes, and numbers of eight bytes as they lie there."""
    found, at = {}, 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 1:
            value, at = int.from_bytes(message[at : at + 8], "little"), at + 8
        else:
            assert key & 7 == 2, "no other kind is written"
            size, at = varint(message, at)
            value, at = message[at : at + size], at + size
        found.setdefault(key >> 3, []).append(value)
    return found


def number(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def attribute(message):
    """A KeyValue: of text, or of a list of such."""
    told = fields(message)
    value = fields(told[2][0])
    inner = dict(map(attribute, fields(value[6][0]).get(1, []))) if 6 in value else value[1][0].decode()
    return told[1][0].decode(), inner


def test_a_stopped_stream_sends_nothing(client, running, put, namespace):
    put()
    client.stop_metric_streams(Names=["s"])
    assert client.get_metric_stream(Name="s")["State"] == "stopped"
    datum(client, running, namespace, 1.0)
    assert of(sent(running, 3 * MINUTE), namespace) == []
    client.start_metric_streams(Names=["s"])
    at = datum(client, running, namespace, 2.0)
    [line] = of(sent(running, 2 * MINUTE), namespace)
    assert line["timestamp"] == at * 1000


def test_a_stream_that_is_refused_sends_it_all_later(client, running, put, namespace):
    iam = running.client("iam")
    iam.update_assume_role_policy(RoleName="streams", PolicyDocument=trust("firehose.amazonaws.com"))
    put()
    first = datum(client, running, namespace, 1.0)
    assert of(sent(running, 2 * MINUTE), namespace) == []
    second = datum(client, running, namespace, 2.0)
    services = ("firehose.amazonaws.com", "streams.metrics.cloudwatch.amazonaws.com")
    iam.update_assume_role_policy(RoleName="streams", PolicyDocument=trust(*services))
    lines = of(sent(running, 2 * MINUTE), namespace)
    assert [line["timestamp"] for line in lines] == [first * 1000, second * 1000]


def test_streams_are_got_listed_tagged_and_deleted(client, running, put):
    arn = put("b", Tags=[{"Key": "k", "Value": "v"}])["Arn"]
    assert arn == f"arn:aws:cloudwatch:us-east-1:{running.account}:metric-stream/b"
    put("a", ExcludeFilters=[{"Namespace": "AWS/EC2"}])
    got = client.get_metric_stream(Name="a")
    assert (got["State"], got["OutputFormat"]) == ("running", "json")
    assert got["ExcludeFilters"] == [{"Namespace": "AWS/EC2"}]
    assert got["CreationDate"] == got["LastUpdateDate"]
    first = client.list_metric_streams(MaxResults=1)
    assert [entry["Name"] for entry in first["Entries"]] == ["a"]
    rest = client.list_metric_streams(MaxResults=1, NextToken=first["NextToken"])
    assert [entry["Name"] for entry in rest["Entries"]] == ["b"]
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    client.stop_metric_streams(Names=["b"])
    put("b")
    assert client.get_metric_stream(Name="b")["State"] == "stopped"
    client.delete_metric_stream(Name="b")
    client.delete_metric_stream(Name="b")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_metric_stream(Name="b")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (
            {"IncludeFilters": [{"Namespace": "a"}], "ExcludeFilters": [{"Namespace": "b"}]},
            "InvalidParameterCombination",
        ),
        ({"FirehoseArn": "arn:aws:s3:::bucket"}, "InvalidParameterValue"),
        (
            {
                "OutputFormat": "opentelemetry1.0",
                "StatisticsConfigurations": [
                    {
                        "IncludeMetrics": [{"Namespace": "A", "MetricName": "B"}],
                        "AdditionalStatistics": ["tm98"],
                    }
                ],
            },
            "InvalidParameterValue",
        ),
        ({"Name": "a b"}, "InvalidParameterValue"),
        (
            {
                "StatisticsConfigurations": [
                    {
                        "IncludeMetrics": [{"Namespace": "n", "MetricName": "m"}],
                        "AdditionalStatistics": ["Average of all"],
                    }
                ]
            },
            "InvalidParameterValue",
        ),
    ],
)
def test_what_cannot_be(client, put, changed, code):
    with pytest.raises(ClientError) as caught:
        put(**changed)
    assert caught.value.response["Error"]["Code"] == code
    assert client.list_metric_streams()["Entries"] == []
    for change in (client.start_metric_streams, client.stop_metric_streams):
        with pytest.raises(ClientError, match="not found"):
            change(Names=["nobody"])
