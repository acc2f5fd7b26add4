"""Attributes of queues: read with what the message store says, set and checked together."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.sqs import attributes
from coldframe.services.sqs.dead_letters import check_target
from coldframe.services.sqs.lookup import arn_of, invalid_value, own_queue, place_of, queue_at
from coldframe.services.sqs.records import Queue
from coldframe.services.sqs.storage import QueueMessages


def get_queue_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes asked for; none when none are, those that are not set are left out."""
    place, queue = queue_at(call, request["QueueUrl"])
    wanted = set(request.get("AttributeNames") or ())
    known = {*attributes.kinds(), *attributes.READ_ONLY, "FifoQueue"}
    if unknown := wanted - known - {"All"}:
        raise ServiceFault("InvalidAttributeName", f"Unknown Attribute {sorted(unknown)[0]}.")
    every = "All" in wanted
    found = {
        **attributes.effective(queue),
        "QueueArn": arn_of(call, place),
        "CreatedTimestamp": str(queue.created // 1000),
        "LastModifiedTimestamp": str(queue.modified // 1000),
    }
    if every or any(name.startswith("Approximate") for name in wanted):
        counts = call.part(QueueMessages).counts(queue.id, call.now)
        found["ApproximateNumberOfMessages"] = str(counts.available)
        found["ApproximateNumberOfMessagesNotVisible"] = str(counts.in_flight)
        found["ApproximateNumberOfMessagesDelayed"] = str(counts.delayed)
    chosen = {name: value for name, value in found.items() if every or name in wanted}
    return {"Attributes": chosen} if chosen else {}


def set_queue_attributes(call: Call, request: dict[str, Any]) -> None:
    """Set attributes; an empty text takes a policy away."""
    place = place_of(call, request["QueueUrl"])
    queue = own_queue(call, request["QueueUrl"])
    given = dict(request["Attributes"])
    if "FifoQueue" in given and not queue.fifo:
        raise ServiceFault("InvalidAttributeName", "Unknown Attribute FifoQueue.")
    if given.pop("FifoQueue", "true").lower() != "true":
        text = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
        raise ServiceFault("InvalidAttributeValue", text)
    wanted = attributes.checked(given, fifo=queue.fifo)
    records = call.records.elsewhere(account=place.account)
    dead_letters = queue.dead_letters
    if "RedrivePolicy" in wanted:
        policy = wanted["RedrivePolicy"]
        dead_letters = check_target(records, arn_of(call, place), policy, fifo=queue.fifo) if policy else ""
    together = attributes.merged(queue.attributes, wanted)
    _check_throughput(together)
    scope = attributes.deduplication_scope(queue, call.now)
    rescoped = together.get("DeduplicationScope", "queue") != queue.attributes.get(
        "DeduplicationScope", "queue"
    )
    changed = records.change(
        queue,
        attributes=together,
        dead_letters=dead_letters,
        modified=call.now,
        former_scope=scope if rescoped else queue.former_scope,
        scope_changed=call.now if rescoped else queue.scope_changed,
    )
    if queue.fifo and "DelaySeconds" in wanted:
        # Documented: a FIFO queue's delay holds for the messages that are in it already.
        records.after_commit(lambda: _delay(call, changed))


def _delay(call: Call, queue: Queue) -> None:
    call.part(QueueMessages).delay(queue.id, attributes.number(queue, "DelaySeconds") * 1000)


def _check_throughput(together: dict[str, str]) -> None:
    if (
        together.get("FifoThroughputLimit") == "perMessageGroupId"
        and together.get("DeduplicationScope") != "messageGroup"
    ):
        reason = "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup."
        raise invalid_value("FifoThroughputLimit", "perMessageGroupId", reason)
