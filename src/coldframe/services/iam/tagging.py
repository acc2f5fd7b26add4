"""Tags of IAM's resources: keys are compared without case, and there are at most fifty."""

from collections.abc import Iterable, Mapping
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.iam.quotas import TAGS_PER_RESOURCE, exceeded


def of_request(request: Any) -> dict[str, str]:
    """Return the tags that a creating request brings; raises InvalidInput and LimitExceeded."""
    return merged({}, request.get("Tags", ()))


def merged(present: Mapping[str, str], given: Iterable[Any]) -> dict[str, str]:
    """Return the tags that a resource has when the given ones are put on it; a key keeps its case as given last."""
    tags = {tag["Key"]: tag["Value"] for tag in given}
    folded = {key.lower() for key in tags}
    if len(folded) != len(list(given)):
        raise ServiceFault(
            "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    if reserved := sorted(key for key in folded if key.startswith("aws:")):
        raise ServiceFault("InvalidInput", f"Tag keys that begin with aws: are reserved: {reserved[0]}")
    result = {key: value for key, value in present.items() if key.lower() not in folded} | tags
    if len(result) > TAGS_PER_RESOURCE:
        raise exceeded("TagsPerResource", TAGS_PER_RESOURCE)
    return result


def without(present: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """Return the tags that are left when those with `keys` are taken off."""
    folded = {key.lower() for key in keys}
    return {key: value for key, value in present.items() if key.lower() not in folded}


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the shape of the API."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
