"""The rules for tags on log groups and destinations."""

from collections.abc import Iterable, Mapping

from coldframe.core.faults import ServiceFault
from coldframe.services.logs.lookup import invalid

MOST_TAGS = 50


def added(present: Mapping[str, str], new: Mapping[str, str], arn: str) -> dict[str, str]:
    """Return the tags with the new ones; raises TooManyTagsException over 50, InvalidParameterException for `aws:`."""
    check_keys(new)
    together = {**present, **new}
    if len(together) > MOST_TAGS:
        text = f"The resource {arn} can have at most {MOST_TAGS} tags, and would have {len(together)}."
        raise ServiceFault("TooManyTagsException", text, resourceName=arn)
    return together


def check_keys(keys: Iterable[str]) -> None:
    """Refuse keys that only AWS itself may use."""
    for key in keys:
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag key {key!r}: aws: prefixed tag key names are not allowed for external use.")


def without(present: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """Return the tags without those of some keys; a key that is not there is no error."""
    gone = set(keys)
    return {key: value for key, value in present.items() if key not in gone}
