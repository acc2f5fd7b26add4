"""Messages: sent, received, hidden for longer, deleted; one at a time or ten."""

from collections.abc import Iterator
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.sqs import batches, receiving
from coldframe.services.sqs.lookup import queue_at
from coldframe.services.sqs.message_checks import sent_size
from coldframe.services.sqs.message_encryption import check_reader, data_key
from coldframe.services.sqs.metrics import QueueMetrics
from coldframe.services.sqs.sending import answer, check_batch, draft
from coldframe.services.sqs.storage import QueueMessages

_MOST_BATCH_BYTES = 1_048_576


def send_message(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Keep a message; it is durable when this answers."""
    place, queue = queue_at(call, request["QueueUrl"])
    drafted = draft(call, queue, request, data_key(call, place, queue))
    (sent,) = call.part(QueueMessages).send(queue.id, [drafted.new], call.now)
    call.part(QueueMetrics).sent(call, place, queue, [drafted.size], [sent])
    return answer(queue, drafted, sent)


def send_message_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Keep up to ten messages, all that are valid together."""
    place, queue = queue_at(call, request["QueueUrl"])
    entries = request["Entries"]
    batches.check(entries, "SendMessageBatch")
    total = sum(map(sent_size, entries))
    if total > _MOST_BATCH_BYTES:
        text = f"Batch requests cannot be longer than {_MOST_BATCH_BYTES} bytes. You have sent {total} bytes."
        raise ServiceFault("BatchRequestTooLong", text)
    check_batch(queue, entries)
    key = data_key(call, place, queue)
    drafts, failures = [], []
    for entry in entries:
        try:
            drafts.append((entry["Id"], draft(call, queue, entry, key)))
        except ServiceFault as fault:
            failures.append(batches.failed(entry, fault))
    kept = call.part(QueueMessages).send(queue.id, [drafted.new for _, drafted in drafts], call.now)
    call.part(QueueMetrics).sent(call, place, queue, [drafted.size for _, drafted in drafts], kept)
    successful = [
        {"Id": name, **answer(queue, drafted, sent)}
        for (name, drafted), sent in zip(drafts, kept, strict=True)
    ]
    return batches.answer(successful, failures)


def receive_message(call: Call, request: dict[str, Any]) -> dict[str, Any] | Iterator[dict[str, Any] | None]:
    """Return messages that nobody else is reading, or wait for them as long as was asked."""
    place, queue = queue_at(call, request["QueueUrl"])
    wanted = receiving.wanted(call, place, queue, request)
    check_reader(call, place, queue)
    found = receiving.receive(call, queue, wanted)
    if found or not wanted.wait:
        call.part(QueueMetrics).received(call, place, queue, len(found))
        return receiving.answer(call, queue, wanted, found)
    return receiving.later(call, place, queue, wanted)


def delete_message(call: Call, request: dict[str, Any]) -> None:
    """Delete a message by the handle of its last reading."""
    place, queue = queue_at(call, request["QueueUrl"])
    receiving.delete(call, place, queue, request["ReceiptHandle"])


def delete_message_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete up to ten messages."""
    place, queue = queue_at(call, request["QueueUrl"])
    return batches.each(
        request["Entries"],
        "DeleteMessageBatch",
        lambda entry: receiving.delete(call, place, queue, entry["ReceiptHandle"]),
    )


def change_message_visibility(call: Call, request: dict[str, Any]) -> None:
    """Hide a message that is being read for so many seconds from now; 0 lets others have it."""
    _, queue = queue_at(call, request["QueueUrl"])
    receiving.hide(call, queue, request["ReceiptHandle"], request["VisibilityTimeout"])


def change_message_visibility_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Hide up to ten messages that are being read."""
    _, queue = queue_at(call, request["QueueUrl"])
    return batches.each(
        request["Entries"],
        "ChangeMessageVisibilityBatch",
        lambda entry: receiving.hide(call, queue, entry["ReceiptHandle"], entry.get("VisibilityTimeout", 0)),
    )
