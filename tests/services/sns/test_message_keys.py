"""Topics under KMS keys: who may publish, and that nobody reads what waits while the key is disabled."""

import pytest
from botocore.exceptions import ClientError

from coldframe.core.arns import parse
from coldframe.engines.queue import New
from coldframe.services.sns.delivery import Deliverer
from coldframe.services.sns.message_keys import DataKey, MessageKeys
from coldframe.services.sns.outbox import Notification, Outbox
from tests.services.sns.conftest import code, received


@pytest.fixture
def kms(server):
    return server.client("kms")


def subscribed(sns, topic, queue):
    return sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue,
        Attributes={"RawMessageDelivery": "true"},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]


@pytest.mark.parametrize("own", [True, False])
def test_what_is_published_under_a_key_arrives(sns, sqs, kms, make_topic, make_queue, own) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"] if own else "alias/aws/sns"
    topic, (url, queue) = make_topic(KmsMasterKeyId=key), make_queue()
    subscribed(sns, topic, queue)
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == key
    sns.publish(TopicArn=topic, Message="one")
    entries = [{"Id": "a", "Message": "two"}, {"Id": "b", "Message": "three"}]
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert sorted(each["Body"] for each in received(sqs, url, 3)) == ["one", "three", "two"]


def test_a_key_that_cannot_be_used_refuses_the_publisher(server, sns, kms, make_topic) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    topic = make_topic(KmsMasterKeyId=key)
    statement = {"Effect": "Allow", "Action": "sns:*", "Resource": "*"}
    stranger = server.client("sns", **server.add_user("publisher", statement)[1])
    with pytest.raises(ClientError) as refused:
        stranger.publish(TopicArn=topic, Message="x")
    assert code(refused) == "KMSAccessDenied"
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError) as disabled:
        sns.publish(TopicArn=topic, Message="x")
    assert code(disabled) == "KMSDisabled"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/nobody")
    with pytest.raises(ClientError) as missing:
        sns.publish(TopicArn=topic, Message="x")
    assert code(missing) == "KMSNotFound"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="")
    assert "KmsMasterKeyId" not in sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    stranger.publish(TopicArn=topic, Message="x")


def test_what_waits_stays_closed_while_the_key_is_disabled(
    server, sns, sqs, kms, make_topic, make_queue
) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    topic, (url, queue) = make_topic(KmsMasterKeyId=key), make_queue()
    identifier = subscribed(sns, topic, queue).rpartition(":")[2]
    installation, now = server.installation, server.clock.milliseconds()
    outbox, deliverer = installation.parts.get(Outbox), installation.parts.get(Deliverer)
    sns.publish(TopicArn=topic, Message="at once")
    assert [each["Body"] for each in received(sqs, url)] == ["at once"]
    # As an earlier process left it: nobody has the data key in memory.
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext={"aws:sns:topicArn": topic})
    data_key = DataKey(topic, made["Plaintext"], made["CiphertextBlob"])
    notification = Notification("Notification", topic, "left by a crash", now)
    body = installation.parts.get(MessageKeys).keep(data_key, "left", notification)
    assert b"crash" not in body
    kms.disable_key(KeyId=key)
    outbox.send(identifier, [New("left", body, now)], now)
    deliverer.due(parse(topic), [identifier])
    deliverer.wait_for({identifier}, 10)
    assert identifier in outbox.queues()
    kms.enable_key(KeyId=key)
    server.clock.advance(11)
    deliverer.due(parse(topic), [identifier])
    assert [each["Body"] for each in received(sqs, url)] == ["left by a crash"]
