"""kill -9 while a subscribed log group takes events: what was acknowledged reaches the bucket through Firehose, masked."""

import gzip
import json
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from coldframe.services.firehose.writer import Writer
from coldframe.services.logs.subscriptions.delivery import SubscriptionDelivery
from tests.journeys.process import ServerProcess, until
from tests.server_fixtures import running_server
from tests.services.logs.conftest import policy

CLIENTS = 3
SECRET = "jane.doe@example.com"


def role(iam, name, service, action):
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": action, "Resource": "*"}
    documents = [json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, allowed)]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=documents[0])["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=documents[1])
    return arn


def subscribed(server):
    """Make a group that masks e-mail addresses, subscribed to a stream that writes into the bucket `all`."""
    logs, iam = server.client("logs"), server.client("iam")
    server.client("s3").create_bucket(Bucket="all")
    stream = server.client("firehose").create_delivery_stream(
        DeliveryStreamName="all",
        ExtendedS3DestinationConfiguration={
            "RoleARN": role(iam, "writer", "firehose.amazonaws.com", "s3:*"),
            "BucketARN": "arn:aws:s3:::all",
            "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
        },
    )["DeliveryStreamARN"]
    logs.create_log_group(logGroupName="g")
    for number in range(CLIENTS):
        logs.create_log_stream(logGroupName="g", logStreamName=str(number))
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=policy("EmailAddress"))
    sender = role(iam, "sender", "logs.amazonaws.com", "firehose:*")
    logs.put_subscription_filter(
        logGroupName="g", filterName="f", filterPattern="", destinationArn=stream, roleArn=sender
    )


class Bucket:
    """The messages of all objects of the bucket; each object is read once, as none of them changes."""

    def __init__(self, s3):
        self.s3 = s3
        self.read = {}

    def messages(self):
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="all"):
            for key in {entry["Key"] for entry in page.get("Contents", [])} - set(self.read):
                body = self.s3.get_object(Bucket="all", Key=key)["Body"].read()
                self.read[key] = list(messages_in(gzip.decompress(body).decode()))
        return [message for found in self.read.values() for message in found]


def messages_in(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        record, at = decoder.raw_decode(text, at)
        yield from (event["message"] for event in record["logEvents"])


def test_what_was_acknowledged_reaches_the_bucket(tmp_path):
    data = tmp_path / "data"
    acknowledged: list[str] = []
    with ServerProcess(data) as server:
        subscribed(server)

        def work(number):
            logs = server.client("logs")
            try:
                for step in range(100_000):
                    texts = [f"{number}-{step}-{part} {SECRET}" for part in range(3)]
                    now = int(time.time() * 1000)
                    logs.put_log_events(
                        logGroupName="g",
                        logStreamName=str(number),
                        logEvents=[{"timestamp": now, "message": text} for text in texts],
                    )
                    acknowledged.extend(texts)
            except (BotoCoreError, ClientError):
                return  # the server is gone

        threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        until(lambda: len(acknowledged) > 90)
        server.kill()
        for thread in threads:
            thread.join()
        root = server.root
    expected = {text.replace(SECRET, "*" * len(SECRET)) for text in acknowledged}
    keys = (root.account, root.access_key_id, root.secret_access_key)
    with running_server(data, root=keys) as server:
        server.installation.parts.get(SubscriptionDelivery).resume()
        server.installation.parts.get(Writer).resume()
        bucket = Bucket(server.client("s3"))
        until(lambda: expected <= set(bucket.messages()), patience=90)
        assert not any("jane" in text for text in bucket.messages())
