"""Periods, bins and date formats, as SQL over milliseconds since the epoch."""

import re
from dataclasses import replace

from coldframe.services.logs.insights.errors import QueryError, Span
from coldframe.services.logs.insights.tree import Period

_FIXED = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_PERCENT = set("aAwdbBmyYHIpMSfgzjn%")
_LETTERS = re.compile(r"'([^']*)'|([A-Za-z])\2*|(.)", re.DOTALL)
_JAVA = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d", "d": "%-d",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g",
    "SSSSSS": "%f", "a": "%p", "E": "%a", "EEE": "%a", "EEEE": "%A", "DDD": "%j", "Z": "%z", "X": "%z", "XX": "%z",
    "XXX": "%z",
}  # fmt: skip


# The guide: "the cap for ms is 1000, the caps for s and m are 60, and the cap for h is 24".
_MOST = {"ms": 1000, "s": 60, "m": 60, "h": 24}


def capped(period: Period) -> Period:
    """Return the period that a bin really has: 60 seconds where 300 are asked for, as the service takes it."""
    most = _MOST.get(period.unit, period.count)
    return period if period.count <= most else replace(period, count=most)


def milliseconds(period: Period) -> int | None:
    """Return a period's length, None for one of months, whose length varies."""
    if period.unit == "w":
        return period.count * 7 * _FIXED["d"]
    return period.count * _FIXED[period.unit] if period.unit in _FIXED else None


def floor(time: str, period: Period) -> str:
    """Return SQL for the start of the bin that a time lies in; weeks begin on Monday."""
    if period.unit == "w":
        return f"epoch_ms(time_bucket(to_weeks({period.count}), {_timestamp(time)}))"
    length = milliseconds(period)
    if length is not None:
        return f"(CAST(floor({time} / {length}) AS BIGINT) * {length})"
    months = _MONTHS[period.unit] * period.count
    return f"epoch_ms(time_bucket(to_months({months}), {_timestamp(time)}))"


def after(time: str, period: Period) -> str:
    """Return SQL for the time one period later."""
    length = milliseconds(period)
    if length is not None:
        return f"({time} + {length})"
    months = _MONTHS[period.unit] * period.count
    return f"epoch_ms({_timestamp(time)} + to_months({months}))"


def ceiling(time: str, period: Period) -> str:
    """Return SQL for the end of the bin that a time lies in, or the time itself where it is a start."""
    start = floor(time, period)
    return f"(CASE WHEN {start} = {time} THEN {start} ELSE {after(start, period)} END)"


def _timestamp(time: str) -> str:
    return f"make_timestamp_ms(CAST({time} AS BIGINT))"


def date_format(given: str, span: Span) -> str:
    """Return a format in the engine's spelling, from one with % or one with letters; raises QueryError."""
    spelled = given if "%" in given else "".join(_letters(found, span) for found in _LETTERS.finditer(given))
    for found in re.finditer(r"%-?(.?)", spelled, re.DOTALL):
        if found[1] not in _PERCENT:
            raise QueryError(f"unknown date format {found[0]!r}", span)
    return spelled


def _letters(found: re.Match[str], span: Span) -> str:
    if found[2] is None:
        return (found[1] if found[1] is not None else found[3]).replace("%", "%%")
    if found[0] not in _JAVA:
        raise QueryError(f"unknown date format {found[0]!r}", span)
    return _JAVA[found[0]]
