"""From a topic to SQS: envelope, raw, filters, order, policies, dead letters. Source: Amazon SNS Developer Guide."""

import base64
import json
import urllib.request

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from coldframe.services.sns.envelope import signed_text
from coldframe.services.sns.signing import Signer
from tests.services.sns.conftest import received


def subscribe(sns, topic, queue_arn, **attributes):
    return sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=attributes, ReturnSubscriptionArn=True
    )["SubscriptionArn"]


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_envelope_is_complete_and_signed(server, sns, sqs, make_topic, make_queue, version) -> None:
    topic, (url, queue) = make_topic(SignatureVersion=version), make_queue()
    subscription = subscribe(sns, topic, queue)
    sent = sns.publish(
        TopicArn=topic, Message="Hello, Å", Subject="Greeting",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "a"}, "raw": {"DataType": "Binary", "BinaryValue": b"\x01"}},
    )  # fmt: skip
    (message,) = received(sqs, url)
    envelope = json.loads(message["Body"])
    assert envelope["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "a"},
        "raw": {"Type": "Binary", "Value": "AQ=="},
    }
    assert (envelope["Type"], envelope["MessageId"], envelope["TopicArn"]) == (
        "Notification",
        sent["MessageId"],
        topic,
    )
    assert (envelope["Message"], envelope["Subject"], envelope["SignatureVersion"]) == (
        "Hello, Å",
        "Greeting",
        version,
    )
    assert envelope["UnsubscribeURL"].endswith(f"SubscriptionArn={subscription}")
    signer = server.installation.parts.get(Signer)
    assert envelope["SigningCertURL"] == server.endpoint + signer.path
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    with urllib.request.urlopen(envelope["SigningCertURL"]) as served:
        certificate = x509.load_pem_x509_certificate(served.read())
    certificate.public_key().verify(
        base64.b64decode(envelope["Signature"]), signed_text(envelope), padding.PKCS1v15(), algorithm
    )
    assert message["Attributes"]["SenderId"] == "sns.amazonaws.com"


def test_raw_delivery_keeps_text_and_attributes(sns, sqs, make_topic, make_queue) -> None:
    topic, (url, queue) = make_topic(), make_queue()
    subscribe(sns, topic, queue, RawMessageDelivery="true")
    attributes = {
        "n": {"DataType": "Number", "StringValue": "7"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sns.publish(TopicArn=topic, Message="plain", MessageAttributes=attributes)
    (message,) = received(sqs, url)
    assert message["Body"] == "plain"
    assert message["MessageAttributes"] == attributes


def test_each_protocol_has_its_own_text(sns, sqs, make_topic, make_queue) -> None:
    topic, (url, queue) = make_topic(), make_queue()
    subscribe(sns, topic, queue, RawMessageDelivery="true")
    sns.publish(
        TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "d", "sqs": "for queues"})
    )
    sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "d"}))
    assert sorted(message["Body"] for message in received(sqs, url, 2)) == ["d", "for queues"]


def test_only_what_the_filter_wants_arrives(sns, sqs, make_topic, make_queue) -> None:
    topic, (url, queue), (other_url, other) = make_topic(), make_queue(), make_queue()
    subscribe(
        sns,
        topic,
        queue,
        RawMessageDelivery="true",
        FilterPolicy=json.dumps({"kind": [{"prefix": "or"}], "price": [{"numeric": [">", 100]}]}),
    )
    subscribe(
        sns,
        topic,
        other,
        RawMessageDelivery="true",
        FilterPolicyScope="MessageBody",
        FilterPolicy=json.dumps({"a": {"b": ["x"]}}),
    )
    for kind, price, body in (
        ("order", "101", "1"),
        ("order", "99", "2"),
        ("other", "500", '{"a":{"b":"x"}}'),
    ):
        attributes = {
            "kind": {"DataType": "String", "StringValue": kind},
            "price": {"DataType": "Number", "StringValue": price},
        }
        sns.publish(TopicArn=topic, Message=body, MessageAttributes=attributes)
    assert [message["Body"] for message in received(sqs, other_url)] == ['{"a":{"b":"x"}}']
    assert [message["Body"] for message in received(sqs, url)] == ["1"]
    assert received(sqs, url, seconds=1) == []


def test_batches(sns, sqs, make_topic, make_queue) -> None:
    topic, (url, queue) = make_topic(), make_queue()
    subscribe(sns, topic, queue, RawMessageDelivery="true")
    entries = [{"Id": str(n), "Message": f"m{n}"} for n in range(9)]
    answer = sns.publish_batch(
        TopicArn=topic, PublishBatchRequestEntries=[*entries, {"Id": "bad", "Message": ""}]
    )
    assert len(answer["Successful"]) == 9
    assert answer["Failed"][0]["Code"] == "InvalidParameter"
    assert sorted(message["Body"] for message in received(sqs, url, 9)) == [f"m{n}" for n in range(9)]


def test_fifo_topics_keep_order_and_drop_repetitions(sns, sqs, make_topic, make_queue) -> None:
    topic = make_topic(FifoTopic="true", ContentBasedDeduplication="true")
    url, queue = make_queue(FifoQueue="true")
    subscribe(sns, topic, queue, RawMessageDelivery="true")
    first = sns.publish(TopicArn=topic, Message="0", MessageGroupId="g")
    assert sns.publish(TopicArn=topic, Message="0", MessageGroupId="g")["MessageId"] == first["MessageId"]
    assert len(first["SequenceNumber"]) == 20
    for number in range(1, 8):
        sns.publish(TopicArn=topic, Message=str(number), MessageGroupId="g")
    got = []
    while len(got) < 8:
        messages = received(sqs, url)
        assert messages
        got += [int(message["Body"]) for message in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert got == list(range(8))


def test_a_queue_that_does_not_let_the_topic_in_gets_nothing(sns, sqs, make_topic, make_queue) -> None:
    topic, (url, queue) = make_topic(), make_queue(allowed="arn:aws:sns:*:*:another-topic")
    dead_url, dead = make_queue()
    subscribe(
        sns, topic, queue, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead}), RawMessageDelivery="true"
    )
    sns.publish(TopicArn=topic, Message="lost?")
    assert [message["Body"] for message in received(sqs, dead_url)] == ["lost?"]
    assert received(sqs, url, seconds=1) == []


def test_nothing_comes_after_unsubscribing(sns, sqs, make_topic, make_queue) -> None:
    topic, (url, queue) = make_topic(), make_queue()
    subscription = subscribe(sns, topic, queue)
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.publish(TopicArn=topic, Message="x")
    assert received(sqs, url, seconds=1) == []
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsDeleted"] == "1"


def test_the_envelope_of_a_fifo_topic_has_its_place_and_no_signature(
    sns, sqs, make_topic, make_queue
) -> None:
    topic = make_topic(FifoTopic="true", ContentBasedDeduplication="true")
    url, queue = make_queue(FifoQueue="true")
    subscribe(sns, topic, queue)
    answer = sns.publish(TopicArn=topic, Message="x", MessageGroupId="g")
    envelope = json.loads(received(sqs, url)[0]["Body"])
    assert envelope["SequenceNumber"] == answer["SequenceNumber"]
    assert "Signature" not in envelope


def test_a_batch_for_a_fifo_topic_is_refused_whole_without_a_group(sns, make_topic) -> None:
    topic = make_topic(FifoTopic="true", ContentBasedDeduplication="true")
    with pytest.raises(ClientError) as error:
        sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "x"}])
    assert error.value.response["Error"]["Message"].endswith(
        "The MessageGroupId parameter is required for FIFO topics"
    )


def test_subscribing_again_with_the_same_meaning_finds_the_subscription(sns, make_topic, make_queue) -> None:
    topic, (_, queue) = make_topic(), make_queue()
    first = subscribe(sns, topic, queue, RawMessageDelivery="True")
    for attributes in ({"RawMessageDelivery": "true"}, {"FilterPolicyScope": "MessageAttributes"}, {}):
        assert subscribe(sns, topic, queue, **attributes) == first
    with pytest.raises(ClientError) as error:
        subscribe(sns, topic, queue, RawMessageDelivery="false")
    assert error.value.response["Error"]["Message"].endswith(
        "Subscription already exists with different attributes"
    )


@pytest.mark.parametrize("raw", ["true", "false"])
def test_the_trace_of_who_publishes_goes_on_to_queues(sns, sqs, make_topic, make_queue, raw) -> None:
    topic, (url, queue) = make_topic(), make_queue()
    subscribe(sns, topic, queue, RawMessageDelivery=raw)
    trace = "Root=1-67891233-abcdef012345678912345678;Sampled=1"
    sns.meta.events.register(
        "before-send.sns.Publish", lambda request, **_: request.headers.update({"X-Amzn-Trace-Id": trace})
    )
    sns.publish(TopicArn=topic, Message="x")
    (message,) = received(sqs, url)
    assert message["Attributes"]["AWSTraceHeader"] == trace
