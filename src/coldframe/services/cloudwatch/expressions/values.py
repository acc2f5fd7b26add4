"""What expressions compute with: scalars, time series, arrays of time series, and words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from coldframe.engines.metricstore.keys import Metric

MOST_POINTS = 100_800
"""The data points of one GetMetricData answer."""


class ExpressionError(Exception):
    """An expression that cannot be read or computed; `message` says why, in AWS's terms."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotOffered(Exception):
    """A function of AWS that is not built here; `message` names it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class TimeSeries:
    """Values by time in seconds, ascending; `grid` has every time that could have one.

    A `computed` one is the result of an expression; its metric is that of the series it was made from. `group` are the
    labels, and their values, that tell it from the others of a Metrics Insights query.
    """

    points: dict[int, float]
    grid: range
    label: str = ""
    metric: Metric | None = None
    stat: str = ""
    computed: bool = False
    group: tuple[tuple[str, str], ...] = ()

    @property
    def period(self) -> int:
        """The seconds between two times."""
        return self.grid.step

    def with_points(self, points: dict[int, float]) -> "TimeSeries":
        """Return the same series with other values."""
        return TimeSeries(points, self.grid, self.label, self.metric, self.stat, True, self.group)

    def mapped(self, function: Callable[[float], float | None]) -> "TimeSeries":
        """Return the series with a function applied to each value; None leaves the time without one."""
        points = {}
        for time, value in self.points.items():
            result = function(value)
            if result is not None:
                points[time] = result
        return self.with_points(points)


class Word(NamedTuple):
    """A bare word such as REPEAT, DESC or AVG, or a quoted text."""

    text: str
    quoted: bool = False


Value = float | TimeSeries | list[TimeSeries] | Word


def kind(value: Value) -> str:
    """Return the name of a value's type, as errors say it."""
    if isinstance(value, TimeSeries):
        return "Time Series"
    if isinstance(value, list):
        return "Array[Time Series]"
    return "String" if isinstance(value, Word) else "Scalar"


def check_size(grid: range) -> None:
    """Raise ExpressionError for a grid with more times than one answer may have data points."""
    if len(grid) > MOST_POINTS:
        raise ExpressionError(f"The time range has more than {MOST_POINTS:,} periods of {grid.step} seconds")


def combined_grid(series: Iterable[TimeSeries]) -> range:
    """Return the grid of the first series, for what is computed from all of them."""
    return next((one.grid for one in series), range(0))
