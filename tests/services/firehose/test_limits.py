"""The limits of Firehose and the errors past them, as the API reference and the quotas of the guide state them."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server

_ARGUMENT, _VALUE, _ABSENT = "InvalidArgumentException", "ValidationException", "ResourceNotFoundException"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("firehose-limits") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def firehose(server):
    """A client that leaves every check to the server."""
    return boto3.client(
        "firehose",
        region_name="us-east-1",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


@pytest.fixture(scope="module")
def destination(server):
    """A destination that is one."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "firehose.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = server.client("iam").create_role(RoleName="delivery", AssumeRolePolicyDocument=document)["Role"]
    server.client("s3").create_bucket(Bucket="bucket-of-limits")
    return {"RoleARN": role["Arn"], "BucketARN": "arn:aws:s3:::bucket-of-limits"}


@pytest.fixture(scope="module")
def stream(firehose, destination):
    """The name of a stream."""
    firehose.create_delivery_stream(
        DeliveryStreamName="there", ExtendedS3DestinationConfiguration=destination
    )
    return "there"


def refused(call, **parameters):
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"RoleARN": "x"}, _VALUE),
        ({"BucketARN": "arn:aws:s3::bucket"}, _VALUE),
        ({"CompressionFormat": "BROTLI"}, _VALUE),
        ({"BufferingHints": {"SizeInMBs": 129, "IntervalInSeconds": 60}}, _VALUE),
        ({"BufferingHints": {"SizeInMBs": 0, "IntervalInSeconds": 60}}, _VALUE),
        ({"BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 901}}, _VALUE),
        ({"BufferingHints": {"SizeInMBs": 5}}, _ARGUMENT),
    ],
)
def test_destinations_that_are_none(firehose, destination, wrong, code) -> None:
    given = {**destination, **wrong}
    made = {"DeliveryStreamName": "never", "ExtendedS3DestinationConfiguration": given}
    assert refused(firehose.create_delivery_stream, **made) == code


def test_streams_that_are_none(firehose, destination, stream) -> None:
    make = firehose.create_delivery_stream
    one = {"ExtendedS3DestinationConfiguration": destination}
    assert refused(make, DeliveryStreamName=stream, **one) == "ResourceInUseException"
    assert refused(make, DeliveryStreamName="a b", **one) == _VALUE
    assert refused(make, DeliveryStreamName="a" * 65, **one) == _VALUE
    assert refused(make, DeliveryStreamName="never") == _ARGUMENT
    both = {**one, "S3DestinationConfiguration": destination}
    assert refused(make, DeliveryStreamName="never", **both) == _ARGUMENT
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    assert refused(make, DeliveryStreamName="never", Tags=tags, **one) == _VALUE


def test_records_that_are_too_large_or_too_many(firehose, stream) -> None:
    put, batch = firehose.put_record, firehose.put_record_batch
    named = {"DeliveryStreamName": stream}
    assert refused(put, **named, Record={"Data": b"x" * 1_024_001}) == _VALUE
    assert refused(batch, **named, Records=[]) == _VALUE
    assert refused(batch, **named, Records=[{"Data": b"x"}] * 501) == _VALUE
    assert refused(batch, **named, Records=[{"Data": b"x" * 1_000_000}] * 5) == _ARGUMENT


def test_what_is_not_there(firehose, stream) -> None:
    named = {"DeliveryStreamName": "absent"}
    assert refused(firehose.describe_delivery_stream, **named) == _ABSENT
    assert refused(firehose.delete_delivery_stream, **named) == _ABSENT
    assert refused(firehose.put_record, **named, Record={"Data": b"x"}) == _ABSENT
    assert refused(firehose.tag_delivery_stream, **named, Tags=[{"Key": "a"}]) == _ABSENT
    assert refused(firehose.start_delivery_stream_encryption, **named) == _ABSENT
    about = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    where = {"DeliveryStreamName": stream, "DestinationId": about["Destinations"][0]["DestinationId"]}
    change = {**where, "CurrentDeliveryStreamVersionId": "9", "ExtendedS3DestinationUpdate": {}}
    assert refused(firehose.update_destination, **change) == "ConcurrentModificationException"
    change |= {"CurrentDeliveryStreamVersionId": about["VersionId"], "DestinationId": "destinationId-9"}
    assert refused(firehose.update_destination, **change) == _ARGUMENT
    for limit in (0, 10_001):
        assert refused(firehose.list_delivery_streams, Limit=limit) == _VALUE
