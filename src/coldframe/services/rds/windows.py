"""Backup and maintenance windows: checked as given, chosen where none is, and whether one is open."""

import re
import zlib
from datetime import UTC, datetime

from coldframe.services.rds.faults import bad_value

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAILY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_WEEKLY = re.compile(
    rf"({'|'.join(_DAYS)}):([01]\d|2[0-3]):([0-5]\d)-({'|'.join(_DAYS)}):([01]\d|2[0-3]):([0-5]\d)"
)
# What has the form of a window, whatever its days, hours and minutes are.
_LIKE_DAILY = re.compile(r"\d\d:\d\d-\d\d:\d\d")
_LIKE_WEEKLY = re.compile(r"[a-z]{3}:\d\d:\d\d-[a-z]{3}:\d\d:\d\d")
_DAY, _WEEK, _LEAST = 1440, 10_080, 30


def backup_window(text: str) -> str:
    """Return a daily window as it is kept; raises InvalidParameterValue."""
    found = _DAILY.fullmatch(text)
    if found is None and _LIKE_DAILY.fullmatch(text):
        raise bad_value(f"Invalid hour:minute value: {text}")
    if found is None:
        raise bad_value(
            f"Invalid backup window format: {text}. Should be specified as a range hh24:mi-hh24:mi (24H Clock UTC)."
            " Example: 05:30-06:00"
        )
    begin, end = _minutes(found[1], found[2]), _minutes(found[3], found[4])
    if (end - begin) % _DAY < _LEAST:
        raise bad_value("The backup window must be at least 30 minutes.")
    return text


def maintenance_window(text: str) -> str:
    """Return a weekly window as it is kept, in lower case; raises InvalidParameterValue."""
    lower = text.lower()
    found = _WEEKLY.fullmatch(lower)
    if found is None and _LIKE_WEEKLY.fullmatch(lower):
        raise bad_value(f"Invalid day:hour:minute value: {text}")
    if found is None:
        raise bad_value(
            f"Invalid maintenance window format: {text}. Should be specified as a range ddd:hh24:mi-ddd:hh24:mi"
            " (24H Clock UTC). Example: Sun:23:45-Mon:00:15"
        )
    begin, end = _weekly(found)
    if (end - begin) % _WEEK < _LEAST:
        raise bad_value("The maintenance window must be at least 30 minutes.")
    if (end - begin) % _WEEK > _DAY:
        raise bad_value("Maintenance window must be less than 24 hours.")
    return lower


def apart(backup: str, maintenance: str) -> None:
    """Refuse windows that overlap on any day; raises InvalidParameterValue."""
    if _overlap(backup, maintenance):
        raise bad_value("The backup window and maintenance window must not overlap.")


def _overlap(backup: str, maintenance: str) -> bool:
    daily, weekly = _DAILY.fullmatch(backup), _WEEKLY.fullmatch(maintenance)
    if daily is None or weekly is None:
        return False
    begin, end = _minutes(daily[1], daily[2]), _minutes(daily[3], daily[4])
    length = (end - begin) % _DAY
    first, last = _weekly(weekly)
    span = (last - first) % _WEEK
    starts = [day * _DAY + begin for day in range(7)]
    return any((start - first) % _WEEK < span or (first - start) % _WEEK < length for start in starts)


def of_new(resource_id: str, backup: str | None, maintenance: str | None) -> tuple[str, str]:
    """Return the windows of a new resource: those that are given, and half an hour elsewhere for one that is not.

    Raises InvalidParameterValue for what is no window, and for windows that overlap.
    """
    given = (
        backup_window(backup) if backup else None,
        maintenance_window(maintenance) if maintenance else None,
    )
    if given[0] and given[1]:
        apart(given[0], given[1])
        return given[0], given[1]
    for turn in range(24):
        daily, weekly = _chosen(f"{resource_id}{turn or ''}")
        found = (given[0] or daily, given[1] or weekly)
        if not _overlap(*found):
            return found
    # A given window takes the whole day: nothing is apart from it.
    return found


def _chosen(resource_id: str) -> tuple[str, str]:
    """Return a backup and a maintenance window of half an hour, in the night hours, different from instance to instance."""
    number = zlib.crc32(resource_id.encode())
    backup = 180 + number % 420
    # Four to five hours later, on any day: they never overlap, and the window stays within its day.
    maintenance = backup + 240 + number % 60
    day = _DAYS[number % 7]
    return (
        f"{_clock(backup)}-{_clock(backup + 30)}",
        f"{day}:{_clock(maintenance)}-{day}:{_clock(maintenance + 30)}",
    )


def is_open(window: str, milliseconds: int) -> bool:
    """Tell whether a daily or weekly window is open at a moment (milliseconds since 1970, UTC)."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    minute = moment.hour * 60 + moment.minute
    if found := _DAILY.fullmatch(window):
        begin, end = _minutes(found[1], found[2]), _minutes(found[3], found[4])
        return (minute - begin) % _DAY < (end - begin) % _DAY
    if found := _WEEKLY.fullmatch(window):
        begin, end = _weekly(found)
        return (moment.weekday() * _DAY + minute - begin) % _WEEK < (end - begin) % _WEEK
    return False


def next_begin(weekly: str, milliseconds: int) -> int:
    """Return when a weekly window begins next after a moment, or has begun if it is open (milliseconds since 1970)."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    found = _WEEKLY.fullmatch(weekly)
    if found is None:
        return milliseconds
    begin, end = _weekly(found)
    now = moment.weekday() * _DAY + moment.hour * 60 + moment.minute
    since = (now - begin) % _WEEK
    ahead = -since if since < (end - begin) % _WEEK else _WEEK - since
    return (milliseconds // 60_000 + ahead) * 60_000


def _weekly(found: re.Match[str]) -> tuple[int, int]:
    return (
        _DAYS.index(found[1]) * _DAY + _minutes(found[2], found[3]),
        _DAYS.index(found[4]) * _DAY + _minutes(found[5], found[6]),
    )


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
