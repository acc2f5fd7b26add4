"""Dead letters: where they go, who may send them, how they come back. Source: Amazon SQS Developer Guide."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.services.sqs.conftest import code, receive


@pytest.fixture
def pair(make, arn):
    """The URLs of a queue and of the queue that its dead letters go to after two receptions."""
    dead = make("dead")
    policy = json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": "2"})
    return make("source", RedrivePolicy=policy, VisibilityTimeout="0"), dead


def fail(sqs, source, times=3):
    for _ in range(times):
        receive(sqs, source)


def test_a_message_received_too_often_moves(sqs, pair, arn) -> None:
    source, dead = pair
    sqs.send_message(QueueUrl=source, MessageBody="poison")
    fail(sqs, source, 2)
    assert receive(sqs, dead) == []
    assert receive(sqs, source) == []
    (message,) = receive(sqs, dead, AttributeNames=["All"])
    assert message["Body"] == "poison"
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn(source)
    assert message["Attributes"]["ApproximateReceiveCount"] == "3", "across all queues"
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [source]


def test_a_task_moves_them_back(sqs, pair, arn) -> None:
    source, dead = pair
    for number in range(12):
        sqs.send_message(QueueUrl=source, MessageBody=str(number))
    fail(sqs, source, 8)
    sqs.start_message_move_task(SourceArn=arn(dead))
    task = finished(sqs, arn(dead))
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 12)
    assert (
        sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["All"])["Attributes"][
            "ApproximateNumberOfMessages"
        ]
        == "12"
    )


def test_a_task_can_be_cancelled_and_is_alone(sqs, pair, arn, make) -> None:
    source, dead = pair
    other = make("other")
    for number in range(6):
        sqs.send_message(QueueUrl=source, MessageBody=str(number))
    fail(sqs, source, 6)
    handle = sqs.start_message_move_task(
        SourceArn=arn(dead), DestinationArn=arn(other), MaxNumberOfMessagesPerSecond=1
    )["TaskHandle"]
    with pytest.raises(ClientError) as error:
        sqs.start_message_move_task(SourceArn=arn(dead))
    assert error.value.response["Error"]["Code"] == "InvalidParameterValue"
    sqs.cancel_message_move_task(TaskHandle=handle)
    task = finished(sqs, arn(dead))
    assert task["Status"] == "CANCELLED"
    assert task["ApproximateNumberOfMessagesMoved"] < 6
    assert task["DestinationArn"] == arn(other)
    with pytest.raises(ClientError):
        sqs.cancel_message_move_task(TaskHandle="nonsense")


def test_only_queues_of_dead_letters_have_tasks(sqs, make, arn) -> None:
    with pytest.raises(ClientError) as error:
        sqs.start_message_move_task(SourceArn=arn(make()))
    assert (
        error.value.response["Error"]["Message"] == "Source queue must be configured as a Dead Letter Queue."
    )
    with pytest.raises(sqs.exceptions.ResourceNotFoundException):
        sqs.start_message_move_task(SourceArn=arn(make()) + "-absent")


def test_who_may_send_dead_letters(sqs, make, arn) -> None:
    closed = make("closed", RedriveAllowPolicy=json.dumps({"redrivePermission": "denyAll"}))
    fifo = make("fifo", FifoQueue="true")
    for target in (arn(closed), arn(fifo), arn(closed) + "-absent"):
        policy = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 1})
        with pytest.raises(ClientError) as error:
            make("source", RedrivePolicy=policy)
        assert code(error) == "InvalidParameterValue"
    source = make("source")
    chosen = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn(source)]})
    sqs.set_queue_attributes(QueueUrl=closed, Attributes={"RedriveAllowPolicy": chosen})
    policy = json.dumps({"deadLetterTargetArn": arn(closed), "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": policy})
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": ""})
    assert sqs.list_dead_letter_source_queues(QueueUrl=closed)["queueUrls"] == []


def finished(sqs, source):
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        (task,) = sqs.list_message_move_tasks(SourceArn=source)["Results"]
        if task["Status"] not in {"RUNNING", "CANCELLING"}:
            return task
        time.sleep(0.05)
    raise AssertionError("the task did not end")


@pytest.mark.parametrize("missing", ["deadLetterTargetArn", "maxReceiveCount"])
def test_a_redrive_policy_says_both_where_to_and_after_how_many(sqs, make, arn, missing) -> None:
    policy = {"deadLetterTargetArn": arn(make()), "maxReceiveCount": 2}
    del policy[missing]
    with pytest.raises(ClientError) as raised:
        sqs.set_queue_attributes(QueueUrl=make(), Attributes={"RedrivePolicy": json.dumps(policy)})
    error = raised.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"].endswith(f"Redrive policy does not contain mandatory attribute: {missing}.")
