"""Segments: immutable Parquet files of one group, sorted by position, read one row group at a time."""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from coldframe.engines.logstore.block_cache import BlockCache
from coldframe.engines.logstore.catalog import BlockFacts, Content, Entry
from coldframe.engines.logstore.errors import CorruptBlock
from coldframe.engines.logstore.rows import Columns, Position
from coldframe.engines.logstore.selection import Selection

COLUMNS = ("ts", "seq", "ingest", "stream", "message", "spans", "sealed")


class Segment:
    """One Parquet file and what the catalog says of it; `readers` and `doomed` belong to the tables' lock."""

    def __init__(self, path: Path, entry: Entry, content: Callable[[], Content], cache: BlockCache) -> None:
        self.path = path
        self.entry = entry
        self.id = entry.id
        self.low = Position(entry.first_ts, entry.first_seq)
        self.high = Position(entry.last_ts, entry.last_seq)
        self.readers = 0
        self.doomed = False
        self.quarantined = False
        self._load_content = content
        self._cache = cache
        self._opening = threading.Lock()
        self._footer: Any = None

    @cached_property
    def content(self) -> Content:
        """Its blocks and streams, read from the catalog when first asked for."""
        return self._load_content()

    def load(self) -> None:
        """Read its content from the catalog unless that was done."""
        _ = self.content

    def blocks(self, selection: Selection) -> Iterator["SegmentBlock"]:
        """Give the blocks that can hold wanted rows, in the direction of the read, none of them read yet."""
        content = self.content
        numbers = self._numbers(selection)
        for number in reversed(numbers) if selection.descending else numbers:
            block = SegmentBlock(self, number, content.blocks[number])
            if selection.touches(block.low, block.high):
                yield block

    def _numbers(self, selection: Selection) -> Sequence[int]:
        content = self.content
        if selection.streams is None:
            first = bisect_left(
                content.blocks, selection.low, key=lambda facts: Position(facts.last_ts, facts.last_seq)
            )
            end = bisect_left(
                content.blocks,
                selection.high,
                first,
                key=lambda facts: Position(facts.first_ts, facts.first_seq),
            )
            return range(first, end)
        return sorted({number for name in selection.streams for number in content.places.get(name, ())})

    def read(self, number: int, columns: Sequence[str]) -> Any:
        """Return these columns of a row group as an Arrow table; raises CorruptBlock when it does not read back."""
        from coldframe.engines.logstore.arrow import pa, parquet

        try:
            with self._opening:
                if self._footer is None:
                    self._footer = parquet.read_metadata(self.path)
            with parquet.ParquetFile(
                self.path, metadata=self._footer, page_checksum_verification=True, pre_buffer=False
            ) as file:
                return file.read_row_group(number, columns=list(columns), use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise CorruptBlock(self.path.name, self.offset(number), str(error)) from error

    def block(self, number: int) -> Any:
        """Return a row group as `read` does, from the cache where it is there; raises CorruptBlock."""
        table = self._cache.get(self.id, number)
        if table is None:
            table = self.read(number, COLUMNS)
            if not self.doomed:
                self._cache.put(self.id, number, table)
        return table

    def offset(self, number: int) -> int:
        """Return the byte at which a row group begins, -1 when the file's footer is unknown."""
        if self._footer is None or number >= self._footer.num_row_groups:
            return -1
        column = self._footer.row_group(number).column(0)
        starts = (column.dictionary_page_offset, column.data_page_offset)
        return int(min(start for start in starts if start is not None))


class SegmentBlock:
    """One row group; its columns are read when first needed."""

    def __init__(self, segment: Segment, number: int, facts: BlockFacts) -> None:
        self._segment = segment
        self._number = number
        self._facts = facts
        self.low = Position(facts.first_ts, facts.first_seq)
        self.high = Position(facts.last_ts, facts.last_seq)
        self._table: Any = None
        self._ts: Sequence[int] = ()
        self._seq: Sequence[int] = ()

    def matching(self, selection: Selection) -> Sequence[int]:
        """Return the indices of the wanted rows, ascending; raises CorruptBlock."""
        self._table = self._segment.block(self._number)
        self._ts = _integers(self._table["ts"])
        self._seq = _integers(self._table["seq"])
        span = selection.within(len(self._ts), self.position)
        if selection.wants_every_row:
            return span
        return self._filtered(selection, span)

    def _filtered(self, selection: Selection, span: range) -> Sequence[int]:
        from coldframe.engines.logstore.arrow import pa, pc

        part = self._table.slice(span.start, len(span))
        mask = None
        if selection.streams is not None:
            mask = pc.is_in(part["stream"], value_set=pa.array(sorted(selection.streams), pa.string()))
        if selection.contains is not None:
            found = pc.match_substring(part["message"], selection.contains)
            mask = found if mask is None else pc.and_(mask, found)
        picked: Sequence[int] = span
        if mask is not None:
            picked = [span.start + i for i in pc.indices_nonzero(mask).to_pylist()]
        if selection.hides_some:
            streams = self._table["stream"].to_pylist()
            picked = [i for i in picked if selection.wants(streams[i], self._ts[i], self._seq[i])]
        return picked

    def position(self, index: int) -> tuple[int, int]:
        """Return the (timestamp, sequence) of a row."""
        return self._ts[index], self._seq[index]

    def columns(self, indices: Sequence[int]) -> Columns:
        """Return these rows in this order."""
        backwards = isinstance(indices, range) and indices.step == -1
        if isinstance(indices, range):
            first = min(indices[0], indices[-1])
            part = self._table.slice(first, len(indices))
        else:
            part = self._table.take(indices)
        spans = part["spans"]
        flat: list[tuple[int, ...] | None] = (
            [tuple(s) if s else None for s in spans.to_pylist()]
            if spans.null_count < len(part)
            else [None] * len(part)
        )
        lists: dict[str, Any] = {name: part[name].to_pylist() for name in COLUMNS if name != "spans"}
        columns = Columns(spans=flat, **lists)
        return columns.pick(range(len(columns) - 1, -1, -1)) if backwards else columns


def _integers(column: Any) -> Sequence[int]:
    """Return a column of 64-bit integers where it lies: making thousands of Python integers to look at some is slow."""
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    first, end = array.offset * 8, (array.offset + len(array)) * 8
    return memoryview(array.buffers()[1])[first:end].cast("q")
