"""The tags of a request, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.core.call import Call
from coldframe.services.rds.faults import bad_value

MOST_TAGS = 50


def checked(tags: Sequence[Any] | None, present: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the tags that a resource has once these are put to those present; raises InvalidParameterValue."""
    added: dict[str, str] = {}
    for tag in tags or ():
        key, value = tag.get("Key"), tag.get("Value", "")
        if not key or len(key) > 128 or len(value) > 256:
            raise bad_value("Tag keys have 1 to 128 characters and tag values at most 256.")
        if key.lower().startswith("aws:"):
            raise bad_value("Tag keys that begin with aws: are reserved.")
        added[key] = value
    both = {**(present or {}), **added}
    if len(both) > MOST_TAGS:
        raise bad_value(f"A resource can have at most {MOST_TAGS} tags.")
    return both


def of_backups(call: Call, specifications: Sequence[Any] | None) -> dict[str, str]:
    """Return the tags that a request has for the automated backups of what it makes; raises InvalidParameterValue."""
    found: dict[str, str] = {}
    for each in specifications or ():
        if each.get("ResourceType") != "auto-backup":
            raise bad_value(f"Invalid resource type in TagSpecifications: {each.get('ResourceType')}")
        found |= of_new(call, each.get("Tags"), "*")
    return found


def of_new(call: Call, tags: Sequence[Any] | None, arn: str) -> dict[str, str]:
    """Return the tags of something that is being made; tags need the permission to tag it."""
    if tags:
        call.require("rds:AddTagsToResource", arn)
    return checked(tags)
