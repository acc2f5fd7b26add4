"""An alarm tells an SNS topic, and a queue hears it; the topic's policy decides whether CloudWatch may."""

import json

import pytest

from coldframe.server.services import SERVICES
from tests.services.cloudwatch.alarm_drills import put, set_state, settle

pytestmark = pytest.mark.skipif(
    not {"coldframe.services.sns", "coldframe.services.sqs"} <= set(SERVICES), reason="needs SNS and SQS"
)


def allow(principal, action, resource, **condition):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": action,
        "Resource": resource,
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_an_alarm_reaches_a_queue(running):
    cloudwatch, sns, sqs = (running.client(name) for name in ("cloudwatch", "sns", "sqs"))
    topic = sns.create_topic(Name="ops")["TopicArn"]
    queue = sqs.create_queue(QueueName="ops")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(
        QueueUrl=queue, Attributes={"Policy": allow("sns.amazonaws.com", "sqs:SendMessage", arn)}
    )
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    put(cloudwatch, "errors", Statistic="Sum", AlarmActions=[topic], TreatMissingData="notBreaching")

    def outcome():
        settle(running)
        found = cloudwatch.describe_alarm_history(AlarmName="errors", HistoryItemType="Action")
        return [item["HistorySummary"] for item in found["AlarmHistoryItems"]]

    others = {"ArnEquals": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:111111111111:alarm:errors"}}
    policy = allow("cloudwatch.amazonaws.com", "sns:Publish", topic, **others)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    set_state(cloudwatch, "errors", "ALARM")
    assert outcome()[0].startswith(f'Failed to execute action {topic}. Received error: "')
    set_state(cloudwatch, "errors", "OK")
    here = {"StringEquals": {"aws:SourceAccount": running.account}}
    policy = allow("cloudwatch.amazonaws.com", "sns:Publish", topic, **here)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "Errors", "Value": 5}])
    assert outcome()[0] == f"Successfully executed action {topic}"
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    told = json.loads(message["Body"])
    assert (told["AlarmName"], told["NewStateValue"]) == ("errors", "ALARM")
    assert told["Trigger"]["MetricName"] == "Errors"
