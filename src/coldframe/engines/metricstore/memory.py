"""What came since the last flush: cells of one second and of one minute, by series, in columns that grow and change."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.columns import Column, Columns, Part
from coldframe.engines.metricstore.keys import Sample
from coldframe.engines.metricstore.statistics import share_of, statistic

_CELL = 60


class Run(Columns):
    """Cells that are added to; its user locks.

    Only a cell whose values are not all equal is a `Cell`, beside its row's numbers. A statistic that was read is kept for
    the rows that have not changed since: a minute that is over is read many times.
    """

    __slots__ = ("_known", "_low", "_ordered", "_rows", "cells")

    times: list[int]

    def __init__(self) -> None:
        self.times = []
        self.counts, self.sums = array("d"), array("d")
        self.leasts, self.mosts = array("d"), array("d")
        self.cells: dict[int, Cell] = {}
        """The cells whose values are not all equal, by row."""
        self._rows: dict[int, int] = {}
        self._ordered = True
        self._known: dict[str, list[float | None]] = {}
        # What is known of a statistic is right up to this row.
        self._low = 0

    def add(self, at: int, sample: Sample) -> bool:
        """Add a sample to the cell that begins at a time; tells whether the cell is new."""
        row = self._rows.get(at)
        values = sample.values
        if row is None:
            if len(values) == 1 and not sample.counts:
                value = values[0]
                self._append(at, 1.0, value, value, value)
            else:
                cell = Cell()
                _fill(cell, sample)
                if not cell.count:
                    return False
                self._place(at, cell)
            return True
        if row < self._low:
            self._low = row
        cell_there = self.cells.get(row)
        if cell_there is None:
            if (
                len(values) == 1
                and not sample.counts
                and values[0] == self.mosts[row]
                and self.leasts[row] == self.mosts[row]
            ):
                self.counts[row] += 1.0
                self.sums[row] += values[0]
                return False
            cell_there = Cell(self.counts[row], self.sums[row], self.leasts[row], self.mosts[row])
        _fill(cell_there, sample)
        self._set(row, cell_there)
        return False

    def merge(self, at: int, cell: Cell) -> None:
        """Add what a cell holds to the one that begins at a time."""
        row = self._rows.get(at)
        if row is None:
            self._place(at, cell.copy())
            return
        if row < self._low:
            self._low = row
        mine = self.cells.get(row)
        if mine is None:
            mine = Cell(self.counts[row], self.sums[row], self.leasts[row], self.mosts[row])
        mine.merge(cell)
        self._set(row, mine)

    def order(self) -> None:
        """Bring the rows into the order of time, where samples came late; reading needs it."""
        if self._ordered:
            return
        order = sorted(range(len(self.times)), key=self.times.__getitem__)
        for name in ("counts", "sums", "leasts", "mosts"):
            column = getattr(self, name)
            setattr(self, name, array("d", map(column.__getitem__, order)))
        self.times = [self.times[row] for row in order]
        self._rows = {at: row for row, at in enumerate(self.times)}
        cells = self.cells
        self.cells = {new: cells[old] for new, old in enumerate(order) if old in cells}
        self._known, self._low, self._ordered = {}, 0, True

    def column(self, name: str) -> Column:
        """Return a statistic of every cell; raises UnknownStatistic."""
        kept = self.simple(name)
        if kept is not None:
            return kept
        known = self._known
        if self._low < len(self.times):
            for column in known.values():
                del column[self._low :]
            self._low = len(self.times)
        found = known.setdefault(name, [])
        first = len(found)
        if first < len(self.times):
            found += self.averages(first) if name == "Average" else self._computed(name, first)
        return found

    def copies(self, rows: Sequence[int]) -> list[Cell]:
        """Return cells of one's own with what some rows hold."""
        return [self.read(row).copy() for row in rows]

    def read(self, row: int) -> Cell:
        """Return a cell with what a row holds; not to be changed."""
        return self.cells.get(row) or Cell(
            self.counts[row], self.sums[row], self.leasts[row], self.mosts[row]
        )

    def part(self, start: int, end: int) -> Part | None:
        """Return the rows with start <= time < end, in order; None when there are none."""
        self.order()
        first, last = bisect_left(self.times, start), bisect_left(self.times, end)
        return Part(self, first, last) if first < last else None

    def _computed(self, name: str, first: int) -> Column:
        compute, cells = statistic(name), self.cells
        if share_of(name) is None:
            return [compute(self.read(row)) for row in range(first, len(self.times))]
        # Where all values are equal, that one is every percentile, unless it is negative.
        found: list[float | None] = [value if value >= 0 else None for value in self.mosts[first:]]
        for row, cell in cells.items():
            if row >= first:
                found[row - first] = compute(cell)
        return found

    def _append(self, at: int, count: float, total: float, least: float, most: float) -> None:
        times = self.times
        if times and at < times[-1]:
            self._ordered = False
        self._rows[at] = len(times)
        times.append(at)
        self.counts.append(count)
        self.sums.append(total)
        self.leasts.append(least)
        self.mosts.append(most)

    def _place(self, at: int, cell: Cell) -> None:
        if cell.values is not None or cell.opaque:
            self.cells[len(self.times)] = cell
        self._append(at, cell.count, cell.sum, cell.least, cell.most)

    def _set(self, row: int, cell: Cell) -> None:
        if cell.values is not None or cell.opaque:
            self.cells[row] = cell
        self.counts[row] = cell.count
        self.sums[row] = cell.sum
        self.leasts[row] = cell.least
        self.mosts[row] = cell.most


class Memory:
    """The runs of every series; its user locks."""

    __slots__ = ("cells", "minutes", "seconds")

    def __init__(self) -> None:
        self.seconds: dict[int, Run] = {}
        self.minutes: dict[int, Run] = {}
        self.cells = 0

    def add(self, series: int, sample: Sample) -> None:
        """Add a sample to its second or its minute."""
        at = sample.at
        if sample.resolution == 1:
            table = self.seconds
        else:
            table, at = self.minutes, at - at % _CELL
        run = table.get(series)
        if run is None:
            run = table[series] = Run()
        if run.add(at, sample):
            self.cells += 1

    def series(self) -> set[int]:
        """Return the series that have cells."""
        return self.seconds.keys() | self.minutes.keys()

    def runs(self) -> list[Run]:
        """Return the runs of all series."""
        return [*self.seconds.values(), *self.minutes.values()]

    def between(self, series: int, start: int, end: int) -> Iterator[tuple[int, Part]]:
        """Give a series' cells with start <= time < end, with their resolution."""
        for resolution, table in ((1, self.seconds), (_CELL, self.minutes)):
            run = table.get(series)
            part = run.part(start, end) if run is not None else None
            if part is not None:
                yield resolution, part


def rolled_up(runs: list[Run], level: int) -> Run:
    """Return cells of finer resolutions merged to a level, in order."""
    merged = Run()
    for run in runs:
        for row, at in enumerate(run.times):
            merged.merge(at - at % level, run.read(row))
    merged.order()
    return merged


def _fill(cell: Cell, sample: Sample) -> None:
    if sample.summary is not None:
        cell.add_summary(*sample.summary)
    elif sample.counts:
        for value, count in zip(sample.values, sample.counts, strict=True):
            cell.add(value, count)
    elif len(sample.values) == 1:
        cell.add(sample.values[0])
    elif sample.values:
        cell.add_each(sample.values)
