"""The schedule of an alarm mute rule: `cron(0 2 * * SUN)` or `at(2026-11-23T08:00)`, for a duration such as `PT4H`.

Source: PutAlarmMuteRule in the CloudWatch API reference.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST = timedelta(days=15)
_CRON = re.compile(r"cron\(([^()]+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d)\)")
_DURATION = re.compile(r"P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?)?")
_MONTHS = {
    name: n
    for n, name in enumerate(
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1
    )
}
_DAYS = {name: n for n, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minutes", 0, 59, {}),
    ("hours", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)


@dataclass(frozen=True)
class MuteSchedule:
    """When a rule mutes: at one moment or again and again, each time for `duration`."""

    duration: timedelta
    zone: ZoneInfo
    once: datetime | None
    fields: tuple[frozenset[int], ...] = ()
    any_day: bool = True
    any_weekday: bool = True

    def active(self, moment: int, *, start: int | None = None) -> bool:
        """Tell whether the rule mutes at a moment (milliseconds); occurrences before `start` do not count."""
        now = datetime.fromtimestamp(moment / 1000, UTC)
        begun = self._latest(now.astimezone(self.zone))
        if begun is None or (start is not None and begun.timestamp() * 1000 < start):
            return False
        return now < (begun + self.duration).astimezone(UTC)

    def over(self, moment: int) -> bool:
        """Tell whether the one time that the rule has is over at a moment (milliseconds)."""
        now = datetime.fromtimestamp(moment / 1000, UTC)
        return self.once is not None and now >= (self.once + self.duration).astimezone(UTC)

    def _latest(self, now: datetime) -> datetime | None:
        """The last occurrence not after now, as far back as it can still matter."""
        if self.once is not None:
            return self.once if self.once <= now else None
        minutes, hours, *_ = self.fields
        for back in range(self.duration.days + 2):
            day = now - timedelta(days=back)
            if not self._on(day):
                continue
            for hour in sorted(hours, reverse=True):
                for minute in sorted(minutes, reverse=True):
                    found = day.replace(hour=hour, minute=minute, second=0, microsecond=0)
                    if found <= now:
                        return found
        return None

    def _on(self, day: datetime) -> bool:
        _, _, days, months, weekdays = self.fields
        if day.month not in months:
            return False
        in_month, in_week = day.day in days, day.isoweekday() % 7 in weekdays
        # As in every cron: when both are restricted, either is enough.
        return (in_month or in_week) if not (self.any_day or self.any_weekday) else (in_month and in_week)


def parse(expression: str, duration: str, timezone: str | None) -> MuteSchedule:
    """Read a schedule; raises ValueError that names what is wrong."""
    try:
        zone = ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"Timezone {timezone} is unknown.") from None
    length = _length(duration)
    if found := _AT.fullmatch(expression):
        try:
            return MuteSchedule(length, zone, datetime.fromisoformat(found[1]).replace(tzinfo=zone))
        except ValueError:
            raise ValueError(f"Expression {expression} names no time.") from None
    found = _CRON.fullmatch(expression)
    parts = found[1].split() if found else []
    if len(parts) != len(_FIELDS):
        raise ValueError(f"Expression {expression} must be at(yyyy-MM-ddThh:mm) or cron() with five fields.")
    fields = [_field(text, *about) for text, about in zip(parts, _FIELDS, strict=True)]
    if 7 in fields[4]:
        fields[4] = (fields[4] - {7}) | {0}
    return MuteSchedule(length, zone, None, tuple(fields), parts[2] == "*", parts[4] == "*")


def _field(text: str, name: str, low: int, high: int, words: dict[str, int]) -> frozenset[int]:
    if text == "*":
        return frozenset(range(low, high + 1))
    chosen: set[int] = set()
    for part in text.split(","):
        bounds = [words.get(word.upper(), int(word) if word.isdecimal() else -1) for word in part.split("-")]
        if len(bounds) > 2 or not all(low <= bound <= high for bound in bounds) or bounds[0] > bounds[-1]:
            raise ValueError(f"The {name} field of a cron expression cannot be {text}.")
        chosen |= set(range(bounds[0], bounds[-1] + 1))
    return frozenset(chosen)


def _length(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(
            f"Duration {text} is not an ISO 8601 duration of days, hours and minutes, such as PT4H."
        )
    days, hours, minutes = (int(part or 0) for part in found.groups())
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes)
    except OverflowError:
        length = LONGEST * 2
    if not timedelta(minutes=1) <= length <= LONGEST:
        raise ValueError(f"Duration {text} must be between PT1M and P15D.")
    return length
