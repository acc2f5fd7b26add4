"""Statistics by name, computed from a cell.

Source: Amazon CloudWatch user guide, "CloudWatch statistics definitions": SampleCount, Sum, Average, Minimum, Maximum;
pNN; and trimmed mean, trimmed count, trimmed sum, winsorized mean between two percentages or values (tmNN, TM(a:b),
tcNN, ..., IQM), and percentile rank PR(a:b). A lower bound is exclusive and an upper one inclusive.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.errors import UnknownStatistic

Compute = Callable[[Cell], float | None]

SIMPLE: dict[str, Compute] = {
    "SampleCount": lambda cell: cell.count,
    "Sum": lambda cell: cell.sum,
    "Average": lambda cell: cell.sum / cell.count,
    "Minimum": lambda cell: cell.least,
    "Maximum": lambda cell: cell.most,
}

_NUMBER = r"-?\d{1,20}(?:\.\d{1,20})?"
# As documented: small letters with one number, capitals with a range.
_SHORT = re.compile(r"(p|tm|tc|ts|wm)(\d{1,3}(?:\.\d{0,10})?)")
_RANGE = re.compile(rf"(TM|TC|TS|WM|PR)\(\s*({_NUMBER}%?)?\s*:\s*({_NUMBER}%?)?\s*\)")


class Bound(NamedTuple):
    """An end of a range: a value, or a percentage of the values when `percent`."""

    number: float
    percent: bool


@lru_cache(maxsize=1024)
def statistic(name: str) -> Compute:
    """Return the function that computes a statistic from a cell that is not empty; raises UnknownStatistic."""
    simple = SIMPLE.get(name)
    if simple is not None:
        return simple
    if name.upper() == "IQM":
        return _ranged("TM", Bound(25, percent=True), Bound(75, percent=True))
    short = _SHORT.fullmatch(name)
    if short is not None:
        kind, share = short[1].upper(), float(short[2])
        if share > 100:
            raise UnknownStatistic(name)
        if kind == "P":
            return lambda cell: percentile(cell, share)
        return _ranged(kind, None, Bound(share, percent=True))
    ranged = _RANGE.fullmatch(name)
    if ranged is None or (ranged[2] is None and ranged[3] is None):
        raise UnknownStatistic(name)
    low, high = (_bound(text) for text in (ranged[2], ranged[3]))
    kind = ranged[1]
    if kind == "PR" and any(bound is not None and bound.percent for bound in (low, high)):
        raise UnknownStatistic(name)
    if low is not None and high is not None and low.percent == high.percent and low.number >= high.number:
        raise UnknownStatistic(name)
    return _ranged(kind, low, high)


def needs_distribution(name: str) -> bool:
    """Tell whether a statistic cannot be computed from count, sum, minimum and maximum alone."""
    return name not in SIMPLE


def percentile(cell: Cell, share: float) -> float | None:
    """Return the least value that at least `share` percent of the values do not exceed; None when it is not known."""
    least, most = cell.least, cell.most
    if least == most >= 0:
        return most
    if least < 0 or cell.opaque:
        return None
    order, seen = cell.ordered()
    value = order[bisect_left(seen, cell.count * share / 100 - 1e-9, 0, len(seen) - 1)]
    return least if value < least else most if value > most else value


def share_of(name: str) -> float | None:
    """Return the percentage of a percentile, by its name; None for another statistic."""
    short = _SHORT.fullmatch(name)
    return float(short[2]) if short is not None and short[1] == "p" else None


def _bound(text: str | None) -> Bound | None:
    if text is None:
        return None
    number = float(text.rstrip("%"))
    if text.endswith("%") and not 0 <= number <= 100:
        raise UnknownStatistic(text)
    return Bound(number, text.endswith("%"))


def _known(cell: Cell) -> dict[float, float] | None:
    return None if cell.least < 0 else cell.distribution()


def _ranged(kind: str, low: Bound | None, high: Bound | None) -> Compute:
    def compute(cell: Cell) -> float | None:
        values = _known(cell)
        if values is None:
            return None
        inside, count, total = _inside(cell, values, low, high)
        if kind == "WM":
            return _winsorized(cell, inside, (low, high))
        if kind == "TC":
            return count
        if kind == "TS":
            return total
        if kind == "PR":
            return 100 * count / cell.count
        return total / count if count else None

    return compute


def _inside(
    cell: Cell, values: dict[float, float], low: Bound | None, high: Bound | None
) -> tuple[list[tuple[float, float]], float, float]:
    """Return the values between the bounds with their counts, how many they are, and their sum."""
    lowest = low.number if low is not None and not low.percent else -math.inf
    highest = high.number if high is not None and not high.percent else math.inf
    first = cell.count * low.number / 100 if low is not None and low.percent else 0.0
    last = cell.count * high.number / 100 if high is not None and high.percent else cell.count
    inside: list[tuple[float, float]] = []
    seen = 0.0
    for value in cell.ordered()[0]:
        before, seen = seen, seen + values[value]
        count = min(seen, last) - max(before, first)
        if count > 1e-9 and lowest < value <= highest:
            inside.append((value, count))
    return inside, sum(count for _, count in inside), sum(value * count for value, count in inside)


def _winsorized(
    cell: Cell, inside: list[tuple[float, float]], bounds: tuple[Bound | None, Bound | None]
) -> float | None:
    """Return the mean after what lies outside of the bounds was set to the bound."""
    low, high = bounds
    if not any(bound is not None and bound.percent for bound in bounds):
        floor = -math.inf if low is None else low.number
        ceiling = math.inf if high is None else high.number
        known = (cell.distribution() or {}).items()
        return sum(min(max(value, floor), ceiling) * count for value, count in known) / cell.count
    if not inside:
        return None
    floor = low.number if low is not None and not low.percent else inside[0][0]
    ceiling = high.number if high is not None and not high.percent else inside[-1][0]
    kept = sum(count for _, count in inside)
    below = _below(cell, floor, low)
    above = cell.count - kept - below
    total = sum(value * count for value, count in inside) + below * floor + above * ceiling
    return total / cell.count


def _below(cell: Cell, floor: float, low: Bound | None) -> float:
    if low is None:
        return 0.0
    if low.percent:
        return cell.count * low.number / 100
    return sum(count for value, count in (cell.distribution() or {}).items() if value <= floor)
