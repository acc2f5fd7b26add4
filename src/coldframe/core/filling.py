"""A body read into memory of the reader's own, and how that and a body in chunks become each other.

A `Fill` fills a buffer and returns how many bytes it put there: fewer than the buffer holds at the end of the body
alone, and none after it. What a body turns out to be worth at its end (a hash that was signed, a checksum) is told
there, so that a reader goes on until it is given fewer than it asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

Fill = Callable[[memoryview], int]

_CHUNK: Final = 256 * 1024


class Filling:
    """Fills buffers from chunks of any size."""

    def __init__(self, chunks: Iterable[Any]) -> None:
        self._chunks = iter(chunks)
        self._held = memoryview(b"")

    def __call__(self, buffer: memoryview) -> int:
        """Fill the buffer; raises what the chunks raise."""
        filled = 0
        while filled < len(buffer):
            if not self._held:
                more = next(self._chunks, None)
                if more is None:
                    break
                self._held = memoryview(more)
            taken = min(len(self._held), len(buffer) - filled)
            buffer[filled : filled + taken] = self._held[:taken]
            self._held = self._held[taken:]
            filled += taken
        return filled


def chunks_of(fill: Fill) -> Iterator[bytes]:
    """Give the body that a Fill reads in chunks; raises what it raises."""
    buffer = memoryview(bytearray(_CHUNK))
    while True:
        filled = fill(buffer)
        if filled:
            yield bytes(buffer[:filled])
        if filled < _CHUNK:
            return
