"""One side of a session: a connection that is either read message by message or handed on as it comes."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

from coldframe.engines.endpoint_channel import AGAIN, SHORT, SIZE, Channel, Closed, at_socket
from coldframe.engines.postgresql import wire

__all__ = ["Closed", "Refused", "Side", "connect", "rows", "rows_aside", "until_ready"]
# A client that did not sign in yet has little to say.
_LONGEST_STARTUP = 10_000
_LONGEST = 1 << 24
# So much may wait for a side that takes less than comes, until its peer is read no more.
_KEPT = 65536
# Who does not take the last words in so many seconds does not get them.
_LAST_WORDS = 10.0
# The name of what is asked beside a client's own statements.
ASIDE = b"coldframe endpoint\0"


class Side(Channel):
    """A connection; while nobody takes its bytes they are kept for who asks for the next message."""

    __slots__ = (
        "_act",
        "_arrived",
        "_buffer",
        "_full",
        "_held",
        "_slow",
        "_taker",
        "_wanted",
        "closed",
        "ended",
        "peer",
        "silent",
    )

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.closed = False
        self.ended: Callable[[], None] | None = None
        # Asked when it says no more but may still read; returns whether it is to be kept for that.
        self.silent: Callable[[], bool] | None = None
        self.peer: Side | None = None
        self._buffer = bytearray()
        self._taker: Callable[[bytes], None] | None = None
        self._arrived: asyncio.Future[None] | None = None
        # Reasons to read no more from it: it is held, or the other side takes less than it sends.
        self._held = self._slow = False
        # Whether more is kept than anybody has asked for.
        self._full = False
        # How much is to be kept until who waits is told.
        self._wanted = 0
        # What is done when something can be read.
        self._act = self._readable
        self._read()

    def hand_to(self, taker: Callable[[bytes], None] | None) -> None:
        """Give what came, and all that comes, to `taker`; None keeps it again."""
        self._taker, self._full = taker, False
        self._act = self._readable if taker is None or self.tls else _short_way(self, taker, self._lost)
        if not self.closed:
            self._read()
        if taker is not None and self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            taker(data)

    def pass_on(self, data: bytes) -> None:
        """Send what the peer sent, and read no more from it than this side takes; a broken connection is seen by reading."""
        if not self._writing:
            # What `send` does, without being called: every message passes here.
            try:
                sent = self.sock.send(data)
            except AGAIN:
                sent = 0
            except OSError:
                self.broken = True
                if self.silent is not None and self.reading is False:
                    self._lost()
                return
            if sent == len(data):
                return
            data = data[sent:]
        self._keep(data)
        if len(self._writing) > _KEPT and self.peer is not None:
            peer = self.peer
            peer.slow(on=True)
            self.when_drained(lambda: peer.slow(on=False))

    def hold(self, *, on: bool) -> None:
        """Read no more from it for now, or read again."""
        self._held = on
        self._read()

    def slow(self, *, on: bool) -> None:
        """Read no more from it until what it sent has been taken, or read again."""
        self._slow = on
        self._read()

    def end(self) -> None:
        """End the connection once what was sent has left."""
        if self.kept and not self.closed:
            self._taker = _ignore
            self.when_drained(self.close)
            self._loop.call_later(_LAST_WORDS, self.close)
        else:
            self.close()

    def close(self) -> None:
        """End the connection at once."""
        self.closed = True
        super().close()
        self._arrive()

    @property
    def alpn(self) -> str | None:
        """The protocol that was named in the TLS handshake."""
        return self.sock.selected_alpn_protocol()  # type: ignore[attr-defined,no-any-return]

    async def first(self) -> bytes:
        """Return the first byte that comes on a connection that is held, leave it to be read, and read; raises Closed."""
        while True:
            await self.ready()
            try:
                data = self.sock.recv(1, socket.MSG_PEEK)
            except AGAIN:
                continue
            except OSError as problem:
                raise Closed("the connection ended") from problem
            if not data:
                raise Closed("the connection ended")
            self.hold(on=False)
            return data

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

    async def start_tls(self, context: ssl.SSLContext, *, as_client: bool = False) -> None:
        """Become a TLS server, or a client, on this connection; raises Closed."""
        if self._buffer:
            # Sent before the encryption began: it would be taken for what was sent inside of it.
            raise Closed("data came in clear after the request for TLS")
        self.read_with(None)
        try:
            await super().start_tls(context, as_client=as_client)
        except OSError as problem:
            raise Closed("the TLS handshake failed") from problem
        self._read()
        # What came with the end of the handshake has been read from the socket already.
        self._readable()

    def _read(self) -> None:
        self.read_with(None if self._held or self._slow or self._full else self._act)

    def _readable(self) -> None:
        data = self.receive()
        if data is None:
            return
        if not data:
            self._lost()
        elif self._taker is not None:
            self._taker(data)
        else:
            self._buffer += data
            if len(self._buffer) >= self._wanted:
                if len(self._buffer) > _KEPT:
                    # Whoever sends ahead of being asked, as one that is not let in yet, does not fill the memory.
                    self._full = True
                    self._read()
                self._arrive()

    def no_more(self) -> None:
        """Tell the other side that nothing more comes, once all that was sent has left; answers are still taken."""
        if self.kept:
            self.when_drained(self.no_more)
        elif self.fd >= 0:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)

    def _lost(self) -> None:
        if self.silent is not None and not self.broken and self.silent():
            self.hold(on=True)
            return
        self.close()
        if self.ended is not None:
            self.ended()

    def _arrive(self) -> None:
        arrived, self._arrived = self._arrived, None
        if arrived is not None and not arrived.done():
            arrived.set_result(None)

    async def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if self.closed:
                raise Closed("the connection ended")
            self._wanted = size
            if self._full:
                self._full = False
                self._read()
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data


def _short_way(side: Side, taker: Callable[[bytes], None], lost: Callable[[], None]) -> Callable[[], None]:
    """Return what reads from a side without TLS and hands on: what `_readable` does, in the fewest steps."""
    receive, most = side.sock.recv, SHORT

    def act() -> None:
        nonlocal most
        try:
            data = receive(most)
        except AGAIN:
            return
        except OSError:
            side.broken = True
            data = b""
        if not data:
            lost()
            return
        size = len(data)
        if size == most:
            most = SIZE
        elif size < SHORT:
            most = SHORT
        taker(data)

    return act


async def connect(target: Path) -> Side:
    """Connect to a database's socket; raises OSError."""
    return Side(await at_socket(target))


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


async def rows_aside(side: Side, sql: str, tell: Callable[[bytes, bytes], None]) -> list[wire.Row]:
    """Run a query and leave the client's unnamed statement as it is; raises Refused, Closed.

    What the server says meanwhile that is no answer (a notification, a notice, a setting) is told by kind and body.
    """
    close = wire.message(b"C", b"S" + ASIDE)
    side.send(
        close
        + wire.message(b"P", ASIDE + wire.text(sql) + b"\0\0")
        + wire.message(b"B", b"\0" + ASIDE + bytes(6))
        + wire.message(b"E", bytes(5))
        + close
        + wire.message(b"S")
    )
    found, problem = [], None
    for kind, body in await until_ready(side):
        if kind == b"D":
            found.append(wire.row(body))
        elif kind == b"E":
            problem = body
        elif kind in {b"A", b"N", b"S"}:
            tell(kind, body)
    if problem is not None:
        raise Refused(problem)
    return found


class Refused(Exception):
    """The database answered with an error; `body` is its ErrorResponse."""

    def __init__(self, body: bytes) -> None:
        super().__init__(wire.fields(body).get("M", "no reason given"))
        self.body = body


def _ignore(data: bytes) -> None:
    del data
