"""What SNS says of its deliveries: metrics in AWS/SNS, and the delivery status log."""

import json
import time
from datetime import timedelta

import pytest

from coldframe.core.offers import MetricSink
from tests.services.sns.conftest import code, received


@pytest.fixture
def metric(server):
    """The sum of a metric of a topic, None where it has no data."""
    cloudwatch = server.client("cloudwatch")

    def read(topic, name):
        server.installation.parts.get(MetricSink).flush()
        now = server.clock.now()
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/SNS",
            MetricName=name,
            Dimensions=[{"Name": "TopicName", "Value": topic.rpartition(":")[2]}],
            StartTime=now - timedelta(hours=2),
            EndTime=now + timedelta(minutes=2),
            Period=4 * 3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return found[0]["Sum"] if found else None

    def wait(topic, name, value, seconds=8):
        ends = time.monotonic() + seconds
        while (found := read(topic, name)) != value and time.monotonic() < ends:
            time.sleep(0.05)
        return found

    return wait


def test_messages_are_counted_from_publisher_to_subscriber(sns, sqs, make_topic, make_queue, metric) -> None:
    topic, (url, queue) = make_topic(), make_queue()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    sns.publish(TopicArn=topic, Message="four")
    sns.publish_batch(
        TopicArn=topic, PublishBatchRequestEntries=[{"Id": str(n), "Message": "two"} for n in range(2)]
    )
    assert len(received(sqs, url, 3)) == 3
    assert metric(topic, "NumberOfMessagesPublished", 3.0) == 3.0
    assert metric(topic, "PublishSize", 10.0) == 10.0
    assert metric(topic, "NumberOfNotificationsDelivered", 3.0) == 3.0
    assert metric(topic, "NumberOfNotificationsFailed", None) is None


def test_what_is_filtered_out_is_counted_with_its_reason(sns, make_topic, make_queue, metric) -> None:
    topic = make_topic()
    wanted = {"MessageAttributes": '{"kind": ["a"]}', "MessageBody": '{"kind": ["a"]}'}
    for scope, policy in wanted.items():
        attributes = {"FilterPolicy": policy, "FilterPolicyScope": scope}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=make_queue()[1], Attributes=attributes)
    other = {"kind": {"DataType": "String", "StringValue": "b"}}
    sns.publish(TopicArn=topic, Message='{"kind": "b"}', MessageAttributes=other)
    sns.publish(TopicArn=topic, Message="no JSON")
    out = "NumberOfNotificationsFilteredOut"
    assert metric(topic, out, 4.0) == 4.0
    for reason in ("MessageAttributes", "NoMessageAttributes", "MessageBody", "InvalidMessageBody"):
        assert metric(topic, f"{out}-{reason}", 1.0) == 1.0, reason


def test_what_fails_is_counted_and_goes_to_the_dead_letters(sns, sqs, make_topic, make_queue, metric) -> None:
    topic, (_, closed), (url, dead) = make_topic(), make_queue(allowed=""), make_queue()
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=closed, Attributes=redrive)
    sns.publish(TopicArn=topic, Message="x")
    assert len(received(sqs, url)) == 1
    assert metric(topic, "NumberOfNotificationsFailed", 1.0) == 1.0
    assert metric(topic, "NumberOfNotificationsRedrivenToDlq", 1.0) == 1.0


@pytest.fixture
def role(server):
    """A role that SNS may write logs as."""
    trust = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = server.client("iam")
    made = iam.create_role(
        RoleName=f"feedback-{time.monotonic_ns()}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    allowed = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=made["RoleName"], PolicyName="logs", PolicyDocument=document)
    return made["Arn"]


def test_the_delivery_status_is_logged_as_the_topic_asks(server, sns, make_topic, make_queue, role) -> None:
    topic = make_topic(SQSSuccessFeedbackRoleArn=role, SQSFailureFeedbackRoleArn=role)
    (_, opened), (_, closed) = make_queue(), make_queue(allowed="")
    for queue in (opened, closed):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    message = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    name = f"sns/us-east-1/{server.account}/{topic.rpartition(':')[2]}"
    (good,), (bad,) = events(server, name), events(server, f"{name}/Failure")
    assert (good["status"], bad["status"]) == ("SUCCESS", "FAILURE")
    assert good["notification"]["messageId"] == bad["notification"]["messageId"] == message
    assert good["notification"]["messageMD5Sum"] == "5d41402abc4b2a76b9719d911017c592"
    assert good["notification"]["topicArn"] == topic
    assert (good["delivery"]["destination"], good["delivery"]["statusCode"]) == (opened, 200)
    assert set(json.loads(good["delivery"]["providerResponse"])) == {"sqsRequestId", "sqsMessageId"}
    assert (bad["delivery"]["destination"], bad["delivery"]["statusCode"]) == (closed, 400)
    assert bad["delivery"]["attempts"] == 1
    assert good["delivery"]["dwellTimeMs"] >= 0


def test_no_success_is_logged_at_a_rate_of_zero(server, sns, sqs, make_topic, make_queue, role) -> None:
    topic = make_topic(SQSSuccessFeedbackRoleArn=role, SQSSuccessFeedbackSampleRate="0")
    url, queue = make_queue()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    sns.publish(TopicArn=topic, Message="one")
    assert len(received(sqs, url)) == 1
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="SQSSuccessFeedbackSampleRate", AttributeValue="100"
    )
    sns.publish(TopicArn=topic, Message="two")
    name = f"sns/us-east-1/{server.account}/{topic.rpartition(':')[2]}"
    (only,) = events(server, name)
    assert only["notification"]["messageMD5Sum"] == "b8a9f715dbb64fd5c56e7783c6820a61"


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPSuccessFeedbackSampleRate", "101"), ("LambdaFailureFeedbackRoleArn", "me"), ("SQSFeedback", "x")],
)
def test_feedback_attributes_are_checked(sns, make_topic, name, value) -> None:
    with pytest.raises(sns.exceptions.InvalidParameterException) as raised:
        make_topic(**{name: value})
    assert code(raised) == "InvalidParameter"


def events(server, group, seconds=8):
    """The events of a log group once there are any, or when the time is up."""
    logs, ends = server.client("logs"), time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            found = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        if found:
            return [json.loads(each["message"]) for each in found]
        time.sleep(0.05)
    return []
