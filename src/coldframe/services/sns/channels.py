"""The ways to subscribers: SQS queues, Firehose streams, HTTP endpoints and, by a relay, mailboxes."""

import base64
import http.client
import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from coldframe.core import arns
from coldframe.core.client_errors import ClientError, status_of
from coldframe.services.sns import mail
from coldframe.services.sns.delivery_policies import content_type
from coldframe.services.sns.outbox import Notification
from coldframe.services.sns.records import Subscription
from coldframe.services.sns.subscription_attributes import may_deliver_to

_PATIENCE = 15.0
# How much of an endpoint's answer the delivery status log shows.
_MOST_SHOWN = 1024


class Outcome(Enum):
    """What came of a delivery: it arrived, may arrive later, or never will."""

    DELIVERED = 1
    LATER = 2
    NEVER = 3


class Told(NamedTuple):
    """What came of a delivery, with the status and the answer of whoever it went to."""

    outcome: Outcome
    status: int = 200
    response: str = ""


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


def to_queue(clients: Clients, queue_arn: str, parcels: Sequence[Parcel]) -> list[Told]:
    """Send up to ten messages to a queue, in order."""
    arn = arns.parse(queue_arn)
    client = clients.client("sqs", arn.region, parcels[0].notification.topic_arn)
    url = f"/{arn.account}/{arn.resource}"
    try:
        answer = client.send_message_batch(QueueUrl=url, Entries=[_entry(arn, each) for each in parcels])
    except ClientError as error:
        return [_of_error(error, "sqsRequestId")] * len(parcels)
    request = _request_id(answer)
    sent = {entry["Id"]: entry["MessageId"] for entry in answer.get("Successful", [])}
    failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
    return [_of_entry(each.id, request, sent, failed) for each in parcels]


def _of_entry(name: str, request: str, sent: dict[str, str], failed: dict[str, Any]) -> Told:
    if name not in failed:
        return Told(Outcome.DELIVERED, 200, _json({"sqsRequestId": request, "sqsMessageId": sent[name]}))
    entry = failed[name]
    response = {"ErrorCode": entry["Code"], "ErrorMessage": entry.get("Message", ""), "sqsRequestId": request}
    if entry["SenderFault"]:
        return Told(Outcome.NEVER, 400, _json(response))
    return Told(Outcome.LATER, 500, _json(response))


def _entry(arn: arns.Arn, parcel: Parcel) -> dict[str, Any]:
    notification = parcel.notification
    entry: dict[str, Any] = {"Id": parcel.id, "MessageBody": parcel.text}
    # Standard queues take the group of a standard topic's message, and none of an order that they do not keep.
    if notification.group and arn.resource.endswith(".fifo") == notification.topic_arn.endswith(".fifo"):
        entry["MessageGroupId"] = notification.group
    if arn.resource.endswith(".fifo"):
        entry["MessageDeduplicationId"] = notification.deduplication or parcel.id
    if notification.trace:
        trace = {"DataType": "String", "StringValue": notification.trace}
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": trace}
    if parcel.raw and notification.attributes:
        entry["MessageAttributes"] = {
            name: {"DataType": attribute.type, "BinaryValue": base64.b64decode(attribute.value)}
            if attribute.type.startswith("Binary")
            else {"DataType": attribute.type, "StringValue": attribute.value}
            for name, attribute in notification.attributes.items()
        }
    return entry


def to_stream(clients: Clients, subscription: Subscription, parcels: Sequence[Parcel]) -> list[Told]:
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
        return [_of_error(error, "firehoseRequestId")] * len(parcels)
    request = _json({"firehoseRequestId": _request_id(answer)})
    return [
        Told(Outcome.LATER, 500, request) if one.get("ErrorCode") else Told(Outcome.DELIVERED, 200, request)
        for one in answer["RequestResponses"]
    ]


def to_url(
    subscription: Subscription,
    subscription_arn: str,
    parcel: Parcel,
    allowed: Sequence[str],
    topic_policy: str = "",
) -> Told:
    """Send a message to an HTTP endpoint: any answer of the 200s is a delivery, most 400s are final.

    `topic_policy` is the topic's delivery policy. `allowed` are the hosts and networks beside this machine that the operator lets SNS deliver to.
    """
    url = urlsplit(subscription.endpoint)
    host = url.hostname or ""
    if not may_deliver_to(host, allowed):
        return Told(Outcome.NEVER, 0, f"{host} is no host that this server may deliver to")
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, url.port, timeout=_PATIENCE)
    headers = {
        "x-amz-sns-message-type": parcel.notification.kind,
        "x-amz-sns-message-id": parcel.id,
        "x-amz-sns-topic-arn": parcel.notification.topic_arn,
        "Content-Type": content_type("", ""),
        "User-Agent": "Amazon Simple Notification Service Agent",
        "Accept-Encoding": "gzip,deflate",
        "Connection": "Keep-Alive",
    }
    if parcel.notification.kind != "SubscriptionConfirmation":
        headers["x-amz-sns-subscription-arn"] = subscription_arn
    if parcel.notification.kind == "Notification":
        headers["Content-Type"] = content_type(
            subscription.attributes.get("DeliveryPolicy", ""), topic_policy
        )
    if parcel.raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request("POST", path, parcel.text.encode(), headers)
        answer = connection.getresponse()
        status, said = answer.status, answer.read(_MOST_SHOWN).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return Told(Outcome.LATER, 0, f"The endpoint did not answer: {error}")
    finally:
        connection.close()
    if 200 <= status < 300:
        return Told(Outcome.DELIVERED, status, said)
    final = 400 <= status < 500 and status != 429
    return Told(Outcome.NEVER if final else Outcome.LATER, status, said)


def to_mailbox(relay: str, subscription: Subscription, name: str, parcel: Parcel) -> Told:
    """Mail a message to a subscriber by the relay; without one there is no way to any mailbox."""
    if not relay:
        return Told(Outcome.NEVER, 0, "This server was started without --mail-relay")
    notification = parcel.notification
    # Documented: mail has the text alone, and email-json the envelope.
    envelope = json.loads(parcel.text)
    text = parcel.text if subscription.protocol == "email-json" else notification.message
    subject = notification.subject or "AWS Notification Message"
    if notification.kind == "SubscriptionConfirmation":
        subject = "AWS Notification - Subscription Confirmation"
        if subscription.protocol == "email":
            text = f"{notification.message}\n\n{envelope['SubscribeURL']}\n"
    elif subscription.protocol == "email":
        text = f"{text}\n\n--\nTo unsubscribe from this topic, visit\n{envelope['UnsubscribeURL']}\n"
    letter = mail.compose(
        subscription.endpoint, subject, text, name=name, identifier=parcel.id, at=notification.timestamp
    )
    try:
        return Told(Outcome.DELIVERED, 250, mail.send(relay, letter))
    except mail.MailRefused as error:
        return Told(Outcome.NEVER if error.lasting else Outcome.LATER, error.status, str(error))


def to_nobody(parcel: Parcel) -> Told:
    """Tell that a text message cannot be sent: telephone networks are out of this server's reach."""
    return Told(
        Outcome.NEVER, 0, "Text messages go through telephone networks, which coldframe does not reach"
    )


def _of_error(error: ClientError, request: str) -> Told:
    """Tell an answer of a service that will stay the same from one that may pass."""
    status, said = status_of(error), error.response["Error"]
    response = _json(
        {"ErrorCode": said["Code"], "ErrorMessage": said.get("Message", ""), request: "Unrecoverable"}
    )
    final = 400 <= status < 500 and status != 429
    return Told(Outcome.NEVER if final else Outcome.LATER, status, response)


def _request_id(answer: dict[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


def _json(document: dict[str, str]) -> str:
    return json.dumps(document, separators=(",", ":"))
