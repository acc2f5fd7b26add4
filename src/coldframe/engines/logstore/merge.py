"""The ordered merge of memory chunks and segment blocks, opening each block only when its turn comes."""

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from coldframe.engines.logstore.errors import CorruptBlock
from coldframe.engines.logstore.rows import Columns, Position
from coldframe.engines.logstore.selection import Selection

_FIRST_ROWS = 128
_MOST_ROWS = 8192


class Block(Protocol):
    """Rows that are read together, in the order of their positions, with the first and last of them."""

    low: Position
    high: Position

    def matching(self, selection: Selection) -> Sequence[int]:
        """Return the indices of the wanted rows, ascending; raises CorruptBlock."""
        ...

    def position(self, index: int) -> tuple[int, int]:
        """Return the (timestamp, sequence) of a row."""
        ...

    def columns(self, indices: Sequence[int]) -> Columns:
        """Return these rows in this order; raises CorruptBlock."""
        ...


class Cursor:
    """Stands in a run of blocks that follow each other in the direction of the read."""

    def __init__(self, blocks: Iterable[Block], selection: Selection) -> None:
        self._blocks = iter(blocks)
        self._selection = selection
        self._block: Block | None = None
        self._picked: Sequence[int] = ()
        self._at = 0
        self.loaded = False
        self.key: tuple[int, int] = (0, 0)

    def advance(self) -> bool:
        """Go to the next block without reading it; False at the end."""
        self._block = next(self._blocks, None)
        self.loaded = False
        if self._block is None:
            return False
        self.key = self._selection.key(self._block.high if self._selection.descending else self._block.low)
        return True

    def load(self) -> bool:
        """Read the block's keys and stand at its first wanted row; False when it has none."""
        block = self._current()
        self._picked = block.matching(self._selection)
        if self._selection.descending:
            self._picked = self._picked[::-1]
        self._at = 0
        self.loaded = True
        if not self._picked:
            return False
        self.key = self._key_at(self._picked[0])
        return True

    def take(self, limit: tuple[int, int] | None, most: int) -> Columns:
        """Return the rows before the limit, at least one and at most `most`, and stand behind them."""
        stop = min(self._at + most, len(self._picked))
        if limit is not None and self._key_at(self._picked[stop - 1]) >= limit:
            stop = bisect_left(self._picked, limit, self._at + 1, stop, key=self._key_at)
        rows = self._current().columns(self._picked[self._at : stop])
        self._at = stop
        if stop < len(self._picked):
            self.key = self._key_at(self._picked[stop])
        return rows

    @property
    def drained(self) -> bool:
        """Tell whether no wanted row of the block is left."""
        return self._at >= len(self._picked)

    def _current(self) -> Block:
        if self._block is None:
            raise StopIteration
        return self._block

    def _key_at(self, index: int) -> tuple[int, int]:
        return self._selection.key(self._current().position(index))


def merged(
    runs: Iterable[Iterable[Block]], selection: Selection, report: Callable[[CorruptBlock], None]
) -> Iterator[Columns]:
    """Give the wanted rows of all runs in order, in small portions first and larger ones later.

    A block that does not read back is reported and left out; the rest is given.
    """
    heap: list[tuple[tuple[int, int], int, Cursor]] = []
    for number, run in enumerate(runs):
        cursor = Cursor(run, selection)
        if cursor.advance():
            heap.append((cursor.key, number, cursor))
    heapq.heapify(heap)
    most = _FIRST_ROWS
    while heap:
        _, number, cursor = heap[0]
        try:
            if not cursor.loaded:
                alive = cursor.load() or cursor.advance()
            else:
                yield cursor.take(min(entry[0] for entry in heap[1:3]) if len(heap) > 1 else None, most)
                most = min(most * 2, _MOST_ROWS)
                alive = not cursor.drained or cursor.advance()
        except CorruptBlock as error:
            report(error)
            alive = cursor.advance()
        if alive:
            heapq.heapreplace(heap, (cursor.key, number, cursor))
        else:
            heapq.heappop(heap)
