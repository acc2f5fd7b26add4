"""Schedule expressions: `cron(0 9 ? * MON-FRI *)` and `rate(5 minutes)`, and the times that they mean in a time zone.

Cron expressions have six fields, as in Amazon EventBridge: minutes, hours, day of month, month, day of week (1 is Sunday),
year; exactly one of the days is `?`. Five fields are those of Unix: day of week from 0, Sunday, and both days may be `*`.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_RATE = re.compile(r"rate\(\s*(\d+)\s+(minutes?|hours?|days?)\s*\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if number}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
# A day that comes again at all, such as 29 February, comes within eight years.
_FARTHEST = 9 * 366


class Schedule(Protocol):
    """Times that come again; all are seconds since 1970."""

    def after(self, moment: float) -> float | None:
        """Return the first time after a moment, None when there is none any more."""


@dataclass(frozen=True)
class Rate:
    """Every so many seconds after `anchor`."""

    every: int
    anchor: float

    def after(self, moment: float) -> float | None:
        """Return the first time after a moment."""
        passed = max((moment - self.anchor) // self.every, 0)
        return self.anchor + (passed + 1) * self.every


class _Days(NamedTuple):
    """Which days of a month: by number, the last, weekdays nearest to a number; by weekday, the last or the nth one."""

    numbers: frozenset[int]
    last: bool
    nearest: frozenset[int]
    last_weekday: bool
    weekdays: frozenset[int]
    last_of: frozenset[int]
    nth: frozenset[tuple[int, int]]
    any_number: bool
    any_weekday: bool
    either: bool


@dataclass(frozen=True)
class Cron:
    """A cron expression in a time zone. Local times that a change of clocks leaves out are left out."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: _Days
    months: frozenset[int]
    years: frozenset[int] | None
    zone: ZoneInfo

    def after(self, moment: float) -> float | None:
        """Return the first time after a moment, None when there is none any more."""
        local = datetime.fromtimestamp(moment, UTC).astimezone(self.zone)
        day = local.date()
        for _ in range(_FARTHEST if self.years is None else (_LAST_YEAR - day.year + 1) * 366):
            if self._on(day):
                found = next((at for at in self._times(day) if at > moment), None)
                if found is not None:
                    return found
            if day.year >= _LAST_YEAR and (day.month, day.day) == (12, 31):
                return None
            day += timedelta(days=1)
        return None

    def _times(self, day: date) -> Iterator[float]:
        times = []
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime.combine(day, time(hour, minute), self.zone)
                at = local.astimezone(UTC)
                if at.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                    times.append(at.timestamp())
        return iter(sorted(times))

    def _on(self, day: date) -> bool:
        if day.month not in self.months or (self.years is not None and day.year not in self.years):
            return False
        number, weekday = self._by_number(day), self._by_weekday(day)
        return (number or weekday) if self.days.either else (number and weekday)

    def _by_number(self, day: date) -> bool:
        days = self.days
        length = calendar.monthrange(day.year, day.month)[1]
        if days.any_number or day.day in days.numbers or (days.last and day.day == length):
            return True
        if days.last_weekday and day.day == _nearest_weekday(day.replace(day=length), length):
            return True
        return any(
            number <= length and day.day == _nearest_weekday(day.replace(day=number), length)
            for number in days.nearest
        )

    def _by_weekday(self, day: date) -> bool:
        days, weekday = self.days, day.isoweekday() % 7
        if days.any_weekday or weekday in days.weekdays:
            return True
        length = calendar.monthrange(day.year, day.month)[1]
        return (weekday in days.last_of and day.day + 7 > length) or (
            (weekday, (day.day - 1) // 7 + 1) in days.nth
        )


def parse(expression: str, timezone: str, anchor: float) -> Schedule:
    """Read an expression; rates count from `anchor` (seconds since 1970). Raises ValueError that names what is wrong."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"The time zone {timezone} is unknown.") from None
    if found := _RATE.fullmatch(expression):
        count, unit = int(found[1]), found[2]
        if count < 1 or (count == 1) == unit.endswith("s"):
            raise ValueError(
                f"{expression} must be a positive number and its unit, as rate(1 hour) or rate(5 minutes)."
            )
        return Rate(count * _SECONDS[unit.rstrip("s")], anchor)
    found = _CRON.fullmatch(expression)
    fields = found[1].split() if found else []
    if len(fields) == 6:
        return _cron(fields, zone, first_day=1)
    if len(fields) == 5:
        return _cron([*fields, "*"], zone, first_day=0)
    raise ValueError(f"{expression} must be cron() with five or six fields, or rate().")


def _cron(fields: list[str], zone: ZoneInfo, *, first_day: int) -> Cron:
    minutes, hours, days, months, weekdays, years = fields
    if first_day == 1 and (days == "?") == (weekdays == "?"):
        raise ValueError("Exactly one of day-of-month and day-of-week must be ? in a cron expression.")
    unix_both = first_day == 0 and not any(text in {"*", "?"} for text in (days, weekdays))
    numbers, last, last_weekday, nearest = _month_days(days)
    plain, last_of, nth = _week_days(weekdays, first_day)
    return Cron(
        tuple(sorted(_values(minutes, "minutes", 0, 59))),
        tuple(sorted(_values(hours, "hours", 0, 23))),
        _Days(
            numbers, last, nearest, last_weekday, plain, last_of, nth,
            days in {"*", "?"}, weekdays in {"*", "?"}, unix_both,
        ),
        _values(months, "month", 1, 12, _MONTHS),
        None if years == "*" else _values(years, "year", _FIRST_YEAR, _LAST_YEAR),
        zone,
    )  # fmt: skip


def _month_days(text: str) -> tuple[frozenset[int], bool, bool, frozenset[int]]:
    if text in {"*", "?"}:
        return frozenset(), False, False, frozenset()
    if text in {"L", "LW"}:
        return frozenset(), text == "L", text == "LW", frozenset()
    if found := re.fullmatch(r"(\d{1,2})W", text):
        return frozenset(), False, False, _values(found[1], "day-of-month", 1, 31)
    return _values(text, "day-of-month", 1, 31), False, False, frozenset()


def _week_days(text: str, first: int) -> tuple[frozenset[int], frozenset[int], frozenset[tuple[int, int]]]:
    """Return weekdays from 0, Sunday: those meant always, for the last in the month, and for the nth."""
    names = {name: number + first for name, number in _DAYS.items()}
    high = 7

    def days(part: str) -> frozenset[int]:
        found = _values(part, "day-of-week", first, high, names)
        return frozenset((day - first) % 7 for day in found)

    if text in {"*", "?"}:
        return frozenset(), frozenset(), frozenset()
    if found := re.fullmatch(r"(\w+)#([1-5])", text):
        return frozenset(), frozenset(), frozenset((day, int(found[2])) for day in days(found[1]))
    if found := re.fullmatch(r"(\d|[A-Za-z]{3})L", text):
        return frozenset(), days(found[1]), frozenset()
    if text == "L":
        return frozenset({6}), frozenset(), frozenset()
    return days(text), frozenset(), frozenset()


def _values(text: str, name: str, low: int, high: int, words: dict[str, int] | None = None) -> frozenset[int]:
    """Return the numbers of a field: lists, ranges, steps and names; raises ValueError."""
    chosen: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        bounds = [_number(word, words or {}) for word in span.split("-")] if span != "*" else [low, high]
        if step and len(bounds) == 1:
            bounds.append(high)
        every = int(step) if step.isdecimal() else 0 if "/" in part else 1
        fits = len(bounds) <= 2 and all(low <= bound <= high for bound in bounds)
        if not fits or bounds[0] > bounds[-1] or every < 1:
            raise ValueError(f"The {name} field of a cron expression cannot be {text}.")
        chosen |= set(range(bounds[0], bounds[-1] + 1, every))
    return frozenset(chosen)


def _number(word: str, words: dict[str, int]) -> int:
    return words.get(word.upper(), int(word) if word.isdecimal() else -1)


def _nearest_weekday(day: date, length: int) -> int:
    """Return the number of the weekday nearest to a day, in its month."""
    if day.weekday() == 5:
        return day.day - 1 if day.day > 1 else day.day + 2
    if day.weekday() == 6:
        return day.day + 1 if day.day < length else day.day - 2
    return day.day
