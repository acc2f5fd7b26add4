"""The limits of SNS and the errors past them, as the API reference and the quotas of the guide state them."""

import pytest
from botocore.exceptions import ClientError

_INVALID, _VALUE = "InvalidParameter", "ParameterValueInvalid"


def refused(call, **parameters):
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Name": ""}, _INVALID),
        ({"Name": "x" * 257}, _INVALID),
        ({"Name": "a b"}, _INVALID),
        ({"Name": "a.fifo"}, _INVALID),
        ({"Name": "a", "Attributes": {"FifoTopic": "true"}}, _INVALID),
        ({"Name": "a", "Attributes": {"Other": "1"}}, _INVALID),
        ({"Name": "a", "Tags": [{"Key": f"k{n}", "Value": "v"} for n in range(51)]}, "TagLimitExceeded"),
    ],
)
def test_topics_that_are_none(sns, parameters, code) -> None:
    assert refused(sns.create_topic, **parameters) == code


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Message": ""}, _INVALID),
        ({"Message": "x" * 262_145}, _INVALID),
        ({"Subject": ""}, _INVALID),
        ({"Subject": "x" * 101}, _INVALID),
        ({"Subject": "two\nlines"}, _INVALID),
        ({"Message": "{}", "MessageStructure": "json"}, _INVALID),
        ({"Message": "x", "MessageStructure": "json"}, _INVALID),
        ({"MessageStructure": "xml"}, _INVALID),
        ({"MessageDeduplicationId": "a"}, _INVALID),
        ({"MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}}, _VALUE),
        ({"MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}}, _VALUE),
        ({"MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, _VALUE),
    ],
)
def test_messages_that_are_none(sns, make_topic, parameters, code) -> None:
    assert refused(sns.publish, **{"TopicArn": make_topic(), "Message": "x", **parameters}) == code


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "Message": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "Message": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "Message": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "Message": "x" * 200_000} for n in range(2)], "BatchRequestTooLong"),
    ],
)
def test_batches_that_are_none(sns, make_topic, entries, code) -> None:
    assert refused(sns.publish_batch, TopicArn=make_topic(), PublishBatchRequestEntries=entries) == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"Protocol": "pigeon"},
        {"Endpoint": "http://x"},
        {"Attributes": {"Other": "1"}},
        {"Attributes": {"FilterPolicy": "{"}},
        {"Attributes": {"RawMessageDelivery": "perhaps"}},
    ],
)
def test_subscriptions_that_are_none(sns, make_topic, make_queue, wrong) -> None:
    given = {"TopicArn": make_topic(), "Protocol": "sqs", "Endpoint": make_queue()[1]}
    assert refused(sns.subscribe, **{**given, **wrong}) == _INVALID


def test_what_is_not_there(sns, make_topic, make_queue) -> None:
    topic = f"{make_topic()}x"
    assert refused(sns.publish, TopicArn=topic, Message="x") == "NotFound"
    assert refused(sns.get_topic_attributes, TopicArn=topic) == "NotFound"
    assert refused(sns.list_subscriptions_by_topic, TopicArn=topic) == "NotFound"
    assert refused(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=make_queue()[1]) == "NotFound"
    assert refused(sns.list_tags_for_resource, ResourceArn=topic) == "ResourceNotFound"
    assert refused(sns.get_subscription_attributes, SubscriptionArn=f"{topic}:none") == "NotFound"
    assert refused(sns.confirm_subscription, TopicArn=topic, Token="x") == _INVALID
    assert refused(sns.list_topics, NextToken="x") == _INVALID
    sns.delete_topic(TopicArn=topic)
    sns.unsubscribe(SubscriptionArn=f"{topic}:none")
