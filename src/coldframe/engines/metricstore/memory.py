"""What came since the last flush: cells of one second and of one minute, by series."""

from collections.abc import Iterator

from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.keys import Sample

_CELL = 60


class Memory:
    """Cells in memory; its user locks."""

    __slots__ = ("cells", "minutes", "seconds")

    def __init__(self) -> None:
        self.seconds: dict[int, dict[int, Cell]] = {}
        self.minutes: dict[int, dict[int, Cell]] = {}
        self.cells = 0

    def add(self, series: int, sample: Sample) -> None:
        """Add a sample to its second or its minute."""
        at = sample.at
        if sample.resolution == 1:
            table = self.seconds
        else:
            table, at = self.minutes, at - at % _CELL
        cells = table.get(series)
        if cells is None:
            cells = table[series] = {}
        cell = cells.get(at)
        if cell is None:
            cell = cells[at] = Cell()
            self.cells += 1
        if sample.summary is not None:
            cell.add_summary(*sample.summary)
        elif sample.counts:
            for value, count in zip(sample.values, sample.counts, strict=True):
                cell.add(value, count)
        elif len(sample.values) == 1:
            cell.add(sample.values[0])
        elif sample.values:
            cell.add_each(sample.values)

    def series(self) -> set[int]:
        """Return the series that have cells."""
        return self.seconds.keys() | self.minutes.keys()

    def between(self, series: int, start: int, end: int, level: int) -> Iterator[tuple[int, Cell]]:
        """Give a series' cells with start <= time < end that reading at a level of resolution takes in."""
        tables = (self.seconds,) if level == 1 else (self.seconds, self.minutes)
        for table in tables:
            for at, cell in table.get(series, {}).items():
                if start <= at < end:
                    yield at, cell

    def rolled_up(self, series: int, level: int) -> dict[int, Cell]:
        """Return a series' cells merged to a level: the seconds alone at 1, everything above it."""
        if level == 1:
            return self.seconds.get(series, {})
        merged: dict[int, Cell] = {}
        for table in (self.seconds, self.minutes):
            for at, cell in table.get(series, {}).items():
                into = merged.setdefault(at - at % level, Cell())
                into.merge(cell)
        return merged
