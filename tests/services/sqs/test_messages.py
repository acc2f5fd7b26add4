"""Messages of standard queues: what is kept, who sees it, for how long. Source: Amazon SQS API Reference."""

import threading
import time

import pytest
from botocore.exceptions import ClientError

from tests.services.sqs.conftest import code, receive


def test_a_message_comes_back_as_it_was_sent(sqs, make, server) -> None:
    url = make()
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="This is a test message",
        MessageAttributes={
            "name": {"DataType": "String", "StringValue": "Å"},
            "count": {"DataType": "Number.int", "StringValue": "-7"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5"}},
    )  # botocore checks both digests
    assert sent["MD5OfMessageBody"] == "fafb00f5732ab283681e124bf8747ed1"
    (message,) = receive(sqs, url, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"])
    assert message["Body"] == "This is a test message"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"]["raw"] == {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    attributes = message["Attributes"]
    assert attributes["SenderId"] == server.account
    assert attributes["ApproximateReceiveCount"] == "1"
    assert attributes["AWSTraceHeader"] == "Root=1-5"
    assert int(attributes["SentTimestamp"]) <= int(attributes["ApproximateFirstReceiveTimestamp"])


def test_attributes_are_given_only_when_asked_for(sqs, make) -> None:
    url = make(VisibilityTimeout="0")
    value = {"DataType": "String", "StringValue": "v"}
    sqs.send_message(
        QueueUrl=url, MessageBody="x", MessageAttributes={"foo.a": value, "foo.b": value, "bar": value}
    )
    (message,) = receive(sqs, url)
    assert set(message) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    (message,) = receive(sqs, url, MessageAttributeNames=["foo.*"], AttributeNames=["SentTimestamp"])
    assert set(message["MessageAttributes"]) == {"foo.a", "foo.b"}
    assert set(message["Attributes"]) == {"SentTimestamp"}


def test_a_message_is_hidden_for_its_visibility_timeout(server, sqs, make) -> None:
    url = make(VisibilityTimeout="10")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(sqs, url)
    assert receive(sqs, url) == []
    server.clock.advance(11)
    (second,) = receive(sqs, url, AttributeNames=["ApproximateReceiveCount"])
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    server.clock.advance(11)
    assert receive(sqs, url) == []


def test_visibility_can_be_changed_while_a_message_is_read(server, sqs, make) -> None:
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    handle = receive(sqs, url)[0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=100)
    server.clock.advance(31)
    assert receive(sqs, url) == []
    with pytest.raises(ClientError) as error:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43200)
    assert code(error) == "InvalidParameterValue", "twelve hours in all"
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=10)
    assert receive(sqs, url) == [], "a standard queue takes a handle whose time is over"
    server.clock.advance(11)
    assert len(receive(sqs, url)) == 1


def test_handles_that_are_none(sqs, make) -> None:
    url, other = make(), make()
    sqs.send_message(QueueUrl=other, MessageBody="x")
    for handle in ("nonsense", receive(sqs, other)[0]["ReceiptHandle"]):
        with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid) as error:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
        assert code(error) == "ReceiptHandleIsInvalid"


def test_a_standard_queue_deletes_by_an_earlier_handle_too(sqs, make) -> None:
    url = make(VisibilityTimeout="0")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,), (second,) = receive(sqs, url), receive(sqs, url)
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert receive(sqs, url) == []


def test_an_entry_that_is_too_long_fails_beside_the_others(sqs, make) -> None:
    url = make(MaximumMessageSize="1024")
    entries = [{"Id": "short", "MessageBody": "x"}, {"Id": "long", "MessageBody": "x" * 1025}]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["short"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("long", "InvalidParameterValue", True)
    assert failed["Message"] == (
        "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."
    )


def test_delays(server, sqs, make) -> None:
    url = make(DelaySeconds="5")
    sqs.send_message(QueueUrl=url, MessageBody="queue's")
    sqs.send_message(QueueUrl=url, MessageBody="own", DelaySeconds=0)
    assert [message["Body"] for message in receive(sqs, url)] == ["own"]
    delayed = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert delayed["Attributes"] == {"ApproximateNumberOfMessagesDelayed": "1"}
    server.clock.advance(6)
    assert [message["Body"] for message in receive(sqs, url)] == ["queue's"]
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=901)
    assert code(error) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "\x00"}, "InvalidMessageContents"),
        ({"MessageBody": "x" * 1025}, "InvalidParameterValue"),
        (
            {
                "MessageBody": "x" * 1024,
                "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}},
            },
            "InvalidParameterValue",
        ),
        (
            {"MessageBody": "x", "MessageAttributes": {"AWS.x": {"DataType": "String", "StringValue": "b"}}},
            "InvalidParameterValue",
        ),
        (
            {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "b"}}},
            "InvalidParameterValue",
        ),
        (
            {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Map", "StringValue": "b"}}},
            "InvalidParameterValue",
        ),
        ({"MessageBody": "x", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
    ],
)
def test_messages_that_are_refused(sqs, make, request_, expected) -> None:
    url = make(MaximumMessageSize="1024")
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=url, **request_)
    assert code(error) == expected


def test_batches_answer_for_each_entry(sqs, make) -> None:
    url = make()
    entries = [{"Id": str(number), "MessageBody": f"body {number}"} for number in range(9)]
    answer = sqs.send_message_batch(
        QueueUrl=url, Entries=[*entries, {"Id": "bad", "MessageBody": "x", "DelaySeconds": 901}]
    )
    assert [entry["Id"] for entry in answer["Successful"]] == [str(number) for number in range(9)]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [
        ("bad", "InvalidParameterValue", True)
    ]
    messages = receive(sqs, url)
    assert len(messages) == 9
    handles = [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(messages)
    ]
    hidden = [{**entry, "VisibilityTimeout": 60} for entry in handles]
    assert len(sqs.change_message_visibility_batch(QueueUrl=url, Entries=hidden)["Successful"]) == 9
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=[*handles, {"Id": "x", "ReceiptHandle": "none"}])
    assert len(answer["Successful"]) == 9
    assert answer["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong"),
    ],
)
def test_batches_that_are_refused_whole(sqs, make, entries, expected) -> None:
    url = make()
    with pytest.raises(ClientError) as error:
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert code(error) == f"AWS.SimpleQueueService.{expected}"
    assert receive(sqs, url) == []


def test_long_polling_waits_for_a_message_and_no_longer(sqs, make, server) -> None:
    url = make()
    other = server.client("sqs")
    timer = threading.Timer(0.4, lambda: other.send_message(QueueUrl=url, MessageBody="late"))
    timer.start()
    begun = time.monotonic()
    assert [message["Body"] for message in receive(sqs, url, WaitTimeSeconds=10)] == ["late"]
    assert 0.3 < time.monotonic() - begun < 3
    timer.join()
    begun = time.monotonic()
    assert receive(sqs, url, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - begun < 3


def test_a_long_poll_gets_a_message_whose_visibility_ends_meanwhile(sqs, make) -> None:
    url = make(VisibilityTimeout="1", ReceiveMessageWaitTimeSeconds="5")
    sqs.send_message(QueueUrl=url, MessageBody="again")
    receive(sqs, url)
    begun = time.monotonic()
    assert len(receive(sqs, url)) == 1
    assert 0.5 < time.monotonic() - begun < 3


def test_more_long_polls_than_handler_threads_leave_the_server_answering(sqs, make, server) -> None:
    url = make()
    waiting = [
        threading.Thread(target=lambda: receive(server.client("sqs"), url, WaitTimeSeconds=6))
        for _ in range(40)
    ]
    for thread in waiting:
        thread.start()
    time.sleep(2)
    begun = time.monotonic()
    sqs.list_queues()
    assert time.monotonic() - begun < 2
    for _ in range(4):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(10)])
    for thread in waiting:
        thread.join()


def test_retention_ends_messages(server, sqs, make) -> None:
    url = make(MessageRetentionPeriod="60")
    sqs.send_message(QueueUrl=url, MessageBody="old")
    server.clock.advance(61)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert [message["Body"] for message in receive(sqs, url)] == ["new"]


@pytest.mark.parametrize(
    "bad", [{"MaxNumberOfMessages": 11}, {"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43201}]
)
def test_readings_that_are_refused(sqs, make, bad) -> None:
    with pytest.raises(ClientError) as error:
        receive(sqs, make(), **bad)
    assert code(error) == "InvalidParameterValue"


def test_messages_are_sealed_on_the_disk(server, sqs, make) -> None:
    sqs.send_message(QueueUrl=make(), MessageBody="plainly-visible-secret")
    sqs.send_message(QueueUrl=make(SqsManagedSseEnabled="false"), MessageBody="plainly-visible-otherwise")
    files = list((server.installation.settings.data_dir / "queues").iterdir())
    kept = b"".join(file.read_bytes() for file in files)
    assert b"plainly-visible-otherwise" in kept
    assert b"plainly-visible-secret" not in kept
