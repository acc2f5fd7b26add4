"""From cells to points: takes the columns of blocks and of memory together and computes the statistics of each period.

Mostly each cell is a period of its own, and points are the columns one after the other. Else cells are merged: by their
four numbers where that is enough, as whole cells for percentiles and the like.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from coldframe.engines.metricstore.block import Block
from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.columns import Column, Part
from coldframe.engines.metricstore.keys import LEVELS, RETENTION, Points
from coldframe.engines.metricstore.memory import Memory
from coldframe.engines.metricstore.statistics import needs_distribution, statistic

_NUMBERS = ("SampleCount", "Sum", "Minimum", "Maximum")


class Request(NamedTuple):
    """What is read: periods from `start` on, cells before `end`, all in seconds."""

    start: int
    end: int
    period: int
    statistics: Sequence[str]

    @property
    def level(self) -> int:
        """The coarsest resolution that divides the period and its start: the one that is kept for longest."""
        return max(level for level in LEVELS if self.period % level == 0 and self.start % level == 0)

    def oldest(self, now: float) -> int:
        """The time before which cells of the level are no longer kept."""
        return max(self.start, int(now) - RETENTION[self.level])

    def periods(self, times: Sequence[int]) -> list[int]:
        """The beginnings of the periods that times are in."""
        start, period = self.start, self.period
        return [at - (at - start) % period for at in times]


class Reading:
    """One read: begun with what the blocks have, then `take` with memory locked, then `points`."""

    def __init__(self, request: Request, oldest: int, blocks: Iterable[Block]) -> None:
        self._request = request
        self._oldest = oldest
        self._level = request.level
        self._parts = [part for block in blocks if (part := self._part(block)) is not None]
        self._points: Points | None = None
        self._rows = Rows(request)

    def take(self, series: Sequence[int], memories: Iterable[Memory]) -> None:
        """Take what memory has of some series, in a form that later samples do not change."""
        request = self._request
        found = [
            pair
            for memory in memories
            for one in series
            for pair in memory.between(one, self._oldest, request.end)
        ]
        parts = [*self._parts, *(part for _, part in found)]
        if request.period == self._level and all(level == self._level for level, _ in found):
            parts.sort(key=lambda part: part.times[0])
            if all(before.times[-1] < after.times[0] for before, after in pairwise(parts)):
                self._points = _joined(parts, request.statistics)
                return
        self._rows.expect(parts)
        for _, part in found:
            self._rows.add(part)

    def points(self) -> Points:
        """Return the points of all that was taken."""
        if self._points is not None:
            return self._points
        for part in self._parts:
            self._rows.add(part)
        return self._rows.points()

    def _part(self, block: Block) -> Part | None:
        first, last = (bisect_left(block.times, at) for at in (self._oldest, self._request.end))
        return Part(block, first, last) if first < last else None


def _joined(parts: Sequence[Part], statistics: Sequence[str]) -> Points:
    times: list[int] = []
    for part in parts:
        times += part.times
    values: dict[str, list[float | None]] = {}
    for name in statistics:
        column = values[name] = []
        for part in parts:
            column += part.of(name)
    return Points(times, values)


class Rows:
    """Cells of several parts on their way to periods; those that share a period are merged."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._whole = any(map(needs_distribution, request.statistics))
        self._shared: set[int] = set()
        self._numbers: list[tuple[int, float, float, float, float]] = []
        self._single: dict[int, tuple[float | None, ...]] = {}
        self._merged: dict[int, Cell] = {}

    def expect(self, parts: Sequence[Part]) -> None:
        """Learn which periods more than one cell is in."""
        if self._whole:
            self._shared = _repeated(chain.from_iterable(self._request.periods(part.times) for part in parts))

    def add(self, part: Part) -> None:
        """Add the rows of a part."""
        periods = self._request.periods(part.times)
        if not self._whole:
            self._numbers += zip(periods, *map(part.of, _NUMBERS), strict=True)
            return
        shared = self._shared
        if not shared.issuperset(periods):
            columns: list[Column] = [part.of(name) for name in self._request.statistics]
            for at, *values in zip(periods, *columns, strict=True):
                if at not in shared:
                    self._single[at] = tuple(values)
        together = [row for row, at in enumerate(periods, part.first) if at in shared]
        if together:
            for row, cell in zip(together, part.columns.copies(together), strict=True):
                there = self._merged.setdefault(periods[row - part.first], cell)
                if there is not cell:
                    there.merge(cell)

    def points(self) -> Points:
        """Return the points of all periods, ascending."""
        names = self._request.statistics
        computes = [statistic(name) for name in names]
        cells = self._merged if self._whole else _summed(self._numbers)
        rows = self._single | {
            at: tuple([compute(cell) for compute in computes]) for at, cell in cells.items()
        }
        order = sorted(rows)
        return Points(order, {name: [rows[at][column] for at in order] for column, name in enumerate(names)})


def _summed(rows: Iterable[tuple[int, float, float, float, float]]) -> dict[int, Cell]:
    """Return cells without distributions, one a period."""
    cells: dict[int, Cell] = {}
    for at, count, total, least, most in rows:
        cell = cells.get(at)
        if cell is None:
            cells[at] = Cell(count, total, least, most)
            continue
        cell.count += count
        cell.sum += total
        if least < cell.least:
            cell.least = least
        if most > cell.most:
            cell.most = most
    return cells


def _repeated(times: Iterable[int]) -> set[int]:
    seen: set[int] = set()
    return {time for time in times if time in seen or seen.add(time)}  # type: ignore[func-returns-value]
