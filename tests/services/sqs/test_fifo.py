"""FIFO queues: order within groups, deduplication, attempts. Source: Amazon SQS Developer Guide, FIFO queues."""

import threading

import pytest
from botocore.exceptions import ClientError

from tests.services.sqs.conftest import code, receive


def send(sqs, url, body, group="g", **more):
    return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **more)


def test_groups_keep_their_order_under_four_consumers(sqs, make, server) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    for start in range(0, 40, 10):
        entries = [
            {"Id": str(n), "MessageBody": str(start + n), "MessageGroupId": f"g{n % 4}"} for n in range(10)
        ]
        sequences = [
            entry["SequenceNumber"]
            for entry in sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
        ]
        assert sequences == sorted(sequences)
        assert len(sequences[0]) == 20
    got, lock = [], threading.Lock()

    def consume():
        client = server.client("sqs")
        while messages := receive(
            client, url, WaitTimeSeconds=1, MaxNumberOfMessages=2, AttributeNames=["MessageGroupId"]
        ):
            with lock:
                got.extend(
                    (message["Attributes"]["MessageGroupId"], int(message["Body"])) for message in messages
                )
            for message in messages:
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 40
    for group in range(4):
        numbers = [number for name, number in got if name == f"g{group}"]
        assert numbers == sorted(numbers)


def test_a_repetition_within_five_minutes_is_accepted_and_not_delivered(server, sqs, make) -> None:
    url = make(FifoQueue="true")
    first = send(sqs, url, "one", MessageDeduplicationId="d")
    again = send(sqs, url, "two", MessageDeduplicationId="d")
    assert (first["MessageId"], first["SequenceNumber"]) == (again["MessageId"], again["SequenceNumber"])
    (message,) = receive(sqs, url, AttributeNames=["All"])
    assert message["Body"] == "one"
    assert message["Attributes"]["MessageDeduplicationId"] == "d"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    server.clock.advance(301)
    send(sqs, url, "three", MessageDeduplicationId="d")
    assert [message["Body"] for message in receive(sqs, url)] == ["three"]


def test_deduplication_by_group(sqs, make) -> None:
    url = make(FifoQueue="true", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    for group in ("a", "a", "b"):
        send(sqs, url, group, group, MessageDeduplicationId="d")
    assert sorted(message["Body"] for message in receive(sqs, url)) == ["a", "b"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "MissingParameter"),
        ({"MessageGroupId": "g"}, "InvalidParameterValue"),
        ({"MessageGroupId": "g h", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 1}, "InvalidParameterValue"),
    ],
)
def test_messages_that_a_fifo_queue_refuses(sqs, make, more, expected) -> None:
    url = make(FifoQueue="true")
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=url, MessageBody="x", **more)
    assert code(error) == expected


def test_the_same_attempt_gets_the_same_messages(sqs, make) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    send(sqs, url, "one")
    first = receive(sqs, url, ReceiveRequestAttemptId="attempt")
    assert [message["Body"] for message in first] == ["one"]
    again = receive(sqs, url, ReceiveRequestAttemptId="attempt")
    assert [message["MessageId"] for message in again] == [message["MessageId"] for message in first]
    assert receive(sqs, url, ReceiveRequestAttemptId="other") == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again[0]["ReceiptHandle"])


def test_two_consumers_never_get_one_message(sqs, make, server) -> None:
    url = make()
    for _ in range(10):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(10)])
    got = []

    def consume():
        client = server.client("sqs")
        while messages := receive(client, url, MaxNumberOfMessages=3):
            got.extend(message["MessageId"] for message in messages)

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 100
    assert len(set(got)) == 100
