"""Streams into S3: buffers, names, compression, updates, roles, limits. Source: Amazon Data Firehose Developer Guide."""

import gzip
import io
import itertools
import json
import re
import time
import zipfile
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from coldframe.core.offers import MetricSink
from coldframe.services.firehose.buffers import Buffers
from coldframe.services.firehose.writer import Writer
from tests.server_fixtures import running_server

_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "firehose.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("firehose") / "data") as running:
        yield running


@pytest.fixture
def firehose(server):
    return server.client("firehose")


@pytest.fixture
def role(server):
    """The ARN of a role that trusts Firehose and may write objects."""
    iam, name = server.client("iam"), f"delivery-{next(_numbers)}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUST)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="write", PolicyDocument=document)
    return arn


@pytest.fixture
def make(server, firehose, role):
    """Makes a stream and a bucket for it; answers their names."""

    def create(*, form="ExtendedS3", role_arn=role, **destination):
        bucket, stream = f"bucket-{next(_numbers)}-of-streams", f"stream-{next(_numbers)}"
        server.client("s3").create_bucket(Bucket=bucket)
        given = {"RoleARN": role_arn, "BucketARN": f"arn:aws:s3:::{bucket}", **destination}
        firehose.create_delivery_stream(
            DeliveryStreamName=stream, **{f"{form}DestinationConfiguration": given}
        )
        return stream, bucket

    return create


def objects(server, bucket, count=1, seconds=10):
    """The keys and bytes of the objects in a bucket once there are so many, or when the time is up."""
    s3, ends = server.client("s3"), time.monotonic() + seconds
    while time.monotonic() < ends:
        found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        if len(found) >= count:
            break
        time.sleep(0.05)
    return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found}


_AT_ONCE = {"SizeInMBs": 1, "IntervalInSeconds": 0}


def test_records_become_one_object_when_they_are_old_enough(server, firehose, make) -> None:
    stream, bucket = make(form="S3", BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 60})
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"one\n"})
    answer = firehose.put_record_batch(
        DeliveryStreamName=stream, Records=[{"Data": b"two\n"}, {"Data": b"three\n"}]
    )
    assert answer["FailedPutCount"] == 0
    assert len({each["RecordId"] for each in answer["RequestResponses"]}) == 2
    assert objects(server, bucket, seconds=0.3) == {}
    server.clock.advance(61)
    ((key, body),) = objects(server, bucket).items()
    assert body == b"one\ntwo\nthree\n"
    assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/\d\d/{stream}-1-\d{{4}}(-\d\d){{5}}-[0-9a-f-]{{36}}", key)
    assert server.installation.parts.get(Buffers).counts("", 0).size == 0


def test_a_full_buffer_is_written_before_its_time(server, firehose, make) -> None:
    stream, bucket = make(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    for _ in range(3):
        firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x" * 500_000})
    assert sum(map(len, objects(server, bucket).values())) >= 1_000_000


@pytest.mark.parametrize("form", ["GZIP", "ZIP"])
def test_compression(server, firehose, make, form) -> None:
    stream, bucket = make(BufferingHints=_AT_ONCE, CompressionFormat=form)
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"packed"})
    ((key, body),) = objects(server, bucket).items()
    if form == "GZIP":
        assert key.endswith(".gz")
        assert gzip.decompress(body) == b"packed"
    else:
        archive = zipfile.ZipFile(io.BytesIO(body))
        assert [archive.read(name) for name in archive.namelist()] == [b"packed"]


@pytest.mark.parametrize(
    ("parameters", "end"), [([], b"\n"), ([("Delimiter", "\\n")], b"\n"), ([("Delimiter", "; ")], b"; ")]
)
def test_a_delimiter_ends_each_record(server, firehose, make, parameters, end) -> None:
    processor = {
        "Type": "AppendDelimiterToRecord",
        "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in parameters],
    }
    processing = {"Enabled": True, "Processors": [processor]}
    stream, bucket = make(BufferingHints=_AT_ONCE, ProcessingConfiguration=processing)
    firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"a"}, {"Data": b"b"}])
    (body,) = objects(server, bucket).values()
    assert body == b"a" + end + b"b" + end
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    (destination,) = described["Destinations"]
    assert destination["ExtendedS3DestinationDescription"]["ProcessingConfiguration"] == processing


def test_objects_are_encrypted_under_the_key_of_the_destination(server, firehose, role) -> None:
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    allowed = {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": key}
    server.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="key",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    bucket, stream, s3 = "bucket-under-a-key", "stream-under-a-key", server.client("s3")
    s3.create_bucket(Bucket=bucket)
    encryption = {"KMSEncryptionConfig": {"AWSKMSKeyARN": key}}
    given = {"RoleARN": role, "BucketARN": f"arn:aws:s3:::{bucket}", "BufferingHints": _AT_ONCE}
    firehose.create_delivery_stream(
        DeliveryStreamName=stream,
        ExtendedS3DestinationConfiguration={**given, "EncryptionConfiguration": encryption},
    )
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"sealed"})
    ((name, body),) = objects(server, bucket).items()
    head = s3.head_object(Bucket=bucket, Key=name)
    assert (body, head["ServerSideEncryption"], head["SSEKMSKeyId"]) == (b"sealed", "aws:kms", key)


def test_streams_that_are_not_there_and_that_are(server, firehose, make) -> None:
    stream, bucket = make()
    for act, text in (
        (firehose.describe_delivery_stream, f"Firehose absent under account {server.account} not found."),
        (firehose.delete_delivery_stream, f"Firehose absent under account {server.account} not found."),
    ):
        with pytest.raises(firehose.exceptions.ResourceNotFoundException) as error:
            act(DeliveryStreamName="absent")
        assert error.value.response["Error"]["Message"] == text
    kept = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    role = kept["Destinations"][0]["S3DestinationDescription"]["RoleARN"]
    with pytest.raises(firehose.exceptions.ResourceInUseException) as error:
        firehose.create_delivery_stream(
            DeliveryStreamName=stream,
            S3DestinationConfiguration={"RoleARN": role, "BucketARN": f"arn:aws:s3:::{bucket}"},
        )
    text = f"Firehose {stream} under accountId {server.account} already exists"
    assert error.value.response["Error"]["Message"] == text


def test_prefixes_with_expressions(server, firehose, make) -> None:
    stream, bucket = make(
        BufferingHints=_AT_ONCE,
        Prefix="logs/year=!{timestamp:yyyy}/day=!{timestamp:DDD}/!{timestamp:'at'HH}/!{firehose:random-string}/",
        ErrorOutputPrefix="errors/!{firehose:error-output-type}/",
        FileExtension=".jsonl",
    )
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"{}"})
    (key,) = objects(server, bucket)
    assert re.fullmatch(rf"logs/year=\d{{4}}/day=\d{{3}}/at\d\d/\w{{11}}/{stream}-1-.*\.jsonl", key)


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ({"Prefix": "!{timestamp:yyyy}/"}, "InvalidArgumentException"),
        (
            {"Prefix": "!{nothing:x}/", "ErrorOutputPrefix": "!{firehose:error-output-type}"},
            "InvalidArgumentException",
        ),
        (
            {"Prefix": "!{timestamp:bb}/", "ErrorOutputPrefix": "!{firehose:error-output-type}"},
            "InvalidArgumentException",
        ),
        ({"Prefix": "!{partitionKeyFromQuery:x}/", "ErrorOutputPrefix": "e"}, "NotImplemented"),
        ({"CompressionFormat": "Snappy"}, "NotImplemented"),
        (
            {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Lambda"}]}},
            "NotImplemented",
        ),
        ({"BufferingHints": {"SizeInMBs": 5}}, "InvalidArgumentException"),
        ({"role_arn": "absent"}, "InvalidArgumentException"),
        ({"DynamicPartitioningConfiguration": {"Enabled": True}}, "NotImplemented"),
    ],
)
def test_destinations_that_are_refused(server, make, destination, expected) -> None:
    if "role_arn" in destination:
        destination = {"role_arn": f"arn:aws:iam::{server.account}:role/{destination['role_arn']}"}
    with pytest.raises(ClientError) as error:
        make(**destination)
    assert error.value.response["Error"]["Code"] == expected


def test_limits_of_records(firehose, make) -> None:
    stream, _ = make()
    with pytest.raises(ClientError):
        firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x" * (1000 * 1024 + 1)})
    with pytest.raises(firehose.exceptions.InvalidArgumentException):
        firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"x" * 900_000}] * 5)
    with pytest.raises(ClientError):
        firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"x"}] * 501)
    with pytest.raises(firehose.exceptions.ResourceNotFoundException):
        firehose.put_record(DeliveryStreamName="absent", Record={"Data": b"x"})


def test_what_s3_does_not_take_is_tried_again(server, firehose, make) -> None:
    stream, bucket = make(BufferingHints=_AT_ONCE)
    server.client("s3").delete_bucket(Bucket=bucket)
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"patient"})
    time.sleep(0.5)
    server.client("s3").create_bucket(Bucket=bucket)
    server.clock.advance(30)
    assert list(objects(server, bucket).values()) == [b"patient"]


def test_update_describe_list_and_tags(firehose, make) -> None:
    stream, bucket = make(BufferingHints={"SizeInMBs": 3, "IntervalInSeconds": 100})
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    assert described["DeliveryStreamStatus"] == "ACTIVE"
    (destination,) = described["Destinations"]
    assert destination["ExtendedS3DestinationDescription"]["BufferingHints"] == {
        "SizeInMBs": 3,
        "IntervalInSeconds": 100,
    }
    change = {
        "DeliveryStreamName": stream,
        "CurrentDeliveryStreamVersionId": described["VersionId"],
        "DestinationId": destination["DestinationId"],
        "ExtendedS3DestinationUpdate": {"Prefix": "new/"},
    }
    firehose.update_destination(**change)
    with pytest.raises(firehose.exceptions.ConcurrentModificationException):
        firehose.update_destination(**change)
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    kept = described["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert (kept["Prefix"], kept["BucketARN"], described["VersionId"]) == (
        "new/",
        f"arn:aws:s3:::{bucket}",
        "2",
    )
    assert stream in firehose.list_delivery_streams(Limit=1000)["DeliveryStreamNames"]
    firehose.tag_delivery_stream(DeliveryStreamName=stream, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    firehose.untag_delivery_stream(DeliveryStreamName=stream, TagKeys=["b"])
    assert firehose.list_tags_for_delivery_stream(DeliveryStreamName=stream)["Tags"] == [
        {"Key": "a", "Value": "1"}
    ]
    firehose.start_delivery_stream_encryption(DeliveryStreamName=stream)
    with pytest.raises(firehose.exceptions.ResourceInUseException):
        firehose.create_delivery_stream(
            DeliveryStreamName=stream,
            S3DestinationConfiguration={"RoleARN": kept["RoleARN"], "BucketARN": kept["BucketARN"]},
        )
    firehose.delete_delivery_stream(DeliveryStreamName=stream)
    with pytest.raises(firehose.exceptions.ResourceNotFoundException):
        firehose.describe_delivery_stream(DeliveryStreamName=stream)


def test_records_are_sealed_and_survive_a_restart(tmp_path) -> None:
    with running_server(tmp_path / "data") as server:
        iam = server.client("iam")
        arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=_TRUST)["Role"]["Arn"]
        iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        server.client("s3").create_bucket(Bucket="kept-bucket")
        server.client("firehose").create_delivery_stream(
            DeliveryStreamName="s",
            S3DestinationConfiguration={"RoleARN": arn, "BucketARN": "arn:aws:s3:::kept-bucket"},
        )
        server.client("firehose").put_record(DeliveryStreamName="s", Record={"Data": b"plainly-visible"})
        root = (server.account, server.access_key_id, server.secret_access_key)
    files = (tmp_path / "data" / "streams").iterdir()
    assert b"plainly-visible" not in b"".join(file.read_bytes() for file in files)
    with running_server(tmp_path / "data", root=root) as server:
        server.installation.parts.get(Writer).resume()
        server.clock.advance(301)
        assert list(objects(server, "kept-bucket", seconds=30).values()) == [b"plainly-visible"]


def test_failed_deliveries_are_logged(server, firehose, make, role) -> None:
    logs, iam = server.client("logs"), server.client("iam")
    logs.create_log_group(logGroupName="/firehose/failures")
    logs.create_log_stream(logGroupName="/firehose/failures", logStreamName="S3Delivery")
    allowed = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="write", PolicyDocument=document)
    options = {
        "Enabled": True,
        "LogGroupName": "/firehose/failures",
        "LogStreamName": "S3Delivery",
    }
    stream, bucket = make(BufferingHints=_AT_ONCE, CloudWatchLoggingOptions=options)
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    [destination] = described["Destinations"]
    assert destination["ExtendedS3DestinationDescription"]["CloudWatchLoggingOptions"] == options
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"kept"})
    ends = time.monotonic() + 60
    while not (events := logs.filter_log_events(logGroupName="/firehose/failures")["events"]):
        assert time.monotonic() < ends
        time.sleep(0.05)
    said = json.loads(events[0]["message"])
    assert said["deliveryStreamARN"] == described["DeliveryStreamARN"]
    assert (said["errorCode"], said["destination"]) == ("S3.AccessDenied", f"arn:aws:s3:::{bucket}")
    assert (said["deliveryStreamVersionId"], said["message"][:18]) == (1, "Access was denied.")
    assert server.installation.parts.get(Buffers).queues()
    firehose.delete_delivery_stream(DeliveryStreamName=stream)


def test_a_log_needs_its_names(firehose, make) -> None:
    with pytest.raises(ClientError, match="LogGroupName"):
        make(CloudWatchLoggingOptions={"Enabled": True})


def test_a_stream_counts_what_comes_in_and_what_it_delivers(server, firehose, make) -> None:
    stream, bucket = make(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"four"})
    firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"two"}, {"Data": b"three"}])
    assert objects(server, bucket)
    wanted = {
        "IncomingPutRequests": (2, "Count"),
        "IncomingRecords": (3, "Count"),
        "IncomingBytes": (12, "Bytes"),
        "PutRecord.Requests": (1, "Count"),
        "PutRecordBatch.Records": (2, "Count"),
        "DeliveryToS3.Records": (3, "Count"),
        "DeliveryToS3.Bytes": (12, "Bytes"),
    }
    ends = time.monotonic() + 10
    while (found := sums(server, stream, wanted)) != wanted and time.monotonic() < ends:
        time.sleep(0.05)
    assert found == wanted
    (success, unit), (latency, milliseconds) = sums(
        server, stream, ["DeliveryToS3.Success", "PutRecord.Latency"]
    ).values()
    assert success >= 1
    assert latency >= 0
    assert (unit, milliseconds) == ("Count", "Milliseconds")


def test_a_delivery_that_fails_is_no_success(server, firehose, make) -> None:
    stream, bucket = make(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    server.client("s3").delete_bucket(Bucket=bucket)
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x"})
    ends = time.monotonic() + 10
    while "DeliveryToS3.Success" not in sums(server, stream, ["DeliveryToS3.Success"]):
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert sums(server, stream, ["DeliveryToS3.Success"])["DeliveryToS3.Success"] == (0, "Count")


def sums(server, stream, names):
    """The sums and units of metrics of a stream, by name; those without data are left out."""
    server.installation.parts.get(MetricSink).flush()
    found, now = {}, server.clock.now()
    for name in names:
        points = server.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Firehose",
            MetricName=name,
            Dimensions=[{"Name": "DeliveryStreamName", "Value": stream}],
            StartTime=now - timedelta(hours=2),
            EndTime=now + timedelta(minutes=2),
            Period=4 * 3600,
            Statistics=["Sum"],
        )["Datapoints"]
        if points:
            found[name] = (points[0]["Sum"], points[0]["Unit"])
    return found
