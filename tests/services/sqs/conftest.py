"""What the tests of SQS share: one server for a file, and queues with names of their own."""

import itertools

import pytest

from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("sqs") / "data") as running:
        yield running


@pytest.fixture
def sqs(server):
    return server.client("sqs")


_numbers = itertools.count()


@pytest.fixture
def make(sqs):
    """Makes a queue with the attributes given, and answers its URL."""

    def create(name="queue", /, **attributes):
        suffix = ".fifo" if attributes.get("FifoQueue") else ""
        made = sqs.create_queue(QueueName=f"{name}-{next(_numbers)}{suffix}", Attributes=attributes)
        return made["QueueUrl"]

    return create


@pytest.fixture
def arn(sqs):
    """The ARN of a queue."""

    def of(url):
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    return of


def receive(sqs, url, **more):
    """The messages that one call receives."""
    return sqs.receive_message(QueueUrl=url, **{"MaxNumberOfMessages": 10, **more}).get("Messages", [])


def code(error):
    """The code that an SDK shows for an error."""
    return error.value.response["Error"]["Code"]
