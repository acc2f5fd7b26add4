"""What the tests of SNS share: one server for a file, topics and queues with names of their own."""

import itertools
import json
import time

import pytest

from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("sns") / "data") as running:
        yield running


@pytest.fixture
def sns(server):
    return server.client("sns")


@pytest.fixture
def sqs(server):
    return server.client("sqs")


_numbers = itertools.count()


@pytest.fixture
def make_topic(sns):
    """Makes a topic with the attributes given, and answers its ARN."""

    def create(**attributes):
        suffix = ".fifo" if attributes.get("FifoTopic") else ""
        return sns.create_topic(Name=f"topic-{next(_numbers)}{suffix}", Attributes=attributes)["TopicArn"]

    return create


@pytest.fixture
def make_queue(sqs, server):
    """Makes a queue that SNS may send to; answers its URL and ARN."""

    def create(*, allowed="*", **attributes):
        suffix = ".fifo" if attributes.get("FifoQueue") else ""
        name = f"queue-{next(_numbers)}{suffix}"
        arn = f"arn:aws:sqs:us-east-1:{server.account}:{name}"
        if allowed:
            attributes["Policy"] = json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "sns.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": arn,
                            "Condition": {"ArnLike": {"aws:SourceArn": allowed}},
                        }
                    ],
                }
            )
        return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], arn

    return create


def received(sqs, url, count=1, seconds=8, **more):
    """The messages of a queue once there are so many, or when the time is up."""
    found, ends = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < ends:
        found += sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
            **more,
        ).get("Messages", [])
    return found


def code(error):
    """The code that an SDK shows for an error."""
    return error.value.response["Error"]["Code"]
