"""Tags of queues."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.sqs.lookup import missing, own_queue
from coldframe.services.sqs.tagging import checked_tags


def tag_queue(call: Call, request: dict[str, Any]) -> None:
    """Add tags to a queue; a key that is there gets the new value."""
    queue = own_queue(call, request["QueueUrl"])
    if not request["Tags"]:
        raise missing("Tags")
    call.records.change(queue, tags=checked_tags(queue.name, queue.tags, request["Tags"]))


def untag_queue(call: Call, request: dict[str, Any]) -> None:
    """Remove tags from a queue; a key that is not there is no error."""
    queue = own_queue(call, request["QueueUrl"])
    if not request["TagKeys"]:
        raise ServiceFault(
            "InvalidParameterValue", "Tag keys must be between 1 and 128 characters in length."
        )
    gone = set(request["TagKeys"])
    call.records.change(queue, tags={key: value for key, value in queue.tags.items() if key not in gone})


def list_queue_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of a queue; no member at all where it has none."""
    tags = own_queue(call, request["QueueUrl"]).tags
    return {"Tags": tags} if tags else {}
