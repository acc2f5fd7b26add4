"""Where a body ends: by its length, or chunk by chunk."""

import re
from typing import Final, Protocol

from coldframe.server.http1.head import Refusal

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?").fullmatch
_LONGEST_LINE: Final = 4096
_MOST_TRAILERS: Final = 64 * 1024


class Framing(Protocol):
    """Takes a connection's bytes and gives those of the body; `ended` when it is whole, `rest` is what came after."""

    begun: bool
    ended: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of body in `data`, which follow those fed before. Raises Refusal where framing is broken."""


class Measured:
    """A body of so many bytes."""

    __slots__ = ("_left", "begun", "ended", "rest", "size")

    def __init__(self, length: int) -> None:
        self._left = self.size = length
        self.begun = False
        self.ended = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of body."""
        left = self._left
        self.begun = True
        if len(data) < left:
            self._left = left - len(data)
            return data
        self.ended, self._left = True, 0
        if len(data) > left:
            self.rest = data[left:]
            return data[:left]
        return data

    def room(self, buffer: memoryview) -> memoryview:
        """Return the part of a buffer that the rest of the body may be received into: nothing of what follows it."""
        return buffer[: self._left]

    def received(self, size: int) -> None:
        """Count so many bytes of body that went where `room` said."""
        self.begun = True
        self._left -= size
        self.ended = self._left == 0


class Chunked:
    """A body in chunks; trailers are read and dropped, as what they say is not signed."""

    __slots__ = ("_buffer", "_left", "_state", "_trailers", "begun", "ended", "rest")

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0
        self._state = "size"
        self._trailers = 0
        self.begun = self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of body without the chunks' heads."""
        self.begun = True
        buffer = self._buffer + data if self._buffer else data
        at = 0
        found: list[bytes] = []
        while at < len(buffer):
            if self._state == "data":
                piece = buffer[at : at + self._left]
                found.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left == 0:
                    self._state = "end"
                continue
            end = buffer.find(b"\r\n", at)
            if end < 0:
                if len(buffer) - at > _LONGEST_LINE:
                    raise Refusal(400, "A line between the chunks of the body is too long.")
                if self._state == "end" and buffer[at : at + 1] != b"\r":
                    raise Refusal(400, "A chunk of the body is longer than it says.")
                break
            self._line(buffer[at:end])
            at = end + 2
            if self.ended:
                self.rest = buffer[at:]
                self._buffer = b""
                return b"".join(found)
        self._buffer = buffer[at:]
        return found[0] if len(found) == 1 else b"".join(found)

    def _line(self, line: bytes) -> None:
        if self._state == "end":
            if line:
                raise Refusal(400, "A chunk of the body is longer than it says.")
            self._state = "size"
        elif self._state == "size":
            size = _SIZE(line)
            if size is None:
                raise Refusal(400, "The size of a chunk of the body is malformed.")
            self._left = int(size[1], 16)
            self._state = "data" if self._left else "trailers"
        elif not line:
            self.ended = True
        else:
            self._trailers += len(line)
            if self._trailers > _MOST_TRAILERS:
                raise Refusal(431, "The trailers of the request are too large.")


def framing(length: int | None) -> Framing:
    """Return the framing of a body of so many bytes; None: of a chunked one."""
    return Chunked() if length is None else Measured(length)
