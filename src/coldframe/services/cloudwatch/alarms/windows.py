"""Which periods an evaluation looks at: windows that slide by the minute, or by ten seconds for short periods.

Times are in seconds since 1970.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from coldframe.services.cloudwatch.alarms.evaluation import Datapoint

_MINUTE, _TEN_SECONDS = 60, 10
_DAY = 86_400


class Window(NamedTuple):
    """An evaluation range: `periods` periods of `period` seconds that end with `end`."""

    end: int
    period: int
    periods: int

    @property
    def start(self) -> int:
        """When the oldest period begins."""
        return self.end - self.periods * self.period

    def points(
        self,
        values: Mapping[int, float],
        bands: Mapping[int, tuple[float, float]] | None = None,
        samples: Mapping[int, float] | None = None,
    ) -> list[Datapoint | None]:
        """Return the data points of the periods, oldest first, from values by the time their period begins."""
        starts = range(self.start, self.end, self.period)
        return [
            Datapoint(start * 1000, values[start], (bands or {}).get(start), (samples or {}).get(start))
            if start in values
            else None
            for start in starts
        ]


def step_of(period: int) -> int:
    """Return by how much the window slides."""
    return _TEN_SECONDS if period < _MINUTE else _MINUTE


def interval_of(period: int, periods: int) -> int:
    """Return how often an alarm is evaluated: every ten seconds, every minute, every hour beyond a day."""
    return 3600 if period * periods > _DAY else step_of(period)


def completed(now: float, period: int, periods: int, *, aligned: bool = False) -> Window:
    """Return the window of periods that are over; `aligned` ones begin at multiples of the period."""
    step = period if aligned else step_of(period)
    return Window(int(now // step) * step, period, periods)


def in_progress(window: Window) -> Window:
    """Return the window a step later, whose newest period is not over yet."""
    return window._replace(end=window.end + step_of(window.period))


def both(series: Sequence[Mapping[int, float]]) -> dict[int, tuple[float, float]]:
    """Return the band between two series, whichever is the upper one, where both have a value."""
    if len(series) != 2:
        return {}
    first, second = series
    return {at: (min(first[at], second[at]), max(first[at], second[at])) for at in first if at in second}
