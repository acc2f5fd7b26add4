"""Functions that make another series of a series, applied to each series of an array."""

import itertools
import math
from collections.abc import Callable
from datetime import UTC, datetime

from coldframe.services.cloudwatch.expressions.values import (
    ExpressionError,
    TimeSeries,
    Value,
    Word,
    check_size,
    kind,
)

_NUMBERS: dict[str, Callable[[float], float | None]] = {
    "ABS": abs,
    "CEIL": lambda value: float(math.ceil(value)),
    "FLOOR": lambda value: float(math.floor(value)),
    "LOG": lambda value: math.log(value) if value > 0 else None,
    "LOG10": lambda value: math.log10(value) if value > 0 else None,
}

_TIMES: dict[str, Callable[[datetime], float]] = {
    "MINUTE": lambda moment: float(moment.minute),
    "HOUR": lambda moment: float(moment.hour),
    "DAY": lambda moment: float(moment.isoweekday()),
    "DATE": lambda moment: float(moment.day),
    "MONTH": lambda moment: float(moment.month),
    "YEAR": lambda moment: float(moment.year),
    "EPOCH": lambda moment: moment.timestamp(),
}


def _difference(series: TimeSeries) -> dict[int, float]:
    pairs = itertools.pairwise(series.points.items())
    return {time: value - before for (_, before), (time, value) in pairs}


def _time_difference(series: TimeSeries) -> dict[int, float]:
    return {time: float(time - before) for before, time in itertools.pairwise(series.points)}


def _rate(series: TimeSeries) -> dict[int, float]:
    pairs = itertools.pairwise(series.points.items())
    return {time: (value - before) / (time - earlier) for (earlier, before), (time, value) in pairs}


def _running_sum(series: TimeSeries) -> dict[int, float]:
    return dict(zip(series.points, itertools.accumulate(series.points.values()), strict=True))


_SERIES: dict[str, Callable[[TimeSeries], dict[int, float]]] = {
    "DIFF": _difference,
    "DIFF_TIME": _time_difference,
    "RATE": _rate,
    "RUNNING_SUM": _running_sum,
}

TRANSFORMS = frozenset({*_NUMBERS, *_TIMES, *_SERIES})
"""The names of the functions that take one series or array, and give as much."""


def transform(name: str, value: Value) -> Value:
    """Return the value transformed; raises ExpressionError for a value that it is not defined for."""
    if isinstance(value, list):
        return [_one(name, series) for series in value]
    if isinstance(value, TimeSeries):
        return _one(name, value)
    if isinstance(value, float) and name in _NUMBERS:
        result = None if math.isnan(value) else _NUMBERS[name](value)
        return math.nan if result is None else result
    raise ExpressionError(f"Unsupported argument type for {name}: '{kind(value)}'")


def fill(value: Value, filler: Value) -> Value:
    """Return the value with its missing times filled: with a number, another series, REPEAT or LINEAR."""
    if isinstance(value, list):
        return [_filled(series, filler) for series in value]
    if isinstance(value, TimeSeries):
        return _filled(value, filler)
    raise ExpressionError(f"Unsupported argument type for FILL: '{kind(value)}'")


def _one(name: str, series: TimeSeries) -> TimeSeries:
    if name in _NUMBERS:
        return series.mapped(_NUMBERS[name])
    if name in _TIMES:
        # Every time of the range has one, also where the series has no value.
        check_size(series.grid)
        read, times = _TIMES[name], sorted({*series.grid, *series.points})
        return series.with_points({time: read(datetime.fromtimestamp(time, UTC)) for time in times})
    return series.with_points(_SERIES[name](series))


def _filled(series: TimeSeries, filler: Value) -> TimeSeries:
    check_size(series.grid)
    known = series.points
    times = sorted({*series.grid, *known})
    if isinstance(filler, float):
        return series.with_points({time: known.get(time, filler) for time in times})
    if isinstance(filler, TimeSeries):
        theirs = filler.points
        return series.with_points(
            {at: known.get(at, theirs.get(at, 0.0)) for at in times if at in known or at in theirs}
        )
    method = filler.text.upper() if isinstance(filler, Word) else ""
    if method == "REPEAT":
        return series.with_points(_repeated(times, known))
    if method == "LINEAR":
        return series.with_points(_interpolated(times, known))
    raise ExpressionError("The second argument of FILL must be a number, a time series, REPEAT or LINEAR")


def _repeated(times: list[int], known: dict[int, float]) -> dict[int, float]:
    points: dict[int, float] = {}
    last: float | None = None
    for time in times:
        last = known.get(time, last)
        if last is not None:
            points[time] = last
    return points


def _interpolated(times: list[int], known: dict[int, float]) -> dict[int, float]:
    points: dict[int, float] = dict(known)
    for (first, start), (second, end) in itertools.pairwise(known.items()):
        slope = (end - start) / (second - first)
        for time in times:
            if first < time < second:
                points[time] = start + slope * (time - first)
    return dict(sorted(points.items()))
