"""The tags of a request, checked."""

from collections.abc import Sequence
from typing import Any

from coldframe.core.call import Call
from coldframe.services.cloudwatch.alarms.faults import invalid

MOST_TAGS = 50


def checked(tags: Sequence[Any] | None, present: dict[str, str] | None = None) -> dict[str, str]:
    """Return the tags that a resource has once these are put to those present; raises ValidationError."""
    added = {tag["Key"]: tag["Value"] for tag in tags or ()}
    if len(added) < len(tags or ()):
        raise invalid("The list of tags must not name a key twice.")
    if any(key.lower().startswith("aws:") for key in added):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    all_tags = {**(present or {}), **added}
    if len(all_tags) > MOST_TAGS:
        raise invalid(f"A resource can have at most {MOST_TAGS} tags.")
    return all_tags


def tags_of_new(call: Call, tags: Sequence[Any] | None, arn: str) -> dict[str, str]:
    """Return the tags of something that is being made; tags need the permission to tag it."""
    if tags:
        call.require("cloudwatch:TagResource", arn)
    return checked(tags)
