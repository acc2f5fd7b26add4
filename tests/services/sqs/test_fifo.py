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


def bodies(sqs, url, **more) -> list[str]:
    answer = sqs.receive_message(QueueUrl=url, **more)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_a_reader_gets_as_many_of_one_group_as_there_are(sqs, make) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    for body, group in (("a1", "a"), ("b1", "b"), ("a2", "a"), ("a3", "a")):
        send(sqs, url, body, group)
    assert bodies(sqs, url, MaxNumberOfMessages=10) == ["a1", "a2", "a3", "b1"]


def test_a_group_that_came_back_stands_behind_those_that_wait(server, sqs, make) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("a1", "a2", "a3", "b1", "c1"):
        send(sqs, url, body, body[0])
    assert bodies(sqs, url, MaxNumberOfMessages=2) == ["a1", "a2"]
    assert bodies(sqs, url) == ["b1"], "the rest of the first group waits for what is being read of it"
    server.clock.advance(31)
    assert bodies(sqs, url, MaxNumberOfMessages=10)[:4] == ["c1", "a1", "a2", "a3"]


def test_a_message_given_back_is_read_before_those_behind_it(sqs, make) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("a1", "a2", "b1"):
        send(sqs, url, body, body[0])
    first = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2)["Messages"][0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first, VisibilityTimeout=0)
    assert bodies(sqs, url, MaxNumberOfMessages=3) == ["b1", "a1"]


def test_handles_of_a_fifo_queue_end_with_their_time(server, sqs, make) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    send(sqs, url, "x")
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    server.clock.advance(31)
    with pytest.raises(ClientError) as error:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    fault = error.value.response["Error"]
    assert (fault["Code"], fault["QueryErrorCode"]) == (
        "InvalidParameterValue",
        "InvalidParameterValueException",
    )
    assert fault["Message"].endswith("Reason: The receipt handle has expired.")
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)


def test_a_purge_forgets_what_would_be_a_repetition(sqs, make) -> None:
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    send(sqs, url, "x")
    sqs.purge_queue(QueueUrl=url)
    send(sqs, url, "x")
    assert bodies(sqs, url) == ["x"]


def test_a_batch_with_an_entry_without_its_place_is_refused_whole(sqs, make) -> None:
    url = make(FifoQueue="true")
    good = {"Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    for missing in ("MessageGroupId", "MessageDeduplicationId"):
        bad = {name: value for name, value in {**good, "Id": "2"}.items() if name != missing}
        with pytest.raises(ClientError) as error:
            sqs.send_message_batch(QueueUrl=url, Entries=[good, bad])
        assert error.value.response["Error"]["Code"] == "InvalidParameterValue"
        assert missing in error.value.response["Error"]["Message"]
    assert bodies(sqs, url) == []
