"""A step of the tour: a subscription takes a log group's events through Firehose into a bucket, masked."""

import gzip
import json
import secrets
import time
from functools import partial
from typing import Any

from coldframe.cli.tour.guide import Guide
from coldframe.cli.tour.log_lines import put
from coldframe.cli.tour.secrets_lines import Planted


def deliver(guide: Guide, logs: Any, group: str, lines: list[Planted]) -> None:
    """Subscribe a stream to the group, write lines, and read the objects that come of them."""
    with guide.step("A subscription: the events go through Amazon Data Firehose into a bucket, masked"):
        bucket, stream = _bucket(guide), f"tour-{secrets.token_hex(4)}"
        firehose = guide.client("firehose")
        made = firehose.create_delivery_stream(
            DeliveryStreamName=stream,
            ExtendedS3DestinationConfiguration={
                "RoleARN": _role(guide, "firehose.amazonaws.com", "s3:PutObject", f"arn:aws:s3:::{bucket}/*"),
                "BucketARN": f"arn:aws:s3:::{bucket}",
                "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
            },
        )
        guide.afterwards(partial(firehose.delete_delivery_stream, DeliveryStreamName=stream))
        arn = made["DeliveryStreamARN"]
        logs.put_subscription_filter(
            logGroupName=group,
            filterName="tour",
            filterPattern="",
            destinationArn=arn,
            roleArn=_role(guide, "logs.amazonaws.com", "firehose:PutRecord*", arn),
        )
        guide.command(f"coldframe aws logs put-subscription-filter --log-group-name {group} ...")
        begun = time.perf_counter()
        put(logs, group, "application", [line.text for line in lines])
        arrived: list[dict[str, Any]] = []
        while not arrived and time.perf_counter() - begun < 60:
            guide.pause(0.05)
            arrived = [each for each in _messages(guide, bucket) if each["messageType"] == "DATA_MESSAGE"]
        guide.expect(bool(arrived), f"in the bucket after {time.perf_counter() - begun:.1f} s:")
        texts = [event["message"] for message in arrived for event in message["logEvents"]]
        for text in texts[:2]:
            guide.say(f"    {text}")
        leaked = [line.kind for line in lines for text in texts if line.secret in text]
        guide.expect(len(texts) == len(lines) and not leaked, f"{len(texts)} events, each of them masked")
        logs.delete_subscription_filter(logGroupName=group, filterName="tour")


def _bucket(guide: Guide) -> str:
    s3, name = guide.client("s3"), f"coldframe-tour-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name)

    def remove() -> None:
        for entry in s3.list_objects_v2(Bucket=name).get("Contents", []):
            s3.delete_object(Bucket=name, Key=entry["Key"])
        s3.delete_bucket(Bucket=name)

    guide.afterwards(remove)
    return name


def _role(guide: Guide, service: str, action: str, resource: str) -> str:
    """Make a role that a service can take on and that allows one thing; returns its ARN."""
    iam, name = guide.client("iam"), f"tour-{service.partition('.')[0]}-{secrets.token_hex(3)}"
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": action, "Resource": resource}
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
    guide.afterwards(partial(iam.delete_role, RoleName=name))
    iam.put_role_policy(RoleName=name, PolicyName="tour", PolicyDocument=_document(allowed))
    guide.afterwards(partial(iam.delete_role_policy, RoleName=name, PolicyName="tour"))
    return arn


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _messages(guide: Guide, bucket: str) -> list[dict[str, Any]]:
    """Return what a bucket's objects say: each is gzip data, one message after the other."""
    s3 = guide.client("s3")
    entries = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    texts = [
        gzip.decompress(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()) for each in entries
    ]
    decoder, found = json.JSONDecoder(), []
    for text in (each.decode() for each in texts):
        at = 0
        while at < len(text):
            message, at = decoder.raw_decode(text, at)
            found.append(message)
    return found
