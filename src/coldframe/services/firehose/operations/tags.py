"""Tags of delivery streams."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.firehose.lookup import stream_of
from coldframe.services.firehose.tagging import checked_tags


def tag_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags to a stream; a key that is there gets the new value."""
    stream = stream_of(call, request["DeliveryStreamName"])
    call.records.change(stream, tags=checked_tags(stream.tags, request["Tags"]))
    return {}


def untag_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Remove tags from a stream; a key that is not there is no error."""
    stream, gone = stream_of(call, request["DeliveryStreamName"]), set(request["TagKeys"])
    call.records.change(stream, tags={key: text for key, text in stream.tags.items() if key not in gone})
    return {}


def list_tags_for_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a stream's tags by key."""
    stream = stream_of(call, request["DeliveryStreamName"])
    after, limit = request.get("ExclusiveStartTagKey", ""), request.get("Limit", 50)
    keys = sorted(key for key in stream.tags if key > after)
    shown = [{"Key": key, "Value": stream.tags[key]} for key in keys[:limit]]
    return {"Tags": shown, "HasMoreTags": len(keys) > limit}
