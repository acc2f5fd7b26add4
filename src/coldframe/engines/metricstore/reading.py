"""From cells to points: merges cells into the periods asked for and computes their statistics.

Two ways: count, sum, minimum and maximum are read in columns, without their distributions; percentiles and the like need
whole cells.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter, lt
from typing import NamedTuple

from coldframe.engines.metricstore.blocks import Blocks, Columns, cells_of
from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.keys import LEVELS, RETENTION, Points
from coldframe.engines.metricstore.memory import Memory
from coldframe.engines.metricstore.statistics import needs_distribution, share_of, statistic


class Table(NamedTuple):
    """Cells without their distributions, in columns: quicker than objects where there are thousands."""

    times: list[int]
    counts: list[float]
    sums: list[float]
    leasts: list[float]
    mosts: list[float]

    def add(self, times: Iterable[int], *columns: Iterable[float]) -> None:
        """Add cells at the end."""
        self.times.extend(times)
        for mine, theirs in zip(self[1:], columns, strict=True):
            mine.extend(theirs)


def _empty() -> Table:
    return Table([], [], [], [], [])


_OF_TABLE: dict[str, Callable[[Table], list[float]]] = {
    "SampleCount": lambda table: table.counts,
    "Sum": lambda table: table.sums,
    "Average": lambda table: [total / count for total, count in zip(table.sums, table.counts, strict=True)],
    "Minimum": lambda table: table.leasts,
    "Maximum": lambda table: table.mosts,
}


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

    def period_of(self, at: int) -> int:
        """The beginning of the period that a time is in."""
        return at - (at - self.start) % self.period

    @property
    def whole(self) -> bool:
        """Whether a statistic needs the distribution of the values."""
        return any(map(needs_distribution, self.statistics))


class Recent:
    """What memory has of some series: a table, or cells that later samples do not change."""

    def __init__(
        self, request: Request, oldest: int, series: Sequence[int], memories: Iterable[Memory]
    ) -> None:
        """Copy it; the user holds the lock of memory."""
        found = [
            pair
            for memory in memories
            for one in series
            for pair in memory.between(one, oldest, request.end, request.level)
        ]
        self.table = _empty()
        self.cells: list[tuple[int, Cell]] = []
        if request.whole:
            self.cells = [(at, cell.copy()) for at, cell in found]
        else:
            found.sort(key=itemgetter(0))
            self.table.add(
                [at for at, _ in found],
                [cell.count for _, cell in found],
                [cell.sum for _, cell in found],
                [cell.least for _, cell in found],
                [cell.most for _, cell in found],
            )


def points(request: Request, oldest: int, blocks: Blocks, series: Sequence[int], recent: Recent) -> Points:
    """Return the points of some series taken together: what the blocks have and what is recent."""
    if request.whole:
        return _from_cells(request, oldest, blocks, series, recent.cells)
    table = _empty()
    for one in series:
        for columns in blocks.read(one, request.level, oldest, request.end, sketches=False):
            first, last = bisect_left(columns.times, oldest), bisect_left(columns.times, request.end)
            table.add(columns.times[first:last], *(column[first:last] for column in columns[1:5]))
    table.add(*recent.table)
    merged = _merged(table, request.start, request.period)
    return Points(merged.times, {name: [*_OF_TABLE[name](merged)] for name in request.statistics})


def _merged(table: Table, start: int, period: int) -> Table:
    """Return one row a period, ascending."""
    periods = [at - (at - start) % period for at in table.times]
    if all(map(lt, periods, periods[1:])):
        return table._replace(times=periods)
    merged = _empty()
    current = None
    for time, count, total, least, most in sorted(zip(periods, *table[1:], strict=True)):
        if time != current:
            current = time
            merged.add([time], [count], [total], [least], [most])
            continue
        merged.counts[-1] += count
        merged.sums[-1] += total
        merged.leasts[-1] = min(merged.leasts[-1], least)
        merged.mosts[-1] = max(merged.mosts[-1], most)
    return merged


def _from_cells(
    request: Request, oldest: int, blocks: Blocks, series: Sequence[int], recent: Sequence[tuple[int, Cell]]
) -> Points:
    """Compute from whole cells where several make a period, and from their columns where one does, which is quicker."""
    found = [
        columns
        for one in series
        for columns in blocks.read(one, request.level, oldest, request.end, sketches=True)
    ]
    times = [[request.period_of(at) for at in columns.times] for columns in found]
    recent_times = [request.period_of(at) for at, _ in recent]
    shared = _repeated(chain(*times, recent_times))
    rows: dict[int, tuple[float | None, ...]] = {}
    cells: dict[int, Cell] = {}
    for columns, periods in zip(found, times, strict=True):
        inside = slice(bisect_left(columns.times, oldest), bisect_left(columns.times, request.end))
        if shared.isdisjoint(periods):
            values = [_of_columns(columns, name)[inside] for name in request.statistics]
            rows.update(zip(periods[inside], zip(*values, strict=True), strict=True))
            continue
        for time, (_, cell) in list(zip(periods, cells_of(columns), strict=True))[inside]:
            _into(cells, time, cell)
    for time, (_, cell) in zip(recent_times, recent, strict=True):
        _into(cells, time, cell)
    computes = [statistic(name) for name in request.statistics]
    rows |= {time: tuple([compute(cell) for compute in computes]) for time, cell in cells.items()}
    order = sorted(rows)
    return Points(
        order,
        {name: [rows[time][column] for time in order] for column, name in enumerate(request.statistics)},
    )


def _of_columns(columns: Columns, name: str) -> Sequence[float | None]:
    if name in _OF_TABLE:
        return _OF_TABLE[name](Table(columns.times, *map(list, columns[1:5])))
    share = share_of(name)
    if share is not None and columns.sketches is not None:
        return columns.sketches.percentiles(share, columns.counts, columns.leasts, columns.mosts)
    compute = statistic(name)
    return [compute(cell) for _, cell in cells_of(columns)]


def _repeated(times: Iterable[int]) -> set[int]:
    seen: set[int] = set()
    return {time for time in times if time in seen or seen.add(time)}  # type: ignore[func-returns-value]


def _into(periods: dict[int, Cell], time: int, cell: Cell) -> None:
    there = periods.get(time)
    if there is None:
        periods[time] = cell
    else:
        there.merge(cell)
