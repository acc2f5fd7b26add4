"""The delivery status log: what came of deliveries, written to CloudWatch Logs as the topic's attributes ask.

Source: SNS Developer Guide, Message delivery status. Failures are all written, successes by their sample rate.
"""

import contextlib
import hashlib
import json
import logging
from datetime import UTC, datetime
from typing import Any

from coldframe.core import arns, ids
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.services.sns.channels import Outcome, Parcel, Told
from coldframe.services.sns.connections import Connections
from coldframe.services.sns.records import Subscription, Topic

LOG = logging.getLogger("coldframe.sns")

FAMILIES = {"http": "HTTP", "https": "HTTP", "sqs": "SQS", "firehose": "Firehose"}
KINDS = ("Application", "Firehose", "HTTP", "Lambda", "SQS")
_SUCCESS, _FAILURE, _RATE = "SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate"
ROLES = frozenset(f"{kind}{what}" for kind in KINDS for what in (_SUCCESS, _FAILURE))
RATES = frozenset(f"{kind}{_RATE}" for kind in KINDS)


class DeliveryStatus:
    """Writes the delivery status of topics; one stream a log group and a run of the server."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._streams: dict[tuple[str, str], str] = {}

    def tell(
        self,
        arn: arns.Arn,
        topic: Topic,
        subscription: Subscription,
        parcel: Parcel,
        told: Told,
        *,
        attempts: int,
        now: int,
    ) -> None:
        """Write what came of a message in the end, if the topic asks for it and its role may."""
        family = FAMILIES.get(subscription.protocol)
        delivered = told.outcome is Outcome.DELIVERED
        role = topic.attributes.get(f"{family}{_SUCCESS if delivered else _FAILURE}", "")
        if not role or (delivered and not _sampled(parcel.id, topic.attributes.get(f"{family}{_RATE}"))):
            return
        group = f"sns/{arn.region}/{arn.account}/{arn.resource}" + ("" if delivered else "/Failure")
        event = {"timestamp": now, "message": _entry(arn, subscription, parcel, told, attempts, now)}
        try:
            self._put(self._connections.client("logs", arn.region, str(arn), role), arn, group, event)
        except (ClientError, ServiceFault) as error:
            LOG.warning("topic %s: the delivery status could not be written to %s: %s", arn, group, error)

    def _put(self, logs: Any, arn: arns.Arn, group: str, event: dict[str, Any]) -> None:
        stream = self._streams.get((arn.region, group))
        if stream is not None:
            try:
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
            except logs.exceptions.ResourceNotFoundException:
                self._streams.pop((arn.region, group), None)
            else:
                return
        # It may be there by an earlier run, or by another thread, which is as well.
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        stream = ids.uuid()
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
        self._streams[arn.region, group] = stream


def _sampled(identifier: str, rate: str | None) -> bool:
    """Tell whether a success is one of those to be written; without a rate all are."""
    if rate is None:
        return True
    return int(hashlib.md5(identifier.encode(), usedforsecurity=False).hexdigest(), 16) % 100 < int(rate)


def _entry(
    arn: arns.Arn, subscription: Subscription, parcel: Parcel, told: Told, attempts: int, now: int
) -> str:
    sent = datetime.fromtimestamp(parcel.notification.timestamp / 1000, UTC)
    text = parcel.notification.message.encode()
    return json.dumps(
        {
            "notification": {
                "messageMD5Sum": hashlib.md5(text, usedforsecurity=False).hexdigest(),
                "messageId": parcel.id,
                "topicArn": str(arn),
                "timestamp": sent.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            },
            "delivery": {
                "deliveryId": ids.uuid(),
                "destination": subscription.endpoint,
                "providerResponse": told.response,
                "dwellTimeMs": max(now - parcel.notification.timestamp, 0),
                "attempts": attempts,
                "statusCode": told.status,
            },
            "status": "SUCCESS" if told.outcome is Outcome.DELIVERED else "FAILURE",
        }
    )
