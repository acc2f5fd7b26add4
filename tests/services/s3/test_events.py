"""Event notifications: who hears of what, in the documented form, and only of what really happened."""

import json

import pytest

from coldframe.services.s3.messenger import Messenger
from tests.services.s3.test_objects import refused
from tests.services.s3.test_words import error_of

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
TOPIC = "arn:aws:sns:us-east-1:123456789012:t"


@pytest.fixture
def heard(s3_server, monkeypatch):
    """Puts itself in the place of queues and topics; gives the names of events, keys and targets."""
    sent = []
    messenger = s3_server.installation.parts.get(Messenger)
    monkeypatch.setattr(messenger, "send", lambda *message: sent.append(message))

    def hear(count):
        deadline = 200
        while len(sent) < count and deadline:
            deadline -= 1
            s3_server.client("s3").list_buckets()
        return sent

    return hear


def configured(s3, bucket, **configuration):
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True
    )


def test_created_and_removed(s3, s3_server, bucket, heard):
    configured(
        s3,
        bucket,
        QueueConfigurations=[{"Id": "one", "QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}],
        TopicConfigurations=[{"Id": "two", "TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:Delete"]}],
    )
    s3.put_object(Bucket=bucket, Key="a b/ü.txt", Body=b"12345")
    assert refused(s3.put_object, Bucket=bucket, Key="a b/ü.txt", Body=b"", IfNoneMatch="*")[1] == 412
    s3.delete_object(Bucket=bucket, Key="a b/ü.txt")
    sent = sorted(heard(2))
    assert [message[0] for message in sent] == [TOPIC, QUEUE]
    assert {message[2:] for message in sent} == {(f"arn:aws:s3:::{bucket}", s3_server.account)}
    [removed], [created] = (json.loads(message[1])["Records"] for message in sent)
    assert (created["eventName"], removed["eventName"]) == ("ObjectCreated:Put", "ObjectRemoved:Delete")
    assert created["s3"]["object"]["key"] == "a+b/%C3%BC.txt"
    assert created["s3"]["object"]["size"] == 5
    assert created["s3"]["bucket"]["name"] == bucket
    assert created["s3"]["configurationId"] == "one"


def test_filters(s3, bucket, heard):
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]
    entry = {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:Put"], "Filter": {"Key": {"FilterRules": rules}}}
    configured(s3, bucket, QueueConfigurations=[entry])
    for key in ("in/a.png", "out/a.jpg", "in/a.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.copy_object(Bucket=bucket, Key="in/b.jpg", CopySource=f"{bucket}/in/a.jpg")
    [message] = heard(1)
    assert json.loads(message[1])["Records"][0]["s3"]["object"]["key"] == "in/a.jpg"


def test_a_new_configuration_is_tried(s3, bucket, heard):
    entry = {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [entry]}
    )
    [message] = heard(1)
    assert json.loads(message[1])["Event"] == "s3:TestEvent"


def test_a_queue_hears_of_it_if_its_policy_lets_s3_in(s3, s3_server, bucket):
    sqs = s3_server.client("sqs")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    conditions = {
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
        "StringEquals": {"aws:SourceAccount": s3_server.account},
    }
    statement = {
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn, "Condition": conditions,
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    configured(
        s3, bucket, QueueConfigurations=[{"Id": "one", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"] == "k"


def test_targets_are_tried_before_they_are_kept(s3, s3_server, bucket):
    """A queue that is not there, and one whose policy does not let this bucket in, are named, and nothing is kept."""
    sqs = s3_server.client("sqs")
    url = sqs.create_queue(QueueName="of-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    gone = f"arn:aws:sqs:us-east-1:{s3_server.account}:no-queue"
    entries = [
        {"Id": name, "QueueArn": target, "Events": ["s3:ObjectCreated:*"]}
        for name, target in (("1", gone), ("2", arn))
    ]
    wanted = {"Bucket": bucket, "NotificationConfiguration": {"QueueConfigurations": entries}}
    said = error_of(s3.put_bucket_notification_configuration, **wanted)
    assert said == {
        "Code": "InvalidArgument",
        "ArgumentName1": gone,
        "ArgumentValue1": "The destination queue does not exist",
        "ArgumentName2": arn,
        "ArgumentValue2": "Permissions on the destination queue do not allow S3 to publish notifications from this bucket",
    }
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    wanted["NotificationConfiguration"] = {"QueueConfigurations": entries[1:]}
    s3.put_bucket_notification_configuration(**wanted)
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Event"] == "s3:TestEvent"


def test_filters_that_cannot_be(s3, bucket):
    def said(rule):
        entry = {
            "QueueArn": QUEUE,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [rule]}},
        }
        wanted = {"QueueConfigurations": [entry]}
        return error_of(
            s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=wanted
        )

    assert said({"Name": "INVALID", "Value": "v"}) == {
        "Code": "InvalidArgument",
        "ArgumentName": "FilterRule.Name",
        "ArgumentValue": "INVALID",
    }
    assert said({"Name": "prefix"})["Code"] == "MalformedXML"
