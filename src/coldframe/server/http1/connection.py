"""One connection: its bytes become requests, one after another, and answers go back in the same order."""

import io
import select
import socket
from collections.abc import Callable
from time import monotonic
from typing import Final

from coldframe.core.wire import WireRequest
from coldframe.server.body_room import BodyRoom, Lease
from coldframe.server.http1.framing import Framing, framing
from coldframe.server.http1.head import Refusal, parse

HEADER_BYTES: Final = 256 * 1024
# How much is read at once: little of a head, because most connections are idle or send little; of a body much.
_PIECE: Final = 64 * 1024
_BODY_PIECE: Final = 256 * 1024
_LEFT: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_END_OF_HEAD: Final = b"\r\n\r\n"


class BodyTooLarge(Exception):
    """The body passes the limit of its request."""


class Request(WireRequest):
    """A request, whether its client would use the connection again, and whether it speaks HTTP/1.0."""

    __slots__ = ("keeps", "old")

    keeps: bool
    old: bool


class Connection:
    """A client's socket and what has been read from it.

    Belongs to one thread at a time: to the lead, or, while it is `busy`, to the thread that handles its request. What
    the lead hears of a busy connection it leaves in `missed`.
    """

    __slots__ = (
        "_body", "_buffer", "_forget", "_incomplete", "_lease", "_limit", "_patience", "_room", "_scanned", "asks", "busy",
        "closed", "deadline", "drains", "ends", "fd", "framing", "left", "missed", "out", "peer", "pending", "readable", "socket",
    )  # fmt: skip

    def __init__(
        self,
        client: socket.socket,
        peer: str,
        room: BodyRoom,
        patience: float,
        forget: Callable[["Connection"], None],
    ) -> None:
        """Take over a non-blocking socket.

        `patience` is how many seconds it may be silent; `forget` is called just before the socket is closed.
        """
        self.socket = client
        self.fd = client.fileno()
        self.peer = peer
        self.deadline = monotonic() + patience
        self.busy = False
        self.missed = 0
        self.readable = self.left = False
        self.closed = False
        # What is left to send; after it the connection ends, or else serves on.
        self.out: memoryview | None = None
        self.ends = False
        # Whether what still comes is thrown away, because an answer has ended the connection.
        self.drains = False
        # Of the body that is arriving: its framing, its request unless it is streamed, whether "100 Continue" is due.
        self.framing: Framing | None = None
        self.pending: Request | None = None
        self.asks = False
        self._room = room
        self._patience = patience
        self._forget = forget
        self._buffer = b""
        self._scanned = 0
        self._incomplete = False
        self._lease: Lease | None = None
        self._body: io.BytesIO | None = None
        self._limit = 0

    @property
    def begun(self) -> bytes:
        """What has been read and belongs to no request yet."""
        return self._buffer

    @property
    def has_next(self) -> bool:
        """Whether what has been read is worth a look: it may hold a whole head, and no body is arriving."""
        return bool(self._buffer) and not self._incomplete and self.framing is None and not self.drains

    def hear(self, event: int) -> None:
        """Take note of what epoll tells."""
        if event & (select.EPOLLIN | _LEFT):
            self.readable = True
            # That the client sends no more is told once, perhaps together with its last bytes.
            self.left = self.left or event & _LEFT != 0

    def touch(self) -> None:
        """Be patient anew."""
        self.deadline = monotonic() + self._patience

    def receive(self) -> bytes | None:
        """Return what has arrived; None: nothing has; empty: the client has closed."""
        size = _PIECE if self.framing is None else _BODY_PIECE
        try:
            data = self.socket.recv(size)
        except BlockingIOError:
            self.readable = False
            return None
        except OSError:
            return b""
        if len(data) < size and not self.left:
            self.readable = False
        return data

    def take(self, data: bytes) -> None:
        """Keep bytes of a head until it is whole."""
        self._buffer = self._buffer + data if self._buffer else data
        self._incomplete = False

    def next_head(self) -> Request | None:
        """Return the next request, whose body is still to come by `framing`; None while its head is not whole.

        Raises Refusal.
        """
        if self._buffer.startswith(b"\r\n"):  # left behind by clients that end a body with a line of its own
            self._buffer = self._buffer.lstrip(b"\r\n")
        buffer = self._buffer
        end = buffer.find(_END_OF_HEAD, self._scanned)
        if (len(buffer) if end < 0 else end) > HEADER_BYTES:
            raise Refusal(431, "The headers of the request are too large.")
        if end < 0:
            self._scanned = max(0, len(buffer) - 3)
            self._incomplete = True
            return None
        self._scanned = 0
        head = parse(buffer[:end])
        self._buffer = buffer[end + 4 :]
        self.framing = framing(head.length)
        request = Request(head.method, head.path, head.query, head.headers, b"", False, self.peer)
        request.keeps, request.old = head.keeps, head.old
        expected = head.headers.get("expect")
        self.asks = expected is not None and expected.lower() == "100-continue"
        return request

    def begin_body(self, request: Request, limit: int) -> bool:
        """Read the body of this request into it, up to `limit` bytes; return whether it is whole already.

        Raises BodyTooLarge, NoRoom and Refusal.
        """
        length = request.headers.get("content-length")
        if length is not None and int(length) > limit:
            raise BodyTooLarge
        body = self.piece_of_body(self.forget_begun())
        if len(body) > limit:
            raise BodyTooLarge
        if self.framing is None:
            request.body = body
            return True
        self.pending, self._body, self._limit = request, io.BytesIO(), limit
        self._lease = self._room.lease()
        self._lease.hold(len(body))
        self._body.write(body)
        return False

    def more_body(self, data: bytes) -> Request | None:
        """Take more of a body; return its request once it is whole. Raises as begin_body does."""
        assert self._body is not None
        assert self._lease is not None
        body = self.piece_of_body(data)
        size = self._body.tell() + len(body)
        if size > self._limit:
            raise BodyTooLarge
        self._lease.hold(size)
        self._body.write(body)
        if self.framing is not None:
            return None
        request, self.pending = self.pending, None
        assert request is not None
        # A BytesIO hands its buffer over without a copy: a large body is in memory once.
        request.body = self._body.getvalue()
        self._body = None
        return request

    def piece_of_body(self, data: bytes) -> bytes:
        """Return the bytes of body in `data`; `framing` is None when they are the last. Raises Refusal."""
        assert self.framing is not None
        body = self.framing.feed(data) if data else b""
        if self.framing.ended:
            self._buffer = self.framing.rest
            self.framing = None
        return body

    def forget_begun(self) -> bytes:
        """Take out what has been read and belongs to no request."""
        data, self._buffer = self._buffer, b""
        return data

    def give_back(self) -> None:
        """Free the room that the body of the request took."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        self._body = self.pending = None

    def send(self, first: bytes, second: bytes = b"") -> bool:
        """Send what the socket takes of both; return whether that was all. What is left goes by `flush`."""
        try:
            sent = self.socket.sendmsg((first, second)) if second else self.socket.send(first)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return True
        if sent == len(first) + len(second):
            return True
        over = sent - len(first)
        self.out = memoryview(second)[over:] if over >= 0 and second else memoryview(first + second)[sent:]
        return False

    def flush(self) -> bool:
        """Send more of what is left; return whether that was all."""
        while self.out is not None:
            try:
                sent = self.socket.send(self.out)
            except BlockingIOError:
                return False
            except OSError:
                self.close()
                return True
            self.touch()
            self.out = self.out[sent:] if sent < len(self.out) else None
        return True

    def wait(self, events: int, seconds: float) -> int:
        """Wait for events of the socket, for the thread that has it to itself; return those that came (select.poll)."""
        waiting = select.poll()
        waiting.register(self.fd, events | select.POLLRDHUP)
        found = waiting.poll(max(0.0, seconds) * 1000)
        return found[0][1] if found else 0

    def end(self, seconds: float) -> None:
        """Send nothing more and close; what still comes is taken in for so long, or a reset would overtake the answer."""
        self.ends = False
        if self.closed or not (self.readable or self._buffer or self.framing is not None):
            self.close()
            return
        self.drains, self.readable = True, True
        self.framing, self._buffer = None, b""
        self.deadline = monotonic() + seconds
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the socket."""
        if not self.closed:
            self.closed = True
            self.out = None
            self.give_back()
            self._forget(self)
            self.socket.close()
