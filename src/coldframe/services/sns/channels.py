"""The ways to subscribers: SQS queues, Firehose streams and HTTP endpoints of this machine."""

import base64
import http.client
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from coldframe.core import arns
from coldframe.core.client_errors import ClientError, status_of
from coldframe.services.sns.outbox import Notification
from coldframe.services.sns.records import Subscription
from coldframe.services.sns.subscription_attributes import is_this_machine

_PATIENCE = 15.0


class Outcome(Enum):
    """What came of a delivery: it arrived, may arrive later, or never will."""

    DELIVERED = 1
    LATER = 2
    NEVER = 3


class Parcel(NamedTuple):
    """A message for one subscription: its id, what it says, and the text that is sent (raw, or the envelope)."""

    id: str
    notification: Notification
    text: str
    raw: bool


class Clients(Protocol):
    """Gives clients of other services that act as SNS for a topic, or as a role that trusts it."""

    def client(self, service: str, region: str, topic_arn: str, role: str = "") -> Any:
        """Return a client; the same one for the same arguments as long as it is good."""


def to_queue(clients: Clients, queue_arn: str, parcels: Sequence[Parcel]) -> list[Outcome]:
    """Send up to ten messages to a queue, in order."""
    arn = arns.parse(queue_arn)
    client = clients.client("sqs", arn.region, parcels[0].notification.topic_arn)
    url = f"/{arn.account}/{arn.resource}"
    try:
        answer = client.send_message_batch(QueueUrl=url, Entries=[_entry(arn, each) for each in parcels])
    except ClientError as error:
        return [_of_error(error)] * len(parcels)
    failed = {entry["Id"]: entry["SenderFault"] for entry in answer.get("Failed", [])}
    return [_of_entry(each.id, failed) for each in parcels]


def _of_entry(name: str, failed: dict[str, bool]) -> Outcome:
    if name not in failed:
        return Outcome.DELIVERED
    return Outcome.NEVER if failed[name] else Outcome.LATER


def _entry(arn: arns.Arn, parcel: Parcel) -> dict[str, Any]:
    notification = parcel.notification
    entry: dict[str, Any] = {"Id": parcel.id, "MessageBody": parcel.text}
    # Standard queues take the group of a standard topic's message, and none of an order that they do not keep.
    if notification.group and arn.resource.endswith(".fifo") == notification.topic_arn.endswith(".fifo"):
        entry["MessageGroupId"] = notification.group
    if arn.resource.endswith(".fifo"):
        entry["MessageDeduplicationId"] = notification.deduplication or parcel.id
    if parcel.raw and notification.attributes:
        entry["MessageAttributes"] = {
            name: {"DataType": attribute.type, "BinaryValue": base64.b64decode(attribute.value)}
            if attribute.type.startswith("Binary")
            else {"DataType": attribute.type, "StringValue": attribute.value}
            for name, attribute in notification.attributes.items()
        }
    return entry


def to_stream(clients: Clients, subscription: Subscription, parcels: Sequence[Parcel]) -> list[Outcome]:
    """Put messages into a Firehose stream, a line each, as the subscription's role."""
    arn = arns.parse(subscription.endpoint)
    name = arn.resource.partition("/")[2]
    records = [{"Data": each.text.encode() + b"\n"} for each in parcels]
    try:
        client = clients.client(
            "firehose",
            arn.region,
            parcels[0].notification.topic_arn,
            subscription.attributes["SubscriptionRoleArn"],
        )
        answer = client.put_record_batch(DeliveryStreamName=name, Records=records)
    except ClientError as error:
        return [_of_error(error)] * len(parcels)
    return [
        Outcome.LATER if one.get("ErrorCode") else Outcome.DELIVERED for one in answer["RequestResponses"]
    ]


def to_url(subscription: Subscription, subscription_arn: str, parcel: Parcel) -> Outcome:
    """Send a message to an HTTP endpoint of this machine: any answer of the 200s is a delivery, most 400s are final."""
    url = urlsplit(subscription.endpoint)
    host = url.hostname or ""
    if not is_this_machine(host):
        return Outcome.NEVER
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, url.port, timeout=_PATIENCE)
    headers = {
        "x-amz-sns-message-type": parcel.notification.kind,
        "x-amz-sns-message-id": parcel.id,
        "x-amz-sns-topic-arn": parcel.notification.topic_arn,
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    if parcel.notification.kind == "Notification":
        headers["x-amz-sns-subscription-arn"] = subscription_arn
    if parcel.raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request("POST", path, parcel.text.encode(), headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return Outcome.LATER
    finally:
        connection.close()
    if 200 <= status < 300:
        return Outcome.DELIVERED
    return Outcome.NEVER if 400 <= status < 500 and status != 429 else Outcome.LATER


def _of_error(error: ClientError) -> Outcome:
    """Tell an answer of a service that will stay the same from one that may pass."""
    status = status_of(error)
    return Outcome.NEVER if 400 <= status < 500 and status != 429 else Outcome.LATER
