"""Topics and subscriptions: names, attributes, pages, permissions, limits. Source: Amazon SNS API Reference."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.services.sns.conftest import code


def test_a_topic_has_its_attributes(server, sns, make_topic, make_queue) -> None:
    arn = make_topic(DisplayName="shown")
    assert sns.create_topic(Name=arn.rpartition(":")[2])["TopicArn"] == arn
    with pytest.raises(ClientError) as error:
        sns.create_topic(Name=arn.rpartition(":")[2], Attributes={"DisplayName": "other"})
    assert code(error) == "InvalidParameter"
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["DisplayName"], attributes["Owner"]) == ("shown", server.account)
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "__default_statement_ID"
    assert (
        json.loads(attributes["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"]
        == 3
    )
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="")
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == ""
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    sns.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert {"TopicArn": arn} in [
        topic for page in sns.get_paginator("list_topics").paginate() for topic in page["Topics"]
    ]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_topic_attributes(TopicArn=arn)


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("a b", {}), ("", {}), ("x" * 257, {}), ("x.fifo", {}), ("x", {"FifoTopic": "true"}), ("x", {"Policy": "{"}),
        ("x", {"ArchivePolicy": "{}"}), ("x", {"Nothing": "1"}), ("x", {"ContentBasedDeduplication": "true"}),
        ("x", {"SignatureVersion": "3"}), ("x", {"DeliveryPolicy": '{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}'}),
    ],
)  # fmt: skip
def test_topics_that_are_refused(sns, name, attributes) -> None:
    with pytest.raises(ClientError) as error:
        sns.create_topic(Name=name, Attributes=attributes)
    assert code(error) == "InvalidParameter"


def test_subscribing_twice_is_one_subscription(sns, make_topic, make_queue) -> None:
    topic, (_, queue) = make_topic(), make_queue()
    first = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
    )
    again = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    assert first["SubscriptionArn"] == again["SubscriptionArn"]
    with pytest.raises(ClientError):
        sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "false"}
        )
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Protocol"], listed["Endpoint"]) == (
        first["SubscriptionArn"],
        "sqs",
        queue,
    )
    assert listed in sns.list_subscriptions()["Subscriptions"]
    arn = first["SubscriptionArn"]
    sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"a":["b"]}'
    )
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (
        attributes["RawMessageDelivery"],
        attributes["FilterPolicyScope"],
        attributes["PendingConfirmation"],
    ) == ("true", "MessageAttributes", "false")
    with pytest.raises(ClientError) as error:
        sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"a":"b"}'
        )
    assert code(error) == "InvalidParameter"
    # As Terraform takes a policy away.
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="{}")
    assert "FilterPolicy" not in sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]


@pytest.mark.parametrize(
    ("protocol", "endpoint", "expected"),
    [
        ("https", "http://127.0.0.1/", "InvalidParameter"),
        ("sqs", "not-an-arn", "InvalidParameter"),
        ("pigeon", "x", "InvalidParameter"),
        ("email", "nobody", "InvalidParameter"),
        ("sms", "five", "InvalidParameter"),
        ("application", "arn:aws:sns:us-east-1:123456789012:endpoint/GCM/a/b", "NotImplemented"),
        ("lambda", "arn:aws:lambda:us-east-1:123456789012:function:f", "NotImplemented"),
        ("firehose", "arn:aws:firehose:us-east-1:123456789012:deliverystream/s", "InvalidParameter"),
    ],
)
def test_endpoints_that_are_refused(sns, make_topic, protocol, endpoint, expected) -> None:
    with pytest.raises(ClientError) as error:
        sns.subscribe(TopicArn=make_topic(), Protocol=protocol, Endpoint=endpoint)
    assert code(error) == expected


@pytest.mark.parametrize(
    "request_",
    [
        {"Message": ""}, {"Message": "x" * (256 * 1024 + 1)}, {"Message": "x", "Subject": "s" * 101},
        {"Message": "x", "Subject": "a\nb"}, {"Message": "x", "MessageStructure": "xml"},
        {"Message": '{"sqs":"x"}', "MessageStructure": "json"}, {"Message": "x", "MessageDeduplicationId": "d"},
    ],
)  # fmt: skip
def test_messages_that_are_refused(sns, make_topic, request_) -> None:
    with pytest.raises(ClientError) as error:
        sns.publish(TopicArn=make_topic(), **request_)
    assert code(error) == "InvalidParameter"


def test_batches_that_are_refused(sns, make_topic) -> None:
    topic = make_topic()
    for entries, expected in (
        ([{"Id": str(n), "Message": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "Message": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "Message": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "Message": "x" * 140_000} for n in range(2)], "BatchRequestTooLong"),
    ):
        with pytest.raises(ClientError) as error:
            sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
        assert code(error) == expected


def test_permissions_and_what_is_not_built(sns, make_topic) -> None:
    topic = make_topic()
    sns.add_permission(TopicArn=topic, Label="l", AWSAccountId=["111122223333"], ActionName=["Publish"])
    statements = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]
    assert [statement["Sid"] for statement in statements] == ["__default_statement_ID", "l"]
    sns.remove_permission(TopicArn=topic, Label="l")
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.remove_permission(TopicArn=topic, Label="l")
    with pytest.raises(ClientError) as error:
        sns.list_platform_applications()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
