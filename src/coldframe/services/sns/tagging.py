"""The rules for tags on topics."""

from collections.abc import Iterable, Mapping

from coldframe.core.faults import ServiceFault
from coldframe.services.sns.arns import invalid
from coldframe.services.sns.topic_attributes import missing_tags

_MOST = 50


def checked_tags(present: Mapping[str, str], new: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags with the new ones; raises TagLimitExceeded, InvalidParameter."""
    together, given = dict(present), list(new)
    if len({tag["Key"] for tag in given}) < len(given):
        raise invalid("Duplicated keys are not allowed.")
    for tag in given:
        if tag["Key"].lower().startswith("aws:"):
            raise missing_tags(tag["Key"])
        together[tag["Key"]] = tag["Value"]
    if len(together) > _MOST:
        raise ServiceFault(
            "TagLimitExceededException",
            f"Could not complete request: tag quota of {_MOST} per resource exceeded",
        )
    return together
