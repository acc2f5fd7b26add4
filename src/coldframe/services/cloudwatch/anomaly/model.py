"""The anomaly detection model: the median of each hour of the week, and how far values usually are from it.

AWS does not publish its model; this one is simple and robust. Values of up to two weeks are put into the 168 hours of a
week (in the metric's time zone). The middle of an hour is the median of its values, the spread is 1.4826 times the
median absolute deviation, which is the standard deviation where values are normally distributed, and at least 1 % of
the middle. An hour of the week with fewer than three values is read as the same hour of every day, and one without
those as all values together. The band is the middle plus and minus so many spreads. Outliers need no filter, because
medians do not follow them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from statistics import median

TRAINING = 14 * 86_400
"""Seconds of data that a model is made of."""

ENOUGH = 2 * 3600
"""Seconds of data that it takes to say what is usual."""

_FEW = 3
_NORMAL = 1.4826
_LEAST = 0.01


@dataclass(frozen=True)
class Usual:
    """What is usual at some time: the middle and the spread."""

    middle: float
    spread: float


@dataclass(frozen=True)
class Model:
    """What is usual by hour of the week (0 is Monday midnight), by hour of the day, and at all."""

    zone: tzinfo
    weekly: Mapping[int, Usual]
    daily: Mapping[int, Usual]
    overall: Usual

    def at(self, moment: int) -> Usual:
        """Return what is usual at a time in seconds since 1970."""
        hour = hour_of_week(moment, self.zone)
        return self.weekly.get(hour) or self.daily.get(hour % 24) or self.overall

    def band(self, times: Iterable[int], deviations: float) -> tuple[dict[int, float], dict[int, float]]:
        """Return the upper and the lower bound by time, in seconds since 1970."""
        upper: dict[int, float] = {}
        lower: dict[int, float] = {}
        for moment in times:
            usual = self.at(moment)
            upper[moment] = usual.middle + deviations * usual.spread
            lower[moment] = usual.middle - deviations * usual.spread
        return upper, lower


def hour_of_week(moment: int, zone: tzinfo) -> int:
    """Return which of the 168 hours of the week a time in seconds is in."""
    local = datetime.fromtimestamp(moment, UTC).astimezone(zone)
    return local.weekday() * 24 + local.hour


def train(
    values: Mapping[int, float], zone: tzinfo, excluded: Iterable[tuple[int, int]] = ()
) -> Model | None:
    """Make a model of values by time in seconds; None when they do not span two hours.

    `excluded` are ranges (start, end) whose values do not count.
    """
    ranges = list(excluded)
    kept = {at: value for at, value in values.items() if not any(start <= at < end for start, end in ranges)}
    if not kept or max(kept) - min(kept) < ENOUGH:
        return None
    weekly = _grouped(kept, lambda at: hour_of_week(at, zone))
    daily = _grouped(kept, lambda at: hour_of_week(at, zone) % 24)
    return Model(
        zone,
        {hour: _usual(found) for hour, found in weekly.items() if len(found) >= _FEW},
        {hour: _usual(found) for hour, found in daily.items() if len(found) >= _FEW},
        _usual(list(kept.values())),
    )


def _grouped(values: Mapping[int, float], group: Callable[[int], int]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for at, value in values.items():
        found.setdefault(group(at), []).append(value)
    return found


def _usual(values: list[float]) -> Usual:
    middle = median(values)
    spread = _NORMAL * median(abs(value - middle) for value in values)
    return Usual(middle, max(spread, _LEAST * abs(middle)))
