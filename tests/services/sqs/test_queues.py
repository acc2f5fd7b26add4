"""Queues: names, attributes, tags, pages, permissions. Source: Amazon SQS API Reference."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.services.sqs.conftest import code, receive


def test_a_queue_has_its_defaults(server, sqs, make) -> None:
    url = make("defaults")
    assert url == f"{server.endpoint}/{server.account}/{url.rpartition('/')[2]}"
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes.pop("CreatedTimestamp") == attributes.pop("LastModifiedTimestamp")
    name = url.rpartition("/")[2]
    assert attributes == {
        "QueueArn": f"arn:aws:sqs:us-east-1:{server.account}:{name}",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30",
        "SqsManagedSseEnabled": "true",
    }


def test_the_same_attributes_find_the_queue_and_others_do_not(sqs) -> None:
    first = sqs.create_queue(QueueName="same", Attributes={"VisibilityTimeout": "40"})
    assert (
        sqs.create_queue(QueueName="same", Attributes={"VisibilityTimeout": "40"})["QueueUrl"]
        == first["QueueUrl"]
    )
    assert sqs.create_queue(QueueName="same")["QueueUrl"] == first["QueueUrl"]
    with pytest.raises(sqs.exceptions.QueueNameExists) as error:
        sqs.create_queue(QueueName="same", Attributes={"VisibilityTimeout": "41"})
    assert code(error) == "QueueAlreadyExists"


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("a b", {}, "InvalidParameterValue"),
        ("a" * 81, {}, "InvalidParameterValue"),
        ("x.fifo", {}, "InvalidParameterValue"),
        ("x", {"FifoQueue": "true"}, "InvalidParameterValue"),
        ("x", {"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ("x", {"DelaySeconds": "901"}, "InvalidAttributeValue"),
        ("x", {"MaximumMessageSize": "1023"}, "InvalidAttributeValue"),
        ("x", {"MaximumMessageSize": "1048577"}, "InvalidAttributeValue"),
        ("x", {"MessageRetentionPeriod": "59"}, "InvalidAttributeValue"),
        ("x", {"ReceiveMessageWaitTimeSeconds": "21"}, "InvalidAttributeValue"),
        ("x", {"Policy": "{}"}, "InvalidAttributeValue"),
        ("x", {"RedrivePolicy": "{}"}, "InvalidParameterValue"),
        ("x", {"KmsMasterKeyId": "alias/aws/sqs", "SqsManagedSseEnabled": "true"}, "InvalidAttributeName"),
        ("x", {"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        (
            "x.fifo",
            {"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"},
            "InvalidParameterValue",
        ),
    ],
)
def test_names_and_attributes_that_are_refused(sqs, name, attributes, expected) -> None:
    with pytest.raises(ClientError) as error:
        sqs.create_queue(QueueName=name, Attributes=attributes)
    assert code(error) == expected


def test_an_unknown_queue(sqs, server) -> None:
    for call in (
        lambda: sqs.get_queue_url(QueueName="absent"),
        lambda: sqs.send_message(QueueUrl=f"{server.endpoint}/{server.account}/absent", MessageBody="x"),
    ):
        with pytest.raises(sqs.exceptions.QueueDoesNotExist) as error:
            call()
        assert code(error) == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_deleted_name_is_free_again_after_a_minute(server, sqs) -> None:
    url = sqs.create_queue(QueueName="deleted")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently):
        sqs.create_queue(QueueName="deleted")
    server.clock.advance(61)
    assert receive(sqs, sqs.create_queue(QueueName="deleted")["QueueUrl"]) == []


def test_lists_by_prefix_and_in_pages(sqs) -> None:
    for number in range(5):
        sqs.create_queue(QueueName=f"listed-{number}")
    first = sqs.list_queues(QueueNamePrefix="listed-", MaxResults=2)
    assert [url[-8:] for url in first["QueueUrls"]] == ["listed-0", "listed-1"]
    every = sqs.get_paginator("list_queues").paginate(
        QueueNamePrefix="listed-", PaginationConfig={"PageSize": 2}
    )
    assert len([url for page in every for url in page["QueueUrls"]]) == 5
    assert "NextToken" not in sqs.list_queues(QueueNamePrefix="listed-")
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="nothing-")
    with pytest.raises(ClientError):
        sqs.list_queues(MaxResults=1001)


def test_tags(sqs, make) -> None:
    url = make("tagged")
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "absent"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}


def test_permissions_are_statements_of_the_policy(sqs, make, arn) -> None:
    url = make("shared")
    sqs.add_permission(QueueUrl=url, Label="one", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    policy = json.loads(
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    )
    assert policy["Statement"] == [
        {
            "Sid": "one",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "SQS:SendMessage",
            "Resource": arn(url),
        }
    ]
    with pytest.raises(ClientError):
        sqs.add_permission(QueueUrl=url, Label="one", AWSAccountIds=["111122223333"], Actions=["*"])
    with pytest.raises(ClientError):
        sqs.add_permission(QueueUrl=url, Label="two", AWSAccountIds=["111122223333"], Actions=["Nothing"])
    sqs.remove_permission(QueueUrl=url, Label="one")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    with pytest.raises(ClientError):
        sqs.remove_permission(QueueUrl=url, Label="one")


def test_purging_takes_everything_once_a_minute(server, sqs, make) -> None:
    url = make("purged")
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    receive(sqs, url, MaxNumberOfMessages=1)
    sqs.purge_queue(QueueUrl=url)
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
        sqs.purge_queue(QueueUrl=url)
    server.clock.advance(61)
    sqs.purge_queue(QueueUrl=url)


def test_the_texts_of_refused_tags_name_the_queue_and_the_limits(sqs, make) -> None:
    url = make()
    name = url.rpartition("/")[2]
    with pytest.raises(ClientError) as error:
        sqs.tag_queue(QueueUrl=url, Tags={str(number): "" for number in range(51)})
    assert error.value.response["Error"]["Message"] == f"Too many tags added for queue {name}."
    with pytest.raises(ClientError) as error:
        sqs.untag_queue(QueueUrl=url, TagKeys=[])
    text = "Tag keys must be between 1 and 128 characters in length."
    assert error.value.response["Error"]["Message"] == text


def test_a_queue_whose_key_is_taken_away_has_no_sse(sqs, make) -> None:
    url = make()
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": ""})
    names = ["KmsMasterKeyId", "SqsManagedSseEnabled"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert found == {"SqsManagedSseEnabled": "false"}


def test_permissions_for_what_only_the_owner_may_do_are_refused(sqs, make) -> None:
    with pytest.raises(ClientError) as error:
        sqs.add_permission(
            QueueUrl=make(), Label="l", AWSAccountIds=["111111111111"], Actions=["RemovePermission"]
        )
    assert error.value.response["Error"]["Message"] == (
        "Value SQS:RemovePermission for parameter ActionName is invalid. Reason: Only the queue owner is allowed to"
        " invoke this action."
    )


def test_permissions_name_somebody(sqs, make) -> None:
    with pytest.raises(ClientError) as error:
        sqs.add_permission(QueueUrl=make(), Label="l", AWSAccountIds=[], Actions=["SendMessage"])
    text = "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify."
    assert (code(error), error.value.response["Error"]["Message"]) == ("InvalidParameterValue", text)


def test_a_redrive_policy_comes_back_with_a_number(sqs, make, arn) -> None:
    target = arn(make())
    policy = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": "7"})
    url = make(RedrivePolicy=policy)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(found["RedrivePolicy"]) == {"deadLetterTargetArn": target, "maxReceiveCount": 7}
    name = url.rpartition("/")[2]
    assert sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"] == url
