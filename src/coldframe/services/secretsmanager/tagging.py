"""Tags of secrets: at most fifty, each key once, none of AWS's own but by AWS's services."""

from typing import Any

from coldframe.core.call import Call
from coldframe.services.secretsmanager.lookup import invalid_parameter

_MOST = 50


def with_tags(call: Call, present: dict[str, str], given: list[dict[str, Any]]) -> dict[str, str]:
    """Return the tags with those given; raises InvalidParameterException."""
    if any(not tag.get("Key") for tag in given):
        raise invalid_parameter("A tag must have a key.")
    keys = [tag["Key"] for tag in given]
    if len(set(keys)) < len(keys):
        raise invalid_parameter("Duplicate tag keys found. Please note that Tag keys are case sensitive.")
    if not call.via and any(key.lower().startswith("aws:") for key in keys):
        raise invalid_parameter("Tag keys that begin with aws: are reserved for AWS.")
    tags = present | {tag["Key"]: tag.get("Value") or "" for tag in given}
    if len(tags) > _MOST:
        raise invalid_parameter(f"A secret has at most {_MOST} tags.")
    return tags
