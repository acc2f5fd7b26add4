"""The tags of a request, checked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.services.organizations.reasons import constraint, invalid

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import TagTypeDef

MOST_TAGS = 50


def checked(tags: "Sequence[TagTypeDef] | None", present: dict[str, str] | None = None) -> dict[str, str]:
    """Return the tags that a resource has once these are put to those present; raises the faults about tags."""
    added = {tag["Key"]: tag["Value"] for tag in tags or ()}
    if len(added) < len(tags or ()):
        raise invalid("DUPLICATE_TAG_KEY")
    if any(key.lower().startswith("aws:") for key in added):
        raise invalid("INVALID_SYSTEM_TAGS_PARAMETER")
    all_tags = {**(present or {}), **added}
    if len(all_tags) > MOST_TAGS:
        raise constraint("MAX_TAG_LIMIT_EXCEEDED")
    return all_tags


def tags_of_new(call: Call, tags: "Sequence[TagTypeDef] | None", resource: str) -> dict[str, str]:
    """Return the tags of something that is being made; tags need the permission to tag it."""
    if tags:
        call.require("organizations:TagResource", resource)
    return checked(tags)
