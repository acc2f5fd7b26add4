"""The metrics of topics in AWS/SNS. Source: SNS Developer Guide, Monitoring topics using CloudWatch."""

import json

from coldframe.core import arns
from coldframe.core.offers import MetricSink
from coldframe.services.sns.outbox import Notification

_NAMESPACE = "AWS/SNS"
FILTERED_OUT = "NumberOfNotificationsFilteredOut"


def count(
    sink: MetricSink, topic: arns.Arn, name: str, now: int, value: float = 1, *, unit: str = "Count"
) -> None:
    """Add to a metric of a topic."""
    sink.put(
        (topic.account, topic.region),
        (_NAMESPACE, name),
        value,
        at=now,
        dimensions={"TopicName": topic.resource},
        unit=unit,
    )


def filtered_out(sink: MetricSink, topic: arns.Arn, scope: str, refused: Notification, now: int) -> None:
    """Count a message that a subscription's filter policy refused, and why."""
    count(sink, topic, FILTERED_OUT, now)
    count(sink, topic, f"{FILTERED_OUT}-{_reason(scope, refused)}", now)


def _reason(scope: str, refused: Notification) -> str:
    if scope == "MessageAttributes":
        return "MessageAttributes" if refused.attributes else "NoMessageAttributes"
    try:
        document = json.loads(refused.message)
    except (ValueError, RecursionError):
        return "InvalidMessageBody"
    return "MessageBody" if isinstance(document, dict) else "InvalidMessageBody"
