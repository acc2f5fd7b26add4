"""How values of the API are written on a page: sizes, moments, lists, and whatever else comes."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
# Numbers above this are milliseconds: as seconds they would lie in the year 5138.
_MILLISECONDS_FROM = 100_000_000_000
# Whole numbers below this are told from their neighbours by a float.
_EXACT = 2**53


def size(value: Any) -> str:
    """Write a number of bytes with the unit that keeps it short."""
    if not isinstance(value, int | float):
        return shown(value)
    number, unit = float(value), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.0f} {_UNITS[unit]}" if unit == 0 else f"{number:.1f} {_UNITS[unit]}"


def moment(value: Any) -> str:
    """Write a time in UTC: a datetime, or seconds or milliseconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS_FROM else value, UTC)
    if not isinstance(value, datetime):
        return shown(value)
    return str(value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))


def shown(value: Any) -> str:
    """Write any value of the API on one line; nothing at all as a dash."""
    if value is None or (isinstance(value, str | list | Mapping) and not value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, list) and all(not isinstance(each, list | dict) for each in value):
        return ", ".join(map(shown, value))
    if isinstance(value, list | Mapping):
        return json.dumps(value, default=str)
    return str(value)


def pretty(value: Any) -> str:
    """Write a structure (or text that is JSON) over several lines."""
    if isinstance(value, str):
        try:
            return json.dumps(json.loads(value), indent=2)
        except ValueError:
            return str(value)
    return json.dumps(value, indent=2, default=str)


def written(value: Any, kind: str) -> str:
    """Write a value as a column or field of this kind is written: text, bytes, time, state, json, yes."""
    if kind == "bytes":
        return size(value)
    if kind == "time":
        return moment(value)
    if kind == "json" and value:
        return pretty(value)
    return shown(value)


_GOOD = {
    "active",
    "activated",
    "analyzing",
    "available",
    "ok",
    "enabled",
    "succeeded",
    "complete",
    "completed",
    "running",
    "switchover_completed",
}
_BAD = {"failed", "alarm", "error", "switchover_failed", "invalid_configuration", "crashed", "storage-full"}
_QUIET = {
    "archived",
    "paused",
    "disabled",
    "stopped",
    "inactive",
    "insufficient_data",
    "deleted",
    "cancelled",
    "pendingdeletion",
}


def tone(value: Any) -> str:
    """Return how a state is coloured: good, bad, quiet, or busy for everything on its way."""
    word = str(value).lower()
    for name, words in (("good", _GOOD), ("bad", _BAD), ("quiet", _QUIET)):
        if word in words:
            return name
    return "busy"


FILTERS: dict[str, Callable[..., str]] = {
    "size": size,
    "moment": moment,
    "shown": shown,
    "pretty": pretty,
    "written": written,
    "tone": tone,
}
