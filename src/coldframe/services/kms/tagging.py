"""Tags of keys: at most fifty, each key once, none of AWS's own."""

from typing import Any

from coldframe.core.faults import ServiceFault

_MOST = 50


def with_tags(present: dict[str, str], given: list[dict[str, Any]]) -> dict[str, str]:
    """Return the tags with those given; raises TagException and LimitExceededException."""
    if len(given) > _MOST:
        raise ServiceFault("TagException", "Too many tags")
    keys = [tag["TagKey"] for tag in given]
    if len(set(keys)) < len(keys):
        raise ServiceFault("TagException", "Duplicate tag keys")
    if any(key.lower().startswith("aws:") for key in keys):
        raise ServiceFault("TagException", "Tags beginning with aws: are reserved")
    tags = present | {tag["TagKey"]: tag["TagValue"] for tag in given}
    if len(tags) > _MOST:
        raise ServiceFault("LimitExceededException", f"A key has at most {_MOST} tags")
    return tags
