"""One side of a session: a connection that is either read message by message or handed on as it comes."""

import asyncio
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

from coldframe.engines.postgresql import wire

# A client that did not sign in yet has little to say.
_LONGEST_STARTUP = 10_000
_LONGEST = 1 << 24


class Closed(Exception):
    """The other side ended the connection, or said what is no message."""


class Side(asyncio.Protocol):
    """A connection; while nobody takes its bytes they are kept for who asks for the next message."""

    def __init__(self, accepted: Callable[["Side"], None] | None = None) -> None:
        self.closed = False
        self.tls = False
        self.ended: Callable[[], None] | None = None
        self.peer: Side | None = None
        self._accepted = accepted
        self._buffer = bytearray()
        self._taker: Callable[[bytes], None] | None = None
        self._arrived = asyncio.Event()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or begin again inside of TLS."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._accepted is not None:
            accepted, self._accepted = self._accepted, None
            accepted(self)

    def data_received(self, data: bytes) -> None:
        """Hand on, or keep."""
        if self._taker is not None:
            self._taker(data)
        else:
            self._buffer += data
            self._arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits, and who wants to know."""
        del exc
        self.closed = True
        self._arrived.set()
        if self.ended is not None:
            self.ended()

    def pause_writing(self) -> None:
        """Read no more from the peer than this side takes."""
        if self.peer is not None and not self.peer.closed:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read from the peer again."""
        if self.peer is not None and not self.peer.closed:
            self.peer.transport.resume_reading()

    def hand_to(self, taker: Callable[[bytes], None] | None) -> None:
        """Give what came, and all that comes, to `taker`; None keeps it again."""
        self._taker = taker
        if taker is not None and self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            taker(data)

    def send(self, data: bytes) -> None:
        """Send; a broken connection is seen by reading."""
        if not self.closed:
            self.transport.write(data)

    def close(self) -> None:
        """End the connection once what was sent has left."""
        if not self.closed:
            self.transport.close()

    async def startup(self) -> tuple[int, bytes]:
        """Return the code and body of the packet that opens a connection; raises Closed."""
        size, code = struct.unpack("!II", await self._take(8))
        if not 8 <= size <= _LONGEST_STARTUP:
            raise Closed("that is no startup packet")
        return code, await self._take(size - 8)

    async def message(self) -> tuple[bytes, bytes]:
        """Return the next message's kind and body; raises Closed."""
        head = await self._take(5)
        size = int.from_bytes(head[1:], "big")
        if not 4 <= size <= _LONGEST:
            raise Closed("that is no message")
        return head[:1], await self._take(size - 4)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Become a TLS server on this connection; raises Closed."""
        if self._buffer:
            # Sent before the encryption began: it would be taken for what was sent inside of it.
            raise Closed("data came in clear after the request for TLS")
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=20
            )
        except (OSError, ssl.SSLError) as problem:
            raise Closed("the TLS handshake failed") from problem
        if transport is None:
            raise Closed("the connection ended during the TLS handshake")
        self.transport, self.tls = transport, True

    async def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if self.closed:
                raise Closed("the connection ended")
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data


async def connect(target: Path) -> Side:
    """Connect to a database's socket; raises OSError."""
    _, side = await asyncio.get_running_loop().create_unix_connection(Side, str(target))
    return side


async def until_ready(side: Side) -> list[tuple[bytes, bytes]]:
    """Return all messages up to ReadyForQuery, with it; raises Closed."""
    found = []
    while True:
        kind, body = await side.message()
        found.append((kind, body))
        if kind == b"Z":
            return found


async def rows(side: Side, sql: str) -> list[wire.Row]:
    """Run a statement and return its rows; raises Refused, Closed."""
    side.send(wire.message(b"Q", wire.text(sql)))
    messages = await until_ready(side)
    for kind, body in messages:
        if kind == b"E":
            raise Refused(body)
    return [wire.row(body) for kind, body in messages if kind == b"D"]


class Refused(Exception):
    """The database answered with an error; `body` is its ErrorResponse."""

    def __init__(self, body: bytes) -> None:
        super().__init__(wire.fields(body).get("M", "no reason given"))
        self.body = body
