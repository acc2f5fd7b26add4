"""The memory that pieces are received into, used again and again: new memory for each costs as much as sealing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# How many idle buffers are kept for the next write.
_KEPT: Final = 16


class Buffers:
    """Buffers of one size; the one that was given back last is taken first, as it is still in the processor's cache."""

    def __init__(self, size: int) -> None:
        self._size = size
        # Without a lock, as a list's own steps are whole: a ring may end as garbage, in a thread that is just here.
        self._idle: list[memoryview] = []

    @contextmanager
    def ring(self) -> Iterator["Ring"]:
        """Give buffers that take turns, for one write."""
        ring = Ring(self)
        try:
            yield ring
        finally:
            self._idle.extend(ring.held[: max(0, _KEPT - len(self._idle))])

    def take(self) -> memoryview:
        """Take a buffer, whatever it holds."""
        try:
            return self._idle.pop()
        except IndexError:
            return memoryview(bytearray(self._size))


class Ring:
    """The buffers of one write."""

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._turn = -1
        self.held: list[memoryview] = []

    def next(self, turns: int) -> memoryview:
        """Give the buffer whose turn it is when so many take turns: each keeps its bytes until all others had theirs."""
        self._turn = (self._turn + 1) % turns
        while len(self.held) <= self._turn:
            self.held.append(self._buffers.take())
        return self.held[self._turn]
