"""Where values and times fall on an axis, and the round numbers that are written beside it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timezone

_STEPS = (60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400)


@dataclass(frozen=True)
class Scale:
    """From values between `low` and `high` to pixels between `first` and `last`."""

    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        """Return the pixel of a value; what is beyond the axis stays at its end."""
        share = (value - self.low) / (self.high - self.low)
        return self.first + min(max(share, 0.0), 1.0) * (self.last - self.first)


def bounds(values: Iterable[float], low: float | None, high: float | None) -> tuple[float, float]:
    """Return the ends of an axis that has room for values; zero is among them unless a bound says otherwise."""
    known = [value for value in values if math.isfinite(value)]
    least = low if low is not None else min([0.0, *known])
    most = high if high is not None else max([0.0, *known])
    if most <= least:
        most = least + 1.0 if high is None else most
        least = least if most > least else most - 1.0
    if high is None:
        step = _round_step((most - least) / 4)
        most = math.ceil(most / step) * step
    return least, most


def ticks(low: float, high: float, about: int) -> list[float]:
    """Return round numbers between two ends, about so many."""
    step = _round_step((high - low) / max(about, 1))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, min(last, first + 50) + 1)]


def time_ticks(start: int, end: int, about: int, zone: timezone) -> list[tuple[int, str]]:
    """Return round times (milliseconds) between two, about so many, with the text for each."""
    seconds = (end - start) / 1000
    step = next((each for each in _STEPS if seconds / each <= about), _STEPS[-1])
    while seconds / step > about:
        step *= 2
    offset = int(zone.utcoffset(None).total_seconds())
    first = math.ceil((start / 1000 + offset) / step) * step - offset
    pattern = "%m-%d" if step >= 86400 else "%H:%M"
    found = range(first, int(end / 1000) + 1, step)
    return [(at * 1000, f"{datetime.fromtimestamp(at, UTC).astimezone(zone):{pattern}}") for at in found]


def short(value: float) -> str:
    """Write a number in a few characters."""
    for bound, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= bound:
            divisor = 1e3 if letter == "k" else bound
            return f"{value / divisor:.3g}{letter}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten."""
    if rough <= 0 or not math.isfinite(rough):
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= rough * (1 - 1e-9))
