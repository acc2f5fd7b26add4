"""Processors that change an event: its keys, its texts, its types and its dates."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import re2

from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.times import date_format
from coldframe.services.logs.transformers import paths
from coldframe.services.logs.transformers.errors import InvalidTransformer
from coldframe.services.logs.transformers.paths import MISSING

Event = dict[str, Any]
Settings = Mapping[str, Any]
_DEFAULT_DATE = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"


def add_keys(event: Event, settings: Settings) -> None:
    """Add keys with fixed values."""
    for entry in settings["entries"]:
        paths.put(event, entry["key"], entry["value"], overwrite=entry.get("overwriteIfExists", False))


def delete_keys(event: Event, settings: Settings) -> None:
    """Delete keys."""
    for key in settings["withKeys"]:
        paths.remove(event, key)


def copy_value(event: Event, settings: Settings) -> None:
    """Copy values."""
    for entry in settings["entries"]:
        value = paths.get(event, entry["source"])
        if value is not MISSING:
            paths.put(event, entry["target"], value, overwrite=entry.get("overwriteIfExists", False))


def move_keys(event: Event, settings: Settings) -> None:
    """Move values below another key, under the name they have; with the target's own name where it is no object."""
    for entry in settings["entries"]:
        _move(event, entry["source"], entry["target"], entry)


def rename_keys(event: Event, settings: Settings) -> None:
    """Rename keys."""
    for entry in settings["entries"]:
        _move(event, entry["key"], entry["renameTo"], entry)


def _move(event: Event, source: str, target: str, entry: Settings) -> None:
    value = paths.get(event, source)
    overwrite = entry.get("overwriteIfExists", False)
    if value is MISSING or (not overwrite and paths.get(event, target) is not MISSING):
        return
    paths.remove(event, source)
    paths.put(event, target, value, overwrite=True)


def list_to_map(event: Event, settings: Settings) -> None:
    """Make an object of a list of objects, by one of their keys."""
    items = paths.get(event, settings["source"])
    if not isinstance(items, list):
        return
    found: dict[str, Any] = {}
    for item in items:
        if not isinstance(item, dict) or settings["key"] not in item:
            continue
        value = item.get(settings["valueKey"]) if "valueKey" in settings else item
        found.setdefault(str(item[settings["key"]]), []).append(value)
    if settings.get("flatten"):
        at = 0 if settings.get("flattenedElement") == "first" else -1
        found = {key: values[at] for key, values in found.items()}
    if "target" in settings:
        paths.put(event, settings["target"], found, overwrite=True)
    else:
        event.update(found)


def on_texts(change: Callable[[str], str]) -> Callable[[Event, Settings], None]:
    """Return a processor that changes the texts at some keys."""

    def process(event: Event, settings: Settings) -> None:
        for key in settings["withKeys"]:
            value = paths.get(event, key)
            if isinstance(value, str):
                paths.put(event, key, change(value), overwrite=True)

    return process


def split_string(event: Event, settings: Settings) -> None:
    """Split texts into lists."""
    for entry in settings["entries"]:
        value = paths.get(event, entry["source"])
        if isinstance(value, str):
            paths.put(event, entry["source"], value.split(entry["delimiter"]), overwrite=True)


def substitute_string(event: Event, settings: Settings) -> None:
    """Replace what matches an expression."""
    for entry in settings["entries"]:
        value = paths.get(event, entry["source"])
        if isinstance(value, str):
            changed = expression(entry["from"]).sub(_replacement(entry["to"]), value)
            paths.put(event, entry["source"], changed, overwrite=True)


def expression(pattern: str) -> Any:
    """Return a compiled expression; raises InvalidTransformer."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise InvalidTransformer(f"invalid regular expression {pattern!r}") from error


def _replacement(text: str) -> str:
    """Return a replacement in RE2's spelling: groups are `$1`, a backslash is itself."""
    escaped = text.replace("\\", "\\\\")
    return str(re2.sub(r"\$(\d)", r"\\\1", escaped))


def convert_types(event: Event, settings: Settings) -> None:
    """Convert values; one that does not convert stays."""
    for entry in settings["entries"]:
        value = paths.get(event, entry["key"])
        if value is not MISSING:
            paths.put(event, entry["key"], _converted(value, entry["type"]), overwrite=True)


def _converted(value: Any, kind: str) -> Any:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        if kind == "integer":
            return int(float(text))
        if kind == "double":
            return float(text)
    except (ValueError, OverflowError):
        return value
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), value)
    return text


def convert_date(event: Event, settings: Settings) -> None:
    """Write a date in another format and time zone."""
    value = paths.get(event, settings["source"])
    if value is MISSING:
        return
    zone = ZoneInfo(settings.get("sourceTimezone", "UTC"))
    for pattern in settings["matchPatterns"]:
        read = _read(str(value), pattern, zone)
        if read is not None:
            target = read.astimezone(ZoneInfo(settings.get("targetTimezone", "UTC")))
            written = _write(target, settings.get("targetFormat", _DEFAULT_DATE))
            paths.put(event, settings["target"], written, overwrite=True)
            return


def spelled(pattern: str) -> str:
    """Return a date format in Python's spelling; raises InvalidTransformer."""
    try:
        return date_format(pattern.replace("%", "%%") if "%" in pattern else pattern, Span(0, 0)).replace(
            "%-", "%"
        )
    except QueryError as error:
        raise InvalidTransformer(error.message) from error


def _read(text: str, pattern: str, zone: ZoneInfo) -> datetime | None:
    try:
        read = datetime.strptime(text, spelled(pattern).replace("%g", "%f"))  # noqa: DTZ007 - the zone is set below
    except ValueError:
        return None
    return read.replace(tzinfo=read.tzinfo or zone).astimezone(UTC)


def _write(moment: datetime, pattern: str) -> str:
    return moment.strftime(spelled(pattern).replace("%g", f"{moment.microsecond // 1000:03d}"))
