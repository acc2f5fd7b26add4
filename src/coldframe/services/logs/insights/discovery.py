"""Fields discovered in an event: the parts of its JSON by dotted paths, as queries name them."""

from typing import Any

import msgspec

from coldframe.services.logs.insights.values import plain_number

MOST_FIELDS = 200


def discovered(message: str) -> dict[str, str]:
    """Return the fields of a message that is a JSON object, the first 200 of them; {} for any other message."""
    if not message.lstrip().startswith("{"):
        return {}
    try:
        document = msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError):
        return {}
    found: dict[str, str] = {}
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting and len(found) < MOST_FIELDS:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(_below(path, key), each) for key, each in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(_below(path, str(at)), each) for at, each in reversed(list(enumerate(value)))]
        elif value is not None:
            found[path] = _text(value)
    return found


def _below(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return plain_number(value) if isinstance(value, int | float) else str(value)
