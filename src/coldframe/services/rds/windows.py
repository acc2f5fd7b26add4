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
_DAY, _WEEK, _LEAST = 1440, 10_080, 30


def backup_window(text: str) -> str:
    """Return a daily window as it is kept; raises InvalidParameterValue."""
    found = _DAILY.fullmatch(text)
    if found is None:
        raise bad_value(
            f"Invalid backup window format: {text}. Specify a daily time range in the format hh24:mi-hh24:mi."
        )
    begin, end = _minutes(found[1], found[2]), _minutes(found[3], found[4])
    if (end - begin) % _DAY < _LEAST:
        raise bad_value("The backup window must be at least 30 minutes.")
    return text


def maintenance_window(text: str) -> str:
    """Return a weekly window as it is kept, in lower case; raises InvalidParameterValue."""
    lower = text.lower()
    found = _WEEKLY.fullmatch(lower)
    if found is None:
        raise bad_value(
            f"Invalid maintenance window format: {text}. Specify a time range in the format ddd:hh24:mi-ddd:hh24:mi."
        )
    begin, end = _weekly(found)
    if (end - begin) % _WEEK < _LEAST:
        raise bad_value("The maintenance window must be at least 30 minutes.")
    return lower


def apart(backup: str, maintenance: str) -> None:
    """Refuse windows that overlap on any day; raises InvalidParameterValue."""
    daily, weekly = _DAILY.fullmatch(backup), _WEEKLY.fullmatch(maintenance)
    if daily is None or weekly is None:
        return
    begin, end = _minutes(daily[1], daily[2]), _minutes(daily[3], daily[4])
    length = (end - begin) % _DAY
    first, last = _weekly(weekly)
    span = (last - first) % _WEEK
    for day in range(7):
        start = day * _DAY + begin
        if (start - first) % _WEEK < span or (first - start) % _WEEK < length:
            raise bad_value("The backup window and maintenance window must not overlap.")


def chosen(resource_id: str) -> tuple[str, str]:
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
