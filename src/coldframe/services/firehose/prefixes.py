"""Prefixes of objects: expressions for time and chance, checked when a stream is made and filled in for each object.

Source: Amazon Data Firehose Developer Guide, Understand custom prefixes for Amazon S3 objects.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coldframe.core.faults import NotBuilt, ServiceFault

_EXPRESSION = re.compile(r"!\{([^:}]*):([^}]*)\}")
_PATTERN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


def _month(at: datetime, width: int) -> str:
    if width > 2:
        return at.strftime("%B" if width > 3 else "%b")
    return f"{at.month:0{width}d}"


_FORMATS: dict[str, Callable[[datetime, int], str]] = {
    "y": lambda at, width: f"{at.year % 100:02d}" if width == 2 else f"{at.year:0{width}d}",
    "u": lambda at, width: f"{at.year % 100:02d}" if width == 2 else f"{at.year:0{width}d}",
    "M": _month,
    "d": lambda at, width: f"{at.day:0{width}d}",
    "D": lambda at, width: f"{at.timetuple().tm_yday:0{width}d}",
    "H": lambda at, width: f"{at.hour:0{width}d}",
    "h": lambda at, width: f"{(at.hour - 1) % 12 + 1:0{width}d}",
    "m": lambda at, width: f"{at.minute:0{width}d}",
    "s": lambda at, width: f"{at.second:0{width}d}",
    "S": lambda at, width: f"{at.microsecond:06d}".ljust(width, "0")[:width],
    "E": lambda at, width: at.strftime("%A" if width > 3 else "%a"),
    "a": lambda at, width: at.strftime("%p"),
}


def check(prefix: str, errors: str, zone: str) -> None:
    """Refuse prefixes with expressions that are none; raises InvalidArgumentException, NotBuilt."""
    for space, value in _EXPRESSION.findall(prefix):
        if space in {"partitionKeyFromQuery", "partitionKeyFromLambda"}:
            raise NotBuilt("Dynamic partitioning is not built in coldframe.")
        if space == "firehose" and value == "random-string":
            continue
        if space != "timestamp":
            raise invalid(f"Prefix contains an expression that is not valid there: !{{{space}:{value}}}")
        _check_pattern(value)
    own = _EXPRESSION.findall(errors)
    for space, value in own:
        if space == "timestamp":
            _check_pattern(value)
        elif space != "firehose" or value not in {"random-string", "error-output-type"}:
            raise invalid(f"ErrorOutputPrefix contains an expression that is not valid: !{{{space}:{value}}}")
    if _EXPRESSION.search(prefix) and ("firehose", "error-output-type") not in own:
        raise invalid(
            "ErrorOutputPrefix has to contain !{firehose:error-output-type} where Prefix contains expressions."
        )
    try:
        _zone(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise invalid(f"CustomTimeZone {zone} is not a time zone.") from error


def fill(prefix: str, at: datetime, random: str) -> str:
    """Return the prefix of an object; one without a timestamp gets `YYYY/MM/dd/HH/` at its end, as AWS has it."""

    def replaced(found: re.Match[str]) -> str:
        return _formatted(found[2], at) if found[1] == "timestamp" else random

    filled = _EXPRESSION.sub(replaced, prefix)
    return filled if _EXPRESSION.search(prefix) else filled + at.strftime("%Y/%m/%d/%H/")


def moment(milliseconds: int, zone: str) -> datetime:
    """Return a time in the time zone of a destination."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(_zone(zone))


def _zone(name: str) -> tzinfo:
    """Return a time zone; UTC without the system's tables, which a small machine may not have."""
    return UTC if name in {"", "UTC"} else ZoneInfo(name)


def invalid(text: str) -> ServiceFault:
    """Return the fault for an argument that is not allowed."""
    return ServiceFault("InvalidArgumentException", text)


def _check_pattern(pattern: str) -> None:
    if "".join(found[0] for found in _PATTERN.finditer(pattern)) != pattern or not pattern:
        raise invalid(f"The timestamp expression {pattern!r} is not valid.")
    for found in _PATTERN.finditer(pattern):
        if found[2] and found[2] not in _FORMATS:
            raise invalid(
                f"The timestamp expression {pattern!r} is not valid: {found[2]} has no meaning here."
            )


def _formatted(pattern: str, at: datetime) -> str:
    parts = []
    for found in _PATTERN.finditer(pattern):
        if found[1] is not None:
            parts.append(found[1].replace("''", "'") or "'")
        elif found[2]:
            parts.append(_FORMATS[found[2]](at, len(found[0])))
        else:
            parts.append(found[0])
    return "".join(parts)
