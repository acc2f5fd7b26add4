"""A cell: what a period of time holds of a series, mergeable, with a sketch of the distribution.

The distribution is exact up to 64 different values. Beyond that each value stands for its bucket: buckets grow by the
factor (1 + 0.01) / (1 - 0.01), so that no value is told with more than 1 % relative error (DDSketch: Masson, Rim and Lee,
VLDB 2019). Past 2,048 buckets the lowest are joined. Distributions of negative values are not kept: the statistics that
need one are not defined for them.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

EXACT = 64
MOST_BUCKETS = 2048
RELATIVE_ERROR = 0.01
_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_SCALE = 1 / math.log(_GAMMA)
_MIDDLE = 2 / (_GAMMA + 1)


def bucket(value: float) -> float:
    """Return the value that stands for a positive value's bucket; a bucket's own value stays what it is."""
    return 0.0 if value <= 0 else bucket_value(math.ceil(math.log(value) * _SCALE - 1e-9))


@lru_cache(maxsize=4096)
def bucket_value(number: int) -> float:
    """Return the value that stands for the bucket of a number."""
    return float(_GAMMA**number * _MIDDLE)


def bucket_number(value: float) -> int:
    """Return the number of a bucket from the value that stands for it, which is positive."""
    return math.ceil(math.log(value) * _SCALE - 1e-9)


class Cell:
    """Count, sum, least and most of the values, and how often each value (or bucket) occurred.

    `values` is None while all values are equal, and for good when the distribution is unknown (`opaque`).
    """

    __slots__ = ("_ordered", "_shared", "count", "folded", "least", "most", "opaque", "sum", "values")

    def __init__(
        self, count: float = 0.0, total: float = 0.0, least: float = math.inf, most: float = -math.inf
    ) -> None:
        """Start empty, or with values that were all equal; who knows more sets it."""
        self.count = count
        self.sum = total
        self.least = least
        self.most = most
        self.values: dict[float, float] | None = None
        self.folded = False
        self.opaque = False
        # Made when it is first asked for, and kept while nothing is added: a minute that is over is read many times.
        self._ordered: tuple[list[float], list[float]] | None = None
        # Whether a copy has the same dictionary, which then must not change.
        self._shared = False

    def add(self, value: float, count: float = 1.0) -> None:
        """Add a value that occurred `count` times."""
        if self.values is None and not self.opaque and self.count and not value == self.least == self.most:
            self.values = {self.least: self.count}
        self.count += count
        self.sum += value * count
        if value < self.least:
            self.least = value
        if value > self.most:
            self.most = value
        values = self.values
        if values is not None:
            if value < 0:
                self._give_up()
                return
            if self._shared:
                values = self.values = values.copy()
                self._shared = False
            key = bucket(value) if self.folded else value
            values[key] = values.get(key, 0.0) + count
            self._ordered = None
            if len(values) > EXACT:
                self._fold()

    def add_each(self, values: Sequence[float]) -> None:
        """Add values that occurred once each: as `add` of every one, at a fraction of its cost."""
        least, most = min(values), max(values)
        if len(values) == 1 or self.opaque or least < 0 or self.least < 0:
            for value in values:
                self.add(value)
            return
        mine = self.values
        if mine is None and (least < most or (self.count and not self.least == self.most == least)):
            mine = {self.least: self.count} if self.count else {}
        if mine is not None:
            if self._shared:
                mine = mine.copy()
                self._shared = False
            for key in map(bucket, values) if self.folded else values:
                mine[key] = mine.get(key, 0.0) + 1.0
            self.values = mine
            if len(mine) > EXACT:
                self._fold()
        self._join(float(len(values)), sum(values), least, most)

    def add_summary(self, count: float, total: float, least: float, most: float) -> None:
        """Add values of which only a summary is known; the distribution is lost unless they were all equal."""
        if count <= 0:
            return
        if least == most or count == 1:
            self.add(least, count)
            return
        self._give_up()
        self._join(count, total, least, most)

    def merge(self, other: "Cell") -> None:
        """Add everything another cell holds."""
        if not other.count:
            return
        if other.opaque or self.opaque:
            self._give_up()
        elif self.values is None and other.values is None:
            if not self.count or (self.least == other.least and self.most == other.most):
                pass
            elif self.least < 0 or other.least < 0:
                self._give_up()
            else:
                self.values = {self.least: self.count, other.least: other.count}
        else:
            self._merge_values(other)
        self._join(other.count, other.sum, other.least, other.most)

    def distribution(self) -> dict[float, float] | None:
        """Return how often each value occurred; None when that is not known."""
        if self.opaque:
            return None
        if self.values is not None:
            return self.values
        return {self.least: self.count} if self.count else {}

    def ordered(self) -> tuple[list[float], list[float]]:
        """Return the values of the distribution in order, and how many occurred up to and with each; not to be changed."""
        if self._ordered is None:
            values = self.distribution() or {}
            order = sorted(values)
            self._ordered = order, list(accumulate(map(values.__getitem__, order)))
        return self._ordered

    def copy(self) -> "Cell":
        """Return a cell of its own that holds the same."""
        copy = Cell(self.count, self.sum, self.least, self.most)
        copy.values, copy.folded, copy.opaque = self.values, self.folded, self.opaque
        copy._ordered, copy._shared, self._shared = self._ordered, True, True
        return copy

    def _merge_values(self, other: "Cell") -> None:
        if min(self.least, other.least) < 0:
            self._give_up()
            return
        theirs = other.distribution() or {}
        if self.values is None or self._shared:
            self.values = dict(self.distribution() or {})
            self._shared = False
        if other.folded and not self.folded:
            self._fold()
        # The value of a bucket is its own bucket.
        whole = self.folded and not other.folded
        mine = self.values
        for value, count in theirs.items():
            key = bucket(value) if whole else value
            mine[key] = mine.get(key, 0.0) + count
        if len(mine) > EXACT:
            self._fold()

    def _join(self, count: float, total: float, least: float, most: float) -> None:
        self._ordered = None
        self.count += count
        self.sum += total
        self.least = min(self.least, least)
        self.most = max(self.most, most)

    def _fold(self) -> None:
        """Let buckets stand for the values, and join the lowest ones when there are too many."""
        values = dict(self.values or {})
        self._shared = False
        if not self.folded:
            self.folded = True
            exact, values = values, {}
            for value, count in exact.items():
                key = bucket(value)
                values[key] = values.get(key, 0.0) + count
        if len(values) > MOST_BUCKETS:
            order = sorted(values)
            low = order[: len(order) - MOST_BUCKETS + 1]
            joined = sum(values.pop(key) for key in low)
            values[low[-1]] = joined
        self.values = values

    def _give_up(self) -> None:
        self.opaque, self.values, self._ordered = True, None, None


def cell_of(values: Sequence[float], counts: Sequence[float]) -> Cell:
    """Return a cell of some values."""
    cell = Cell()
    for index, value in enumerate(values):
        cell.add(value, counts[index] if counts else 1.0)
    return cell
