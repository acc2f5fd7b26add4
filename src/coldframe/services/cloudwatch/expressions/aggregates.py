"""Functions that make one number of a series, and one series of an array."""

import math
from collections.abc import Callable, Sequence

from coldframe.services.cloudwatch.expressions.values import (
    ExpressionError,
    TimeSeries,
    Value,
    combined_grid,
    kind,
)

Reduce = Callable[[Sequence[float]], float]


def _average(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of the values as a whole population."""
    mean = _average(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


REDUCERS: dict[str, Reduce] = {
    "AVG": _average,
    "MAX": max,
    "MIN": min,
    "SUM": math.fsum,
    "STDDEV": _deviation,
    "COUNT": lambda values: float(len(values)),
    "DATAPOINT_COUNT": lambda values: float(len(values)),
}


def aggregate(name: str, value: Value) -> Value:
    """Return a scalar for a series, and for an array the series of each time's values taken together.

    A value that is missing at a time where another one is counts as 0 in AVG, as documented, and not at all in the
    others. A series without values is 0 in SUM, COUNT and DATAPOINT_COUNT; of the others it has no result, which is an ExpressionError.
    """
    reduce = REDUCERS[name]
    if isinstance(value, TimeSeries):
        if not value.points:
            return 0.0 if name in {"SUM", "COUNT", "DATAPOINT_COUNT"} else math.nan
        return reduce(list(value.points.values()))
    if not isinstance(value, list):
        raise ExpressionError(f"Unsupported argument type for {name}: '{kind(value)}'")
    by_time: dict[int, list[float]] = {}
    for series in value:
        for time, number in series.points.items():
            by_time.setdefault(time, []).append(number)
    if name == "AVG":
        shares = {time: math.fsum(by_time[time]) / len(value) for time in sorted(by_time)}
        return TimeSeries(shares, combined_grid(value))
    return TimeSeries({time: reduce(by_time[time]) for time in sorted(by_time)}, combined_grid(value))


def measure(name: str, series: TimeSeries) -> float | None:
    """Return the number that SORT orders a series by; None for one without values."""
    values = list(series.points.values())
    if not values:
        return None
    if name == "LAST":
        return values[-1]
    if name == "RATE":
        times = list(series.points)
        return (values[-1] - values[0]) / ((times[-1] - times[0]) or 1)
    return REDUCERS[name](values)
