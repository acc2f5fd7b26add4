"""From a request to a message that is kept: checked, sealed, delayed and known again."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.queue import Duplicate, New, Sent
from coldframe.services.sqs import attributes, digests
from coldframe.services.sqs.lookup import invalid_value, missing
from coldframe.services.sqs.message_checks import (
    attributes_of,
    check_body,
    check_fifo_id,
    size_of,
    system_attributes_of,
)
from coldframe.services.sqs.message_encryption import DataKey, keep
from coldframe.services.sqs.records import Queue
from coldframe.services.sqs.storage import Attribute, Content

_DEDUPLICATED = 5 * 60 * 1000
_MOST_DELAY = 900
# What is longer is no trace header, and a header of HTTP may be far longer.
_LONGEST_TRACE = 1024
# Documented: sequence numbers have 20 digits.
_FIRST_SEQUENCE = 18_850_000_000_000_000_000


class Draft(NamedTuple):
    """A message that may be sent, and how many of its bytes count."""

    new: New
    content: Content
    size: int


def draft(call: Call, queue: Queue, request: Mapping[str, Any], key: DataKey | None) -> Draft:
    """Check what is to be sent to a queue; raises the fault that says what is wrong with it."""
    body = request["MessageBody"]
    check_body(body)
    own = attributes_of(request.get("MessageAttributes") or {})
    system = system_attributes_of(request.get("MessageSystemAttributes") or {})
    size = size_of(body, own)
    most = attributes.number(queue, "MaximumMessageSize")
    if size > most:
        text = f"One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
        raise ServiceFault("InvalidParameterValue", text)
    group, deduplication = _fifo(queue, request, body)
    if 0 < len(call.trace_header) <= _LONGEST_TRACE:
        system.setdefault("AWSTraceHeader", Attribute("String", call.trace_header))
    content = Content(body, own, system, call.principal.user_id or call.principal.arn, deduplication)
    identifier = call.new_id()
    scope = group if queue.fifo and attributes.deduplication_scope(queue, call.now) == "messageGroup" else ""
    new = New(
        identifier,
        keep(call, queue, key, identifier, content),
        call.now + _delay(queue, request) * 1000,
        group,
        Duplicate(scope, deduplication, call.now + _DEDUPLICATED) if queue.fifo else None,
    )
    return Draft(new, content, size)


def answer(queue: Queue, drafted: Draft, sent: Sent) -> dict[str, Any]:
    """Return what the sender is told of a message."""
    content = drafted.content
    told: dict[str, Any] = {"MD5OfMessageBody": digests.of_body(content.body), "MessageId": sent.id}
    if content.attributes:
        told["MD5OfMessageAttributes"] = digests.of_attributes(content.attributes)
    if content.system:
        told["MD5OfMessageSystemAttributes"] = digests.of_attributes(content.system)
    if queue.fifo:
        told["SequenceNumber"] = sequence_number(sent.sequence)
    return told


def sequence_number(sequence: int) -> str:
    """Return a message's place in the order of its queue as clients see it."""
    return str(_FIRST_SEQUENCE + sequence)


def check_batch(queue: Queue, entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a batch for a FIFO queue as a whole when an entry has no place in its order; raises InvalidParameterValue."""
    if not queue.fifo:
        return
    for entry in entries:
        try:
            _fifo(queue, entry, entry["MessageBody"])
        except ServiceFault as fault:
            raise ServiceFault("InvalidParameterValue", fault.message) from fault


def _fifo(queue: Queue, request: Mapping[str, Any], body: str) -> tuple[str, str]:
    """Return group and deduplication id; standard queues take a group, which orders nothing there."""
    group, deduplication = request.get("MessageGroupId"), request.get("MessageDeduplicationId")
    if group is not None:
        check_fifo_id("MessageGroupId", group)
    if not queue.fifo:
        if deduplication is not None:
            reason = "The request include parameter that is not valid for this queue type"
            raise invalid_value("MessageDeduplicationId", deduplication, reason)
        return group or "", ""
    if group is None:
        raise missing("MessageGroupId")
    if deduplication is not None:
        check_fifo_id("MessageDeduplicationId", deduplication)
        return group, deduplication
    if not attributes.flag(queue, "ContentBasedDeduplication"):
        raise ServiceFault(
            "InvalidParameterValue",
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
            " explicitly",
        )
    return group, hashlib.sha256(body.encode()).hexdigest()


def _delay(queue: Queue, request: Mapping[str, Any]) -> int:
    asked = request.get("DelaySeconds")
    if asked is None:
        return attributes.number(queue, "DelaySeconds")
    if not 0 <= asked <= _MOST_DELAY:
        raise invalid_value("DelaySeconds", asked, "DelaySeconds must be >= 0 and <= 900.")
    if queue.fifo and asked:
        reason = "The request include parameter that is not valid for this queue type."
        raise invalid_value("DelaySeconds", asked, reason)
    return asked if asked or not queue.fifo else attributes.number(queue, "DelaySeconds")
