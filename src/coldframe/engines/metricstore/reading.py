"""From cells to points: merges cells into the periods asked for and computes their statistics."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from coldframe.engines.metricstore.blocks import Blocks, Columns, cells_of
from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.keys import LEVELS, RETENTION, Points
from coldframe.engines.metricstore.statistics import needs_distribution, statistic


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

    @property
    def sketches(self) -> bool:
        """Whether a statistic needs the distribution of the values."""
        return any(map(needs_distribution, self.statistics))


def copied(cell: Cell) -> Cell:
    """Return a copy that later samples do not change."""
    copy = Cell()
    copy.merge(cell)
    return copy


def points(
    request: Request, now: float, blocks: Blocks, series: Sequence[int], recent: Iterable[tuple[int, Cell]]
) -> Points:
    """Return the points of some series taken together: what the blocks have and what is recent."""
    computes = [(name, statistic(name)) for name in request.statistics]
    start, period, oldest = request.start, request.period, request.oldest(now)
    periods: dict[int, Cell] = {}
    for one in series:
        found = blocks.read(one, request.level, oldest, request.end, sketches=request.sketches)
        for columns in found:
            if request.sketches:
                for at, cell in cells_of(columns):
                    if oldest <= at < request.end:
                        _into(periods, at - (at - start) % period, cell)
            else:
                _add_up(periods, request, oldest, columns)
    for at, cell in recent:
        _into(periods, at - (at - start) % period, cell)
    times = sorted(periods)
    return Points(times, {name: [compute(periods[time]) for time in times] for name, compute in computes})


def _into(periods: dict[int, Cell], time: int, cell: Cell) -> None:
    there = periods.get(time)
    if there is None:
        periods[time] = cell
    else:
        there.merge(cell)


def _add_up(periods: dict[int, Cell], request: Request, oldest: int, columns: Columns) -> None:
    """Add a block's cells without their distributions."""
    start, end, period = request.start, request.end, request.period
    for at, count, total, least, most in zip(*columns[:5], strict=True):
        if not oldest <= at < end:
            continue
        time = at - (at - start) % period
        cell = periods.get(time)
        if cell is None:
            cell = periods[time] = Cell()
        cell.count += count
        cell.sum += total
        if least < cell.least:
            cell.least = least
        if most > cell.most:
            cell.most = most
