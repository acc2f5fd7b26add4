"""The memory that the bodies of all requests under way may take together."""

import threading
from types import TracebackType
from typing import Self

# What any request may have without asking: with a few thousand connections this is bounded by itself, and it keeps
# ordinary calls going while others fill the room with large bodies.
_FREE = 64 * 1024


class NoRoom(Exception):
    """The bodies under way fill the memory set aside for them; the same request may succeed a moment later."""


class BodyRoom:
    """Counts the bytes of large bodies, up to `most`; for any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._lock = threading.Lock()

    def lease(self) -> "Lease":
        """Return a share for one request: a context manager that gives its bytes back."""
        return Lease(self)

    def grow(self, size: int) -> None:
        """Take `size` more bytes; raises NoRoom when there are not as many."""
        with self._lock:
            if self._taken + size > self._most:
                raise NoRoom
            self._taken += size

    def shrink(self, size: int) -> None:
        """Give `size` bytes back."""
        with self._lock:
            self._taken -= size


class Lease:
    """The share of one request's body in the room."""

    __slots__ = ("_held", "_room")

    def __init__(self, room: BodyRoom) -> None:
        self._room = room
        self._held = 0

    def hold(self, size: int) -> None:
        """Say how large the body is by now; raises NoRoom."""
        wanted = max(0, size - _FREE)
        if wanted > self._held:
            self._room.grow(wanted - self._held)
            self._held = wanted

    def release(self) -> None:
        """Give everything back."""
        if self._held:
            self._room.shrink(self._held)
            self._held = 0

    def __enter__(self) -> Self:
        """Begin without a share."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""
        self.release()
