"""What an answer has opened ends with the answer, and not whenever garbage is collected.

Garbage is collected between any two steps of any thread. An answer that ends there takes locks which that thread may be
holding already: every long poll of the server then stood still for ever.
"""

import gc
import time

import pytest

from coldframe.services.logs.live_tail import LiveTail
from coldframe.services.sqs.storage import QueueMessages
from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("streams") / "data") as running:
        yield running


@pytest.fixture
def no_collection():
    """Garbage stays where it is."""
    gc.disable()
    yield
    gc.enable()


def _soon(condition, seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(condition())


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("messages", [["here"], []], ids=["with a message", "without"])
def test_a_long_poll_that_was_answered_waits_for_nothing_any_more(server, messages) -> None:
    sqs, store = server.client("sqs"), server.installation.parts.get(QueueMessages)
    url = sqs.create_queue(QueueName=f"poll-{len(messages)}", Attributes={"DelaySeconds": "1"})["QueueUrl"]
    for body in messages:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5 if messages else 1).get("Messages", [])
    assert [message["Body"] for message in found] == messages
    assert _soon(lambda: not store._arrivals._waiting)


@pytest.mark.usefixtures("no_collection")
def test_a_live_tail_whose_reader_left_is_offered_nothing_any_more(server) -> None:
    logs, hub = server.client("logs"), server.installation.parts.get(LiveTail)
    logs.create_log_group(logGroupName="tailed")
    arn = logs.describe_log_groups(logGroupNamePrefix="tailed")["logGroups"][0]["logGroupArn"]
    stream = logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]
    assert "sessionStart" in next(iter(stream))
    assert hub._sessions
    stream.close()
    assert _soon(lambda: not hub._sessions)
