"""The rules for tags on streams."""

from collections.abc import Iterable, Mapping

from coldframe.core.faults import ServiceFault
from coldframe.services.firehose.prefixes import invalid

_MOST = 50


def checked_tags(present: Mapping[str, str], new: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags with the new ones; raises LimitExceededException, InvalidArgumentException."""
    together = dict(present)
    for tag in new:
        if tag["Key"].lower().startswith("aws:"):
            raise invalid(f"Tag key {tag['Key']!r}: keys that begin with aws: are reserved.")
        together[tag["Key"]] = tag.get("Value", "")
    if len(together) > _MOST:
        raise ServiceFault("LimitExceededException", f"A Firehose stream has at most {_MOST} tags.")
    return together
