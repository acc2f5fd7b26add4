"""The limits of SNS and the errors past them, as the API reference and the quotas of the guide state them."""

import json

import boto3
import pytest
from botocore.config import Config
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


def _text(act, **parameters) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        act(**parameters)
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_a_fault_says_more_of_attributes_where_one_subscribes(sns, make_topic, make_queue) -> None:
    given = {"TopicArn": make_topic(), "Protocol": "sqs", "Endpoint": make_queue()[1]}
    arn = sns.subscribe(**given)["SubscriptionArn"]
    for name, value, text in (
        ("RawMessageDelivery", "maybe", "RawMessageDelivery: Invalid value [maybe]. Must be true or false."),
        ("FilterPolicy", '{"k": []}', "FilterPolicy: Empty arrays are not allowed"),
        (
            *("FilterPolicy", '{"k": {"l": ["x"]}}'),
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ),
    ):
        told = _text(sns.subscribe, **given, Attributes={name: value})
        assert told == (_INVALID, f"Invalid parameter: Attributes Reason: {text}")
        told = _text(
            sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName=name, AttributeValue=value
        )
        assert told == (_INVALID, f"Invalid parameter: {text}")


@pytest.mark.parametrize("number", ["+15--551234567", "NAA+15551234567", "+15551234567.", "/+15551234567"])
def test_numbers_that_are_none(sns, make_topic, number) -> None:
    told = _text(sns.subscribe, TopicArn=make_topic(), Protocol="sms", Endpoint=number)
    assert told == (_INVALID, f"Invalid SMS endpoint: {number}")


def test_dead_letters_of_a_fifo_queue_go_to_one(sns, make_topic, make_queue) -> None:
    topic, (_, queue), (_, dead) = make_topic(FifoTopic="true"), make_queue(FifoQueue="true"), make_queue()
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    policy = json.dumps({"deadLetterTargetArn": dead})
    parameters = {"SubscriptionArn": arn, "AttributeName": "RedrivePolicy", "AttributeValue": policy}
    text = "must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
    told = _text(sns.set_subscription_attributes, **parameters)
    assert told == (_INVALID, f"Invalid parameter: RedrivePolicy: {text}")
    standard = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=dead)["SubscriptionArn"]
    sns.set_subscription_attributes(**{**parameters, "SubscriptionArn": standard})


def test_what_is_missing_has_two_texts(server, make_topic) -> None:
    sns = boto3.client(
        "sns",
        region_name="us-east-1",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=Config(parameter_validation=False),
    )
    told = _text(sns.unsubscribe)
    assert told == (_INVALID, "Invalid parameter: SubscriptionArn Reason: no value for required parameter")
    told = _text(
        sns.publish, TopicArn=make_topic(), Message="x", MessageAttributes={"a": {"StringValue": "b"}}
    )
    path = "messageAttributes.a.member.dataType"
    text = f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null"
    assert told == ("ValidationError", text)


def test_where_no_message_can_go(server, sns) -> None:
    endpoint = f"arn:aws:sns:us-east-1:{server.account}:endpoint/GCM/app/00000000-0000-0000-0000-000000000000"
    text = "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"
    assert _text(sns.publish, TargetArn=endpoint, Message="x") == (_INVALID, text)
    text = "Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to"
    assert _text(sns.publish, PhoneNumber="+1a234", Message="x") == (_INVALID, text)
    assert refused(sns.publish, PhoneNumber="+15550100", Message="x") == "NotImplemented"


def test_a_token_that_is_none_is_told_from_one_that_is_unknown(sns, make_topic) -> None:
    topic = make_topic()
    assert _text(sns.confirm_subscription, TopicArn=topic, Token="elvish") == (_INVALID, "Invalid token")
    told = _text(sns.confirm_subscription, TopicArn=topic, Token="abc123")
    assert told == (_INVALID, "Invalid parameter: Token")
