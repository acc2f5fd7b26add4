"""The memory table: recent rows by group, in small sorted chunks, until they are written to segments."""

from collections.abc import Sequence

from coldframe.engines.logstore.rows import Columns, Position, StreamFacts
from coldframe.engines.logstore.selection import Selection

_CHUNK_ROWS = 64


class Chunk:
    """Sorted rows that never change."""

    def __init__(self, columns: Columns, streams: frozenset[str], high_seq: int) -> None:
        """Hold rows of these streams, of which the highest sequence is this one."""
        self._columns = columns
        self._streams = streams
        self.low = Position(columns.ts[0], columns.seq[0])
        self.high = Position(columns.ts[-1], columns.seq[-1])
        self.high_seq = high_seq

    def __len__(self) -> int:
        return len(self._columns)

    def touches(self, selection: Selection) -> bool:
        """Tell whether the chunk can hold a wanted row."""
        if selection.streams is not None and self._streams.isdisjoint(selection.streams):
            return False
        return selection.touches(self.low, self.high)

    def joined(self, other: "Chunk") -> "Chunk":
        """Return the rows of both in one chunk."""
        columns = self._columns.pick(range(len(self)))
        columns.extend(other.columns(range(len(other))))
        return Chunk(columns.ordered(), frozenset(columns.stream), max(self.high_seq, other.high_seq))

    def matching(self, selection: Selection) -> Sequence[int]:
        """Return the indices of the wanted rows, ascending."""
        span = selection.within(len(self), self.position)
        if selection.wants_every_row:
            return span
        rows, text = self._columns, selection.contains
        return [
            i
            for i in span
            if selection.wants(rows.stream[i], rows.ts[i], rows.seq[i])
            and (text is None or text in rows.message[i])
        ]

    def position(self, index: int) -> tuple[int, int]:
        """Return the (timestamp, sequence) of a row."""
        return self._columns.ts[index], self._columns.seq[index]

    def all_columns(self) -> Columns:
        """Return every row, in order; the lists are the chunk's own and must not be changed."""
        return self._columns

    def columns(self, indices: Sequence[int]) -> Columns:
        """Return these rows in this order."""
        return self._columns.pick(indices)


class GroupMemory:
    """The recent rows of one group and the facts of its streams."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.facts: dict[str, StreamFacts] = {}
        # The highest sequence of each stream.
        self.high: dict[str, int] = {}
        self.low_ingest = 2**62
        self._names: dict[str, frozenset[str]] = {}

    def add(self, columns: Columns, size: int) -> None:
        """Add the rows of one stream; `size` is the bytes of their messages."""
        chunks = self.chunks
        stream, last = columns.stream[0], max(columns.seq)
        streams = self._names.get(stream)
        if streams is None:
            streams = self._names[stream] = frozenset((stream,))
        chunks.append(Chunk(columns, streams, last))
        # Chunks of a few rows are joined as they come, so that a read meets hundreds of them and not a million.
        while len(chunks) > 1 and len(chunks[-2]) < _CHUNK_ROWS and len(chunks[-2]) <= len(chunks[-1]):
            chunks[-2:] = [chunks[-2].joined(chunks[-1])]
        first, latest = min(columns.ingest), max(columns.ingest)
        self.low_ingest = min(self.low_ingest, first)
        new = StreamFacts(columns.ts[0], columns.ts[-1], latest, size, len(columns))
        self.high[stream] = max(self.high.get(stream, 0), last)
        known = self.facts.get(stream)
        self.facts[stream] = known.joined(new) if known else new


class MemoryTable:
    """The rows of the log files up to one number."""

    def __init__(self) -> None:
        self.groups: dict[str, GroupMemory] = {}
        self.bytes = 0
        self.last_wal = 0
        self.next_sequence = 0

    def add(self, group: str, columns: Columns) -> None:
        """Add the rows of one stream of the group."""
        size = text_bytes(columns.message)
        self.groups.setdefault(group, GroupMemory()).add(columns, size)
        self.bytes += size + 64 * len(columns)


def text_bytes(messages: list[str]) -> int:
    """Return the UTF-8 length of the texts together."""
    joined = "".join(messages)
    return len(joined) if joined.isascii() else len(joined.encode())
