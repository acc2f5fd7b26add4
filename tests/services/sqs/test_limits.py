"""The limits of SQS and the errors past them, as the API reference and the quotas of the guide state them."""

import json

import pytest
from botocore.exceptions import ClientError

_VALUE, _ATTRIBUTE, _NAME = "InvalidParameterValue", "InvalidAttributeValue", "InvalidAttributeName"
_OLD = "AWS.SimpleQueueService."


def refused(call, **parameters):
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("VisibilityTimeout", ["-1", "43201", "x"]),
        ("DelaySeconds", ["-1", "901"]),
        ("MessageRetentionPeriod", ["59", "1209601"]),
        ("MaximumMessageSize", ["1023", "1048577"]),
        ("ReceiveMessageWaitTimeSeconds", ["-1", "21"]),
        ("KmsDataKeyReusePeriodSeconds", ["59", "86401"]),
        ("SqsManagedSseEnabled", ["perhaps"]),
        ("Policy", ["{"]),
    ],
)
def test_attributes_lie_between_their_bounds(sqs, make, name, values) -> None:
    url = make()
    for value in values:
        assert refused(sqs.create_queue, QueueName="never", Attributes={name: value}) == _ATTRIBUTE
        assert refused(sqs.set_queue_attributes, QueueUrl=url, Attributes={name: value}) == _ATTRIBUTE


@pytest.mark.parametrize("name", ["x" * 81, "a.b", "a.fifo", "a b", "ä"])
def test_names_have_eighty_letters_of_few_kinds(sqs, name) -> None:
    assert refused(sqs.create_queue, QueueName=name) == _VALUE


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "x" * 1_048_577}, _VALUE),
        ({"MessageBody": "\0"}, "InvalidMessageContents"),
        ({"DelaySeconds": 901}, _VALUE),
        ({"DelaySeconds": -1}, _VALUE),
        ({"MessageGroupId": "x" * 129}, _VALUE),
        ({"MessageDeduplicationId": "x"}, _VALUE),
        (
            {"MessageAttributes": {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(11)}},
            _VALUE,
        ),
        ({"MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}}, _VALUE),
        ({"MessageAttributes": {"a": {"DataType": "String"}}}, _VALUE),
        ({"MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, _VALUE),
        ({"MessageAttributes": {"aws.a": {"DataType": "String", "StringValue": "x"}}}, _VALUE),
        ({"MessageSystemAttributes": {"Other": {"DataType": "String", "StringValue": "x"}}}, _VALUE),
    ],
)
def test_messages_that_are_none(sqs, make, parameters, code) -> None:
    assert refused(sqs.send_message, **{"QueueUrl": make(), "MessageBody": "x", **parameters}) == code


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": "x" * 81, "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong"),
        # One message alone is as much of a batch, and not an entry that failed.
        (
            [{"Id": "a", "MessageBody": "x" * 1_048_577}, {"Id": "b", "MessageBody": "x"}],
            "BatchRequestTooLong",
        ),
    ],
)
def test_batches_that_are_none(sqs, make, entries, code) -> None:
    assert refused(sqs.send_message_batch, QueueUrl=make(), Entries=entries) == _OLD + code


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MaxNumberOfMessages": 0}, _VALUE),
        ({"MaxNumberOfMessages": 11}, _VALUE),
        ({"VisibilityTimeout": 43_201}, _VALUE),
        ({"WaitTimeSeconds": 21}, _VALUE),
        ({"ReceiveRequestAttemptId": "x"}, _VALUE),
        ({"AttributeNames": ["Other"]}, _NAME),
    ],
)
def test_receptions_that_are_refused(sqs, make, parameters, code) -> None:
    assert refused(sqs.receive_message, QueueUrl=make(), **parameters) == code


@pytest.mark.parametrize(
    "tags",
    [{f"k{n}": "v" for n in range(51)}, {"k" * 129: "v"}, {"k": "v" * 257}, {"aws:k": "v"}],
)
def test_tags_that_are_refused(sqs, make, tags) -> None:
    assert refused(sqs.tag_queue, QueueUrl=make(), Tags=tags) == _VALUE


@pytest.mark.parametrize("count", [0, 1001, "many"])
def test_messages_are_received_one_to_a_thousand_times(sqs, make, arn, count) -> None:
    policy = json.dumps({"deadLetterTargetArn": arn(make()), "maxReceiveCount": count})
    assert refused(sqs.set_queue_attributes, QueueUrl=make(), Attributes={"RedrivePolicy": policy}) == _VALUE


def test_permissions_that_are_refused(sqs, make) -> None:
    given = {"QueueUrl": make(), "Label": "l", "AWSAccountIds": ["123456789012"], "Actions": ["SendMessage"]}
    for wrong in ({"Actions": ["Other"]}, {"Label": "l l"}, {"AWSAccountIds": ["x"]}):
        assert refused(sqs.add_permission, **{**given, **wrong}) == _VALUE
    actions = ["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"]
    actions += ["GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue"]
    assert refused(sqs.add_permission, **{**given, "Actions": actions}) == "OverLimit"
    sqs.add_permission(**given)
    assert refused(sqs.add_permission, **given) == _VALUE


def test_tasks_that_are_refused(sqs, make, arn) -> None:
    source = arn(make())
    absent = "ResourceNotFoundException"
    assert refused(sqs.start_message_move_task, SourceArn=f"{source}x") == absent
    assert refused(sqs.list_message_move_tasks, SourceArn=f"{source}x") == absent
    assert refused(sqs.start_message_move_task, SourceArn=source) == _VALUE
    assert refused(sqs.start_message_move_task, SourceArn=source, MaxNumberOfMessagesPerSecond=501) == _VALUE
    assert refused(sqs.cancel_message_move_task, TaskHandle="x") == _VALUE
    assert refused(sqs.list_message_move_tasks, SourceArn=source, MaxResults=11) == _VALUE


def test_queues_that_are_not_there(sqs, make) -> None:
    gone = _OLD + "NonExistentQueue"
    url = f"{make()}x"
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x") == gone
    assert refused(sqs.delete_queue, QueueUrl=url) == gone
    assert refused(sqs.get_queue_url, QueueName="nowhere") == gone
    assert refused(sqs.send_message, QueueUrl="http://x/y/z/w", MessageBody="x") == "InvalidAddress"
    for most in (0, 1001):
        assert refused(sqs.list_queues, MaxResults=most) == _VALUE
    assert refused(sqs.list_queues, NextToken="x", MaxResults=1) == _VALUE
