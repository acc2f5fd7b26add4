"""Reading a queue: what is asked for, waiting for it, what the reader is told, and what readers do with handles."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.queue import DeadLetters, Message, Reading
from coldframe.engines.queue.reading import TooManyInFlight
from coldframe.services.sqs import attributes, digests
from coldframe.services.sqs.lookup import Place, arn_of, invalid_value
from coldframe.services.sqs.message_encryption import opened
from coldframe.services.sqs.metrics import QueueMetrics
from coldframe.services.sqs.receipts import Receipt, Receipts
from coldframe.services.sqs.records import Queue
from coldframe.services.sqs.sending import sequence_number
from coldframe.services.sqs.storage import Attribute, Content, QueueMessages

_MOST_IN_FLIGHT = 120_000
_MOST_VISIBILITY = 43_200
_MOST_MESSAGES = 10
_MOST_WAIT = 20
_ATTEMPT = 5 * 60 * 1000
# How long a waiting answer is silent at most, so that a client that has left is noticed.
_BREATH = 1.0
_ATTEMPT_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_SYSTEM = frozenset(
    {
        *("All", "AWSTraceHeader", "ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount"),
        *("DeadLetterQueueSourceArn", "FifoQueue", "MessageDeduplicationId", "MessageGroupId", "SenderId"),
        *("SentTimestamp", "SequenceNumber"),
    }
)


class Wanted(NamedTuple):
    """What a reader asked for: how many, hidden for how long, waiting how long (milliseconds), and which attributes."""

    most: int
    hidden: int
    wait: int
    attempt: str
    system: frozenset[str]
    own: tuple[str, ...]
    dead_letters: DeadLetters | None


def wanted(call: Call, place: Place, queue: Queue, request: Mapping[str, Any]) -> Wanted:
    """Read what ReceiveMessage asks for; raises InvalidParameterValue."""
    most = request.get("MaxNumberOfMessages")
    if most is not None and not 1 <= most <= _MOST_MESSAGES:
        raise invalid_value("MaxNumberOfMessages", most, "Must be between 1 and 10, if provided.")
    hidden = request.get("VisibilityTimeout")
    if hidden is not None:
        _check_visibility(hidden)
    wait = request.get("WaitTimeSeconds")
    if wait is not None and not 0 <= wait <= _MOST_WAIT:
        raise invalid_value("WaitTimeSeconds", wait, "Must be >= 0 and <= 20, if provided.")
    system = {*(request.get("AttributeNames") or ()), *(request.get("MessageSystemAttributeNames") or ())}
    if unknown := system - _SYSTEM - attributes.kinds().keys() - set(attributes.READ_ONLY):
        raise ServiceFault("InvalidAttributeName", f"Unknown Attribute {sorted(unknown)[0]}.")
    return Wanted(
        1 if most is None else most,
        1000 * (attributes.number(queue, "VisibilityTimeout") if hidden is None else hidden),
        1000 * (attributes.number(queue, "ReceiveMessageWaitTimeSeconds") if wait is None else wait),
        _attempt(queue, request),
        frozenset(system),
        tuple(request.get("MessageAttributeNames") or ()),
        _dead_letters(call, place, queue),
    )


def receive(call: Call, queue: Queue, asked: Wanted, now: int | None = None) -> list[Message]:
    """Read messages; raises OverLimit where too many are in flight in a standard queue, and gives none in a FIFO one."""
    now = call.now if now is None else now
    reading = Reading(
        now=now,
        hidden_until=now + asked.hidden,
        limit=asked.most,
        ordered=queue.fifo,
        expired=now - 1000 * attributes.number(queue, "MessageRetentionPeriod"),
        dead_letters=asked.dead_letters,
        attempt=asked.attempt,
        attempt_until=now + _ATTEMPT,
        most_in_flight=_MOST_IN_FLIGHT,
    )
    try:
        return call.part(QueueMessages).receive(queue.id, reading)
    except TooManyInFlight as error:
        if queue.fifo:
            return []
        text = f"There can be at most {_MOST_IN_FLIGHT} messages in flight; delete some that were received."
        raise ServiceFault("OverLimit", text) from error


def later(call: Call, place: Place, queue: Queue, asked: Wanted) -> Iterator[dict[str, Any] | None]:
    """Wait for messages: gives None while there are none, and at last the answer, with messages or without."""
    clock, store = call.installation.clock, call.installation.store
    messages = call.part(QueueMessages)
    ends = call.now + asked.wait
    with messages.watch(queue.id) as arrived:
        while True:
            arrived.clear()
            now = clock.milliseconds()
            if store.cached(Queue, place.account, call.region, place.name) is None:
                yield {}
                return
            found = receive(call, queue, asked, now)
            if found or now >= ends:
                call.part(QueueMetrics).received(call, place, queue, len(found))
                yield answer(call, queue, asked, found, now)
                return
            until = min(ends, messages.next_visible(queue.id, now) or ends)
            if not arrived.wait(min(_BREATH, max(until - now, 1) / 1000)):
                yield None


def answer(
    call: Call, queue: Queue, asked: Wanted, found: list[Message], now: int | None = None
) -> dict[str, Any]:
    """Return what the reader is told: no member at all when there is no message, as AWS does."""
    if not found:
        return {}
    received = call.now if now is None else now
    receipts = call.part(Receipts)
    return {"Messages": [_told(call, queue, asked, message, receipts, received) for message in found]}


def delete(call: Call, place: Place, queue: Queue, handle: str) -> None:
    """Delete a message by the handle of a reading, in a standard queue also of one before the last, as AWS does.

    In a FIFO queue, whose order depends on it, a reading that is over is one; raises InvalidParameterValue.
    """
    receipt = call.part(Receipts).read(handle, queue.id)
    messages = call.part(QueueMessages)
    now = call.now if queue.fifo else 0
    reading = (receipt.sequence, receipt.receives)
    (deleted,) = messages.delete(queue.id, [reading], now, earlier_too=not queue.fifo)
    if queue.fifo and not deleted and messages.has(queue.id, receipt.sequence):
        raise invalid_value("ReceiptHandle", handle, "The receipt handle has expired.")
    call.part(QueueMetrics).deleted(call, place, queue)


def hide(call: Call, queue: Queue, handle: str, seconds: int) -> None:
    """Hide a message that was read for so long from now; raises InvalidParameterValue when it is gone.

    A standard queue takes handles whose time is over, as AWS's does whatever its documentation says; a FIFO one does not.
    """
    _check_visibility(seconds)
    receipt = call.part(Receipts).read(handle, queue.id)
    until = call.now + 1000 * seconds
    if until > receipt.received + 1000 * _MOST_VISIBILITY:
        reason = f"Total VisibilityTimeout for the message is beyond the limit [{_MOST_VISIBILITY} seconds]"
        raise invalid_value("VisibilityTimeout", seconds, reason)
    messages = call.part(QueueMessages)
    reading = (receipt.sequence, receipt.receives)
    if not messages.change_visibility(queue.id, reading, until, call.now if queue.fifo else 0):
        text = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
        raise ServiceFault("InvalidParameterValue", text)


def _told(
    call: Call, queue: Queue, asked: Wanted, message: Message, receipts: Receipts, now: int
) -> dict[str, Any]:
    content = opened(call, message.id, message.body)
    told: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": receipts.handle(Receipt(queue.id, message.sequence, message.receives, now)),
        "MD5OfBody": digests.of_body(content.body),
        "Body": content.body,
    }
    system = _system(queue, message, content)
    every = "All" in asked.system
    shown = {name: value for name, value in system.items() if every or name in asked.system}
    if shown:
        told["Attributes"] = shown
    own = {name: value for name, value in content.attributes.items() if _is_wanted(name, asked.own)}
    if own:
        told["MessageAttributes"] = {name: _attribute(value) for name, value in own.items()}
        told["MD5OfMessageAttributes"] = digests.of_attributes(own)
    return told


def _system(queue: Queue, message: Message, content: Content) -> dict[str, str]:
    found = {
        "SenderId": content.sender,
        "SentTimestamp": str(message.sent),
        "ApproximateReceiveCount": str(message.receives + message.earlier),
        "ApproximateFirstReceiveTimestamp": str(message.first_received),
    }
    if message.group:
        found["MessageGroupId"] = message.group
    if queue.fifo:
        found["MessageDeduplicationId"] = content.deduplication
        found["SequenceNumber"] = sequence_number(message.sequence)
    if message.origin:
        found["DeadLetterQueueSourceArn"] = message.origin
    for name, attribute in content.system.items():
        found[name] = attribute.text
    return found


def _attribute(attribute: Attribute) -> dict[str, Any]:
    if attribute.text:
        return {"DataType": attribute.type, "StringValue": attribute.text}
    return {"DataType": attribute.type, "BinaryValue": attribute.data}


def _is_wanted(name: str, asked: tuple[str, ...]) -> bool:
    return any(
        each in {"All", "*", ".*", name} or (each.endswith(".*") and name.startswith(each[:-2]))
        for each in asked
    )


def _attempt(queue: Queue, request: Mapping[str, Any]) -> str:
    attempt = request.get("ReceiveRequestAttemptId")
    if attempt is None:
        return ""
    if not queue.fifo:
        reason = "The request include parameter that is not valid for this queue type."
        raise invalid_value("ReceiveRequestAttemptId", attempt, reason)
    if _ATTEMPT_ID.fullmatch(attempt) is None:
        reason = "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise invalid_value("ReceiveRequestAttemptId", attempt, reason)
    return str(attempt)


def _dead_letters(call: Call, place: Place, queue: Queue) -> DeadLetters | None:
    """Return where dead letters go; nowhere when the queue for them was deleted."""
    policy = attributes.redrive_of(queue)
    if policy is None:
        return None
    target = call.installation.store.cached(Queue, place.account, call.region, queue.dead_letters)
    if target is None:
        return None
    return DeadLetters(target.id, policy.max_receive_count, arn_of(call, place), keep_sent=not queue.fifo)


def _check_visibility(seconds: int) -> None:
    if not 0 <= seconds <= _MOST_VISIBILITY:
        reason = "VisibilityTimeout must be an integer between 0 and 43200."
        raise invalid_value("VisibilityTimeout", seconds, reason)
