"""The JSON in which SNS wraps messages for those who did not ask for raw delivery, and its signature.

Source: Amazon SNS Developer Guide, Parsing message formats, and Verifying the signatures of messages.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

from coldframe.services.sns.outbox import Notification

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
Sign = Callable[[bytes, str], str]


def wrap(
    notification: Notification,
    identifier: str,
    subscription_arn: str,
    *,
    sign: Sign,
    version: str = "1",
    certificate: str = "",
    sequence: str = "",
) -> str:
    """Return the envelope of a message; `sign` gives the signature of bytes for a signature version.

    `sequence` is the place of a message of a FIFO topic in its order.
    """
    told = {"Type": notification.kind, "MessageId": identifier, "TopicArn": notification.topic_arn}
    asks = notification.kind != "Notification"
    if asks:
        told["Token"] = notification.token
    if sequence:
        told["SequenceNumber"] = sequence
    if notification.subject is not None:
        told["Subject"] = notification.subject
    told["Message"] = notification.message
    moment = datetime.fromtimestamp(notification.timestamp / 1000, UTC)
    told["Timestamp"] = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{notification.timestamp % 1000:03d}Z"
    if asks:
        query = {
            "Action": "ConfirmSubscription",
            "TopicArn": notification.topic_arn,
            "Token": notification.token,
        }
        told["SubscribeURL"] = f"{notification.endpoint}/?{urlencode(query, safe=':')}"
    if not sequence:  # what FIFO topics deliver is not signed
        told["SignatureVersion"] = version
        told["Signature"] = sign(signed_text(told), version)
        told["SigningCertURL"] = f"{notification.endpoint}{certificate}"
    if not asks:
        query = {"Action": "Unsubscribe", "SubscriptionArn": subscription_arn}
        told["UnsubscribeURL"] = f"{notification.endpoint}/?{urlencode(query, safe=':')}"
    document: dict[str, object] = dict(told)
    if notification.attributes:
        document["MessageAttributes"] = {
            name: {"Type": attribute.type, "Value": attribute.value}
            for name, attribute in notification.attributes.items()
        }
    return json.dumps(document, ensure_ascii=False)


def signed_text(told: dict[str, str]) -> bytes:
    """Return what is signed of an envelope: names and values of some members, in order, each on a line."""
    names = _SIGNED[told["Type"]]
    return "".join(f"{name}\n{told[name]}\n" for name in names if name in told).encode()
