"""Fields discovered in an event: the parts of its JSON by dotted paths, or of a known line, as queries name them."""

from typing import Any

import msgspec

from coldframe.services.logs.insights import known_lines
from coldframe.services.logs.insights.values import plain_number

MOST_FIELDS = 200


def discovered(message: str) -> dict[str, str]:
    """Return the fields of a message that is a JSON object, the first 200 of them, or a line of a known format."""
    line = known_lines.found_in(message)
    text = known_lines.function_json(message)
    if not text.lstrip().startswith("{"):
        return line
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return line
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
    return {"@" + name if name.startswith("@") else name: each for name, each in found.items()} | line


def _below(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return plain_number(value) if isinstance(value, int | float) else str(value)
