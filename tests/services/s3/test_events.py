"""Event notifications: who hears of what, in the documented form, and only of what really happened."""

import json

import pytest

from coldframe.services.s3.messenger import Messenger
from tests.services.s3.test_objects import refused

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
