"""The blocks read last, decoded: the pages of one search follow each other in the same few blocks."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

_MOST_BYTES = 16 * 1024 * 1024
# A block of very long messages would push out all others for a few rows.
_LARGEST_SHARE = 4


class BlockCache:
    """Arrow tables by segment and number of the block, up to some bytes; the one not read for longest goes first."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._tables: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._bytes = 0

    def get(self, segment: int, block: int) -> Any:
        """Return the table of a block, None when it is not kept."""
        with self._lock:
            table = self._tables.get((segment, block))
            if table is not None:
                self._tables.move_to_end((segment, block))
            return table

    def put(self, segment: int, block: int, table: Any) -> None:
        """Keep the table of a block, unless it is large."""
        size = table.nbytes
        if size * _LARGEST_SHARE > self._most_bytes:
            return
        with self._lock:
            if (segment, block) in self._tables:
                return
            self._tables[segment, block] = table
            self._bytes += size
            while self._bytes > self._most_bytes:
                _, oldest = self._tables.popitem(last=False)
                self._bytes -= oldest.nbytes

    def forget(self, segments: Iterable[int]) -> None:
        """Let go of the blocks of segments that are gone."""
        gone = frozenset(segments)
        with self._lock:
            for key in [key for key in self._tables if key[0] in gone]:
                self._bytes -= self._tables.pop(key).nbytes
