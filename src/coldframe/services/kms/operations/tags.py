"""Tags of keys."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.kms.listing import limit_of, marker_of, page
from coldframe.services.kms.lookup import changeable_key, own_key
from coldframe.services.kms.tagging import with_tags


def tag_resource(call: Call, request: dict[str, Any]) -> None:
    """Add tags to a key, or change those of the same key."""
    _, key = changeable_key(call, request["KeyId"])
    call.records.change(key, tags=with_tags(key.tags, request["Tags"]))


def untag_resource(call: Call, request: dict[str, Any]) -> None:
    """Take tags from a key."""
    _, key = changeable_key(call, request["KeyId"])
    gone = set(request["TagKeys"])
    call.records.change(key, tags={name: value for name, value in key.tags.items() if name not in gone})


def list_resource_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of a key by their keys."""
    _, key = own_key(call, request["KeyId"])
    limit, after = limit_of(request, 50, 50), marker_of(call, request)
    rows = [item for item in sorted(key.tags.items()) if after is None or item[0] > after]
    return page(
        call,
        "Tags",
        rows,
        limit,
        place=lambda item: item[0],
        show=lambda item: {"TagKey": item[0], "TagValue": item[1]},
    )
