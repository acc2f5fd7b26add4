"""A block: consecutive cells of one series and one resolution, as bytes and as columns.

Its `cells` are, little-endian: the offsets of the cells from the block's start (uint32), then counts, sums, minima and
maxima (float64 each). Its `sketches` are the cells' distributions (distributions.py), None when all values of each cell
are equal.
"""

from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple

from coldframe.engines.metricstore import distributions
from coldframe.engines.metricstore.cell import Cell
from coldframe.engines.metricstore.columns import Column, Columns
from coldframe.engines.metricstore.distributions import Distributions
from coldframe.engines.metricstore.memory import Run
from coldframe.engines.metricstore.statistics import share_of, statistic

SPAN = {1: 600, 60: 10_800, 300: 86_400, 3600: 1_296_000}
"""Seconds that one block of each resolution covers."""


class Content(NamedTuple):
    """What a block holds, from which a longer one is made without its cells: offsets, then the four numbers of each."""

    offsets: "array[int]"
    numbers: tuple["array[float]", ...]
    spread: Distributions

    def first(self, rows: int) -> "Content":
        """Return the first cells."""
        numbers = tuple(column[:rows] for column in self.numbers)
        return Content(self.offsets[:rows], numbers, self.spread.first(rows))

    def followed_by(self, more: "Content") -> "Content":
        """Return these cells and then later ones."""
        numbers = tuple(mine + theirs for mine, theirs in zip(self.numbers, more.numbers, strict=True))
        return Content(self.offsets + more.offsets, numbers, self.spread.followed_by(more.spread))

    def encoded(self) -> tuple[bytes, bytes | None]:
        """Return it as it lies on the disk: cells and sketches."""
        numbers = b"".join(column.tobytes() for column in self.numbers)
        return self.offsets.tobytes() + numbers, self.spread.packed()

    def cells(self, first: int = 0) -> list[Cell]:
        """Return the cells from one on."""
        return cells_of(self.numbers, self.spread, range(first, len(self.offsets)))


def content(cells: bytes, sketches: bytes | None) -> Content:
    """Read what `Content.encoded` returned."""
    offsets, numbers = _split(cells)
    spread = distributions.unpacked(sketches) if sketches else distributions.equal(len(offsets))
    return Content(offsets, numbers, spread)


def content_of(run: Run, start: int, first: int = 0, last: int | None = None) -> Content:
    """Return some rows of a run, which is in order, as a block that starts at `start` holds them."""
    rows = range(len(run.times))[first:last]
    numbers = tuple(column[first:last] for column in (run.counts, run.sums, run.leasts, run.mosts))
    known = run.cells
    spread = (
        distributions.of_cells([known.get(row) for row in rows]) if known else distributions.equal(len(rows))
    )
    return Content(array("I", [at - start for at in run.times[first:last]]), numbers, spread)


class Block(Columns):
    """A block that was read, which does not change; statistics that were asked for are kept, distributions are not."""

    __slots__ = ("_known", "_sketches")

    def __init__(self, start: int, level: int, cells: bytes, sketches: Callable[[], bytes | None]) -> None:
        """Take the bytes of its cells; `sketches` gives those of its distributions each time they are needed."""
        offsets, (self.counts, self.sums, self.leasts, self.mosts) = _split(cells)
        self.times = _times(start, offsets, level)
        self._sketches = sketches
        self._known: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        """Return a statistic of every cell; raises UnknownStatistic."""
        kept = self.simple(name)
        if kept is not None:
            return kept
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self.averages() if name == "Average" else self._computed(name)
        return found

    def copies(self, rows: Sequence[int]) -> list[Cell]:
        """Return cells of one's own with what some rows hold."""
        packed = self._sketches()
        spread = distributions.unpacked(packed) if packed else None
        return cells_of((self.counts, self.sums, self.leasts, self.mosts), spread, rows)

    def _computed(self, name: str) -> Column:
        share = share_of(name)
        compute = statistic(name)
        packed = self._sketches()
        spread = distributions.unpacked(packed) if packed else None
        found: list[float | None]
        if share is None:
            numbers = (self.counts, self.sums, self.leasts, self.mosts)
            found = [compute(cell) for cell in cells_of(numbers, spread, range(len(self.times)))]
        elif spread is not None:
            found = spread.percentiles(share, self.counts, self.leasts, self.mosts)
        else:
            found = [most if most >= 0 else None for most in self.mosts]
        known = [value for value in found if value is not None]
        return array("d", known) if len(known) == len(found) else found


def cells_of(
    numbers: Sequence["array[float]"], spread: Distributions | None, rows: Sequence[int]
) -> list[Cell]:
    """Return some of the cells whose counts, sums, minima and maxima, and distributions, stand in columns."""
    counts, sums, leasts, mosts = numbers
    cells = [Cell(counts[row], sums[row], leasts[row], mosts[row]) for row in rows]
    if spread is not None:
        for row, cell in zip(rows, cells, strict=True):
            spread.put_into(row, cell)
    return cells


def _split(cells: bytes) -> tuple["array[int]", tuple["array[float]", ...]]:
    number = len(cells) // 36
    view = memoryview(cells)
    offsets = array("I")
    offsets.frombytes(view[: 4 * number])
    numbers = array("d")
    numbers.frombytes(view[4 * number :])
    return offsets, tuple(numbers[part * number : (part + 1) * number] for part in range(4))


def _times(start: int, offsets: "array[int]", level: int) -> Sequence[int]:
    """Return the times of cells: a range, which takes no room, where none is missing."""
    first, last = start + offsets[0], start + offsets[-1]
    whole = range(first, last + 1, level)
    return whole if len(whole) == len(offsets) else [start + offset for offset in offsets]
