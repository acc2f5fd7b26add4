"""The rules for tags on queues."""

from collections.abc import Mapping

from coldframe.core.faults import ServiceFault

_MOST = 50
_LONGEST_KEY, _LONGEST_VALUE = 128, 256


def checked_tags(queue: str, present: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a queue with the new ones; raises InvalidParameterValue for keys and values that are not allowed."""
    for key, value in new.items():
        if not 1 <= len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise _refused(f"The tag {key!r} has a key or value of a length that is not allowed.")
        if key.lower().startswith("aws:"):
            raise _refused(f"Tag keys cannot start with reserved prefix aws:, as {key!r} does.")
    together = {**present, **new}
    if len(together) > _MOST:
        raise _refused(f"Too many tags added for queue {queue}.")
    return together


def _refused(text: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValue", text)
