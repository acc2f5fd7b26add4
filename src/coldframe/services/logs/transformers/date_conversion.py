"""dateTimeConverter: a date in one of several formats becomes one in another format and time zone."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from coldframe.services.logs.transformers.configuration import DateTimeConverter
from coldframe.services.logs.transformers.date_patterns import Token, reading, tokens, written
from coldframe.services.logs.transformers.errors import InvalidTransformer, TransformationFailed
from coldframe.services.logs.transformers.event import ABSENT, Step, TransformingEvent
from coldframe.services.logs.transformers.expressions import compiled
from coldframe.services.logs.transformers.locale_names import Names, names_of
from coldframe.services.logs.transformers.paths import put, source_path, target_path
from coldframe.services.logs.transformers.zones import zone_in_text, zone_of

LONGEST = 256
"""Characters of a date: longer text is none."""

Parts = dict[str, str]


class DatePattern:
    """One of matchPatterns, ready to read text."""

    def __init__(self, pattern: str, names: Names) -> None:
        """Raise InvalidTransformer for a pattern that cannot be read."""
        pieces = tokens(pattern)
        self._names = names
        self._parts: list[str] = []
        expression = ""
        for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
            if piece.repeats == 0:
                expression += re.escape(piece.text)
                continue
            how = reading(piece, following, names)
            expression += f"({how.expression})"
            self._parts.append(how.part)
        self._expression = compiled(f"(?i:{expression})", whole=True)

    def read(self, text: str, zone: tzinfo, year: int) -> datetime | None:
        """Return the moment that a text says, None if it is not of this form; raises ValueError for no such date.

        `zone` is for text without one, `year` likewise; months and days that it does not say are the first.
        """
        match = self._expression.match(text.encode("utf-8", "surrogatepass"))
        if match is None:
            return None
        parts = {
            part: value.decode("utf-8", "surrogatepass")
            for part, value in zip(self._parts, match.groups(), strict=True)
        }
        return _moment(parts, self._names, zone, year)


def date_time_converter(settings: DateTimeConverter) -> Step:
    """Return the step; text that none of the patterns reads fails the event. Raises InvalidTransformer."""
    source, target = source_path(settings.source), target_path(settings.target)
    names = names_of(settings.locale)
    patterns = [DatePattern(pattern, names) for pattern in settings.match_patterns]
    form = tokens(settings.target_format)
    from_zone, to_zone = _zone(settings.source_timezone), _zone(settings.target_timezone)

    def step(event: TransformingEvent) -> None:
        value = event.read(source)
        if value is ABSENT:
            return
        text = "" if isinstance(value, dict | list | bool) or value is None else str(value)
        year = _year_of(event.origin.timestamp)
        moment = _first_read(patterns, text, from_zone, year) if len(text) <= LONGEST else None
        if moment is None:
            raise TransformationFailed(f"the value of {source.text} matches none of the date patterns")
        put(event.fields, target, _text(form, moment, to_zone, names), overwrite=True)

    return step


def _first_read(patterns: Sequence[DatePattern], text: str, zone: tzinfo, year: int) -> datetime | None:
    for pattern in patterns:
        try:
            moment = pattern.read(text, zone, year)
        except (ValueError, OverflowError):
            continue
        if moment is not None:
            return moment
    return None


def _text(form: Sequence[Token], moment: datetime, zone: tzinfo, names: Names) -> str:
    try:
        there = moment.astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise TransformationFailed("the date is outside of the years 1 to 9999") from error
    return "".join(written(token, there, names) for token in form)


def _zone(name: str) -> tzinfo:
    try:
        return zone_of(name)
    except ValueError as error:
        raise InvalidTransformer(f"time zone {name!r}: {error}") from error


def _year_of(timestamp: int) -> int:
    """Return the year of a time in milliseconds."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp)).year


def _moment(parts: Parts, names: Names, zone: tzinfo, year: int) -> datetime:
    if "year" in parts:
        year = int(parts["year"])
    elif "year_of_century" in parts:
        year = 2000 + int(parts["year_of_century"])
    if "offset" in parts or "zone" in parts:
        zone = zone_in_text(parts.get("offset") or parts["zone"])
    nano = int(parts["nano"]) if "nano" in parts else int(parts.get("fraction", "0").ljust(9, "0"))
    moment = datetime(
        year,
        _month(parts, names),
        int(parts.get("day", "1")),
        _hour(parts, names),
        int(parts.get("minute", "0")),
        int(parts.get("second", "0")),
        nano // 1000,
        tzinfo=zone,
    )
    if "day_of_year" in parts:
        moment = moment.replace(month=1, day=1) + timedelta(days=int(parts["day_of_year"]) - 1)
        if moment.year != year:
            raise ValueError("no such day of the year")
    if "name_of_day" in parts and moment.weekday() != _weekday(parts["name_of_day"], names):
        raise ValueError("not that day of the week")
    return moment


def _month(parts: Parts, names: Names) -> int:
    for count, kind in ((3, "short_months"), (4, "months")):
        text: Any = parts.get(f"name_of_month_{count}")
        if text is not None:
            return names.position(kind, text) + 1
    return int(parts.get("month", "1"))


def _weekday(text: str, names: Names) -> int:
    try:
        return names.position("days", text)
    except ValueError:
        return names.position("short_days", text)


def _hour(parts: Parts, names: Names) -> int:
    if "hour" in parts:
        return int(parts["hour"])
    if "hour_of_24" in parts:
        return int(parts["hour_of_24"]) % 24
    if "hour_of_12" in parts:
        hour = int(parts["hour_of_12"])
        if not 1 <= hour <= 12:
            raise ValueError("no hour of a clock")
        hour %= 12
    else:
        hour = int(parts.get("hour_of_half", "0"))
    return hour + 12 * names.position("halves", parts["half"]) if "half" in parts else hour
