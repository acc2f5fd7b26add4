"""The merge of memory chunks and of whole segments in Arrow, which leaves the interpreter to the appends."""

from collections.abc import Iterable, Iterator
from typing import Any

from coldframe.engines.logstore.memory import Chunk
from coldframe.engines.logstore.segment import COLUMNS, Segment
from coldframe.engines.logstore.selection import Hidden
from coldframe.engines.logstore.writing import BLOCK_ROWS, arrow_tables

_ORDER = [("ts", "ascending"), ("seq", "ascending")]


class _Input:
    """One segment: its blocks in order, and what of the present block is not yet given."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._next = 0
        self.rest: Any = None

    def fill(self) -> bool:
        """Have rows to give; False when there are none left. Raises CorruptBlock."""
        while self.rest is None or self.rest.num_rows == 0:
            if self._next == len(self._segment.content.blocks):
                return False
            self.rest = self._segment.read(self._next, COLUMNS)
            self._next += 1
        return True

    def last(self) -> tuple[int, int]:
        """Return the position of the last row read."""
        end = self.rest.num_rows - 1
        return self.rest["ts"][end].as_py(), self.rest["seq"][end].as_py()

    def take(self, cut: tuple[int, int]) -> Any:
        """Return the rows up to and with the position, and keep the others."""
        from coldframe.engines.logstore.arrow import pc

        ts, seq = self.rest["ts"], self.rest["seq"]
        wanted = pc.or_(pc.less(ts, cut[0]), pc.and_(pc.equal(ts, cut[0]), pc.less_equal(seq, cut[1])))
        count = pc.sum(wanted).as_py() or 0
        part, self.rest = self.rest.slice(0, count), self.rest.slice(count)
        return part


def merged_segments(segments: Iterable[Segment], hidden: Hidden) -> Iterator[Any]:
    """Give the visible rows of the segments as Arrow tables that follow each other in order; raises CorruptBlock.

    Holds one block of each segment: rows up to the smallest last position read so far are complete and go out.
    """
    from coldframe.engines.logstore.arrow import pa

    inputs = [_Input(segment) for segment in segments]
    while inputs := [each for each in inputs if each.fill()]:
        cut = min(each.last() for each in inputs)
        together = pa.concat_tables([each.take(cut) for each in inputs])
        yield visible(together.sort_by(_ORDER) if len(inputs) > 1 else together, hidden)


def merged_chunks(chunks: Iterable[Chunk], hidden: Hidden) -> Iterator[Any]:
    """Give the visible rows of memory chunks as Arrow tables of a block each that follow each other in order.

    Chunks of many writers overlap everywhere, so all rows are sorted at once: taking turns among the chunks in Python
    would cost several times what the appends of the same rows did.
    """
    from coldframe.engines.logstore.arrow import pa, pc

    portions = [visible(each, hidden) for each in arrow_tables(chunk.all_columns() for chunk in chunks)]
    together = pa.concat_tables(portions).combine_chunks()
    order = pc.sort_indices(together, sort_keys=_ORDER)
    for first in range(0, len(order), BLOCK_ROWS):
        yield together.take(order.slice(first, BLOCK_ROWS))


def visible(table: Any, hidden: Hidden) -> Any:
    """Return the rows of the table that are not dropped or expired."""
    from coldframe.engines.logstore.arrow import pc

    kept = pc.greater_equal(table["seq"], hidden.before)
    for floor, before in hidden.expired:
        kept = pc.and_not(kept, pc.and_(pc.less(table["ts"], floor), pc.less(table["seq"], before)))
    if hidden.streams:
        for name in pc.unique(table["stream"]).to_pylist():
            if name in hidden.streams:
                dropped = pc.and_(
                    pc.equal(table["stream"], name), pc.less(table["seq"], hidden.streams[name])
                )
                kept = pc.and_not(kept, dropped)
    return table if pc.all(kept).as_py() in {True, None} else table.filter(kept)
