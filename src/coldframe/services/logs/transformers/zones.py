"""Time zones by their names, as Java takes them: region ids, offsets, and UTC or GMT with an offset."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

OFFSET = r"[Zz]|(?:GMT|UTC)?[+-][0-9]{1,2}(?::?[0-9]{2}(?::?[0-9]{2})?)?|GMT|UTC"
"""An expression for the text of an offset."""

_OFFSET = re.compile(r"(?:GMT|UTC|UT)?([+-])(\d{1,2})(?::?(\d{2})(?::?(\d{2}))?)?", re.ASCII)
_ABBREVIATED = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "JST": 9, "KST": 9,
}  # fmt: skip
"""Hours from UTC of the abbreviations that have one meaning in what logs write."""


def zone_of(name: str) -> tzinfo:
    """Return a zone by a region id, an offset or UTC; raises ValueError for a name that is none."""
    if name.upper() in {"Z", "UTC", "GMT", "UT"}:
        return UTC
    found = _OFFSET.fullmatch(name)
    if found is not None:
        hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
        offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if offset > timedelta(hours=18) or minutes > 59 or seconds > 59:
            raise ValueError(f"{name} is no offset from UTC")
        return timezone(-offset if found[1] == "-" else offset)
    # ZoneInfo opens a file of this name.
    if not re.fullmatch(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}", name):
        raise ValueError(f"{name} is no time zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"{name} is no time zone") from error


def zone_in_text(text: str) -> tzinfo:
    """Return the zone that the text of an event names, abbreviations too; raises ValueError."""
    hours = _ABBREVIATED.get(text.upper())
    return zone_of(text) if hours is None else timezone(timedelta(hours=hours), text.upper())


def offset_text(letter: str, count: int, offset: timedelta) -> str:
    """Return an offset as the letters O, X, x and Z write it."""
    seconds = int(offset.total_seconds())
    sign, hours, minutes = "-" if seconds < 0 else "+", abs(seconds) // 3600, abs(seconds) // 60 % 60
    if (letter == "X" or (letter, count) == ("Z", 5)) and seconds == 0:
        return "Z"
    if letter == "O" or (letter, count) == ("Z", 4):
        if seconds == 0:
            return "GMT"
        if letter == "O" and count == 1:
            return f"GMT{sign}{hours}" + (f":{minutes:02}" if minutes else "")
        return f"GMT{sign}{hours:02}:{minutes:02}"
    if letter in "Xx" and count == 1:
        return f"{sign}{hours:02}" + (f"{minutes:02}" if minutes else "")
    colon = ":" if count in {3, 5} and letter in "XxZ" and not (letter == "Z" and count == 3) else ""
    return f"{sign}{hours:02}{colon}{minutes:02}"
