"""One connection: its bytes become requests, one after another, and it belongs to one thread at a time."""

import io
import socket
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from coldframe.core.wire import WireRequest
from coldframe.server.body_room import BodyRoom, Lease
from coldframe.server.http1.client_socket import ClientSocket
from coldframe.server.http1.framing import Framing, framing
from coldframe.server.http1.head import Refusal, parse

# AWS takes 8 to 16 KiB of headers; session tokens make them long, so there is room to spare.
HEADER_BYTES: Final = 256 * 1024
_END_OF_HEAD: Final = b"\r\n\r\n"


class BodyTooLarge(Exception):
    """The body passes the limit of its request."""


class Request(WireRequest):
    """A request, whether its client would use the connection again, and whether it speaks HTTP/1.0."""

    __slots__ = ("keeps", "old")

    keeps: bool
    old: bool


class Connection(ClientSocket):
    """A client's socket and what has been read from it.

    It belongs to the thread that leads, or, while it is `busy`, to the one that handles its request; what is heard of a
    busy connection, the thread that has it learns before it lets go.
    """

    __slots__ = (
        "_body", "_buffer", "_incomplete", "_lease", "_limit", "_lock", "_missed", "_patience", "_room", "_scanned", "asks",
        "busy", "deadline", "drains", "ends", "framing", "peer", "pending",
    )  # fmt: skip

    def __init__(
        self,
        client: socket.socket,
        peer: str,
        room: BodyRoom,
        patience: float,
        forget: Callable[[Any], None],
    ) -> None:
        """Take over a socket; `patience` is how many seconds it may be silent, `forget` is as for ClientSocket."""
        super().__init__(client, forget)
        self.peer = peer
        self.busy = False
        self.deadline = monotonic() + patience
        # Whether it ends with the answer that is being sent, and whether what still comes is thrown away.
        self.ends = self.drains = False
        # Of the body that is arriving: its framing, its request unless it is streamed, whether "100 Continue" is due.
        self.framing: Framing | None = None
        self.pending: Request | None = None
        self.asks = False
        self._lock = threading.Lock()
        self._missed = 0
        self._patience = patience
        self._room = room
        self._lease: Lease | None = None
        self._buffer = b""
        self._scanned = 0
        self._incomplete = False
        self._body: io.BytesIO | None = None
        self._limit = 0

    def claim(self, event: int) -> bool:
        """Take the connection for the lead, which has heard of it; False: a thread has it, and is told in time."""
        with self._lock:
            if self.busy:
                self._missed |= event
                return False
        self.hear(event)
        return True

    def let_go(self) -> bool:
        """Give the connection back to the lead; False: something has come, and this thread has to look first."""
        with self._lock:
            event, self._missed = self._missed, 0
            if not event or self.closed:
                self.busy = False
                return True
        self.hear(event)
        return False

    def touch(self) -> None:
        """Be patient anew."""
        self.deadline = monotonic() + self._patience

    @property
    def begun(self) -> bytes:
        """What has been read and belongs to no request yet."""
        return self._buffer

    @property
    def has_next(self) -> bool:
        """Whether what has been read is worth a look: it may hold a whole head, and no body is arriving."""
        return bool(self._buffer) and not self._incomplete and self.framing is None and not self.drains

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
            self._scanned = max(0, len(buffer) - len(_END_OF_HEAD) + 1)
            self._incomplete = True
            return None
        self._scanned = 0
        head = parse(buffer[:end])
        self._buffer = buffer[end + len(_END_OF_HEAD) :]
        if head.length != 0:
            self.framing = framing(head.length)
            self.asks = head.headers.get("expect", "").lower() == "100-continue"
        request = Request(head.method, head.path, head.query, head.headers, b"", False, self.peer)
        request.keeps, request.old = head.keeps, head.old
        return request

    def begin_body(self, request: Request, limit: int) -> bool:
        """Read the body of this request into it, up to `limit` bytes; return whether it is whole already.

        Raises BodyTooLarge, NoRoom and Refusal.
        """
        length = request.headers.get("content-length")
        if length is not None and int(length) > limit:
            raise BodyTooLarge
        body = self.piece_of_body(self.take_begun())
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

    def take_begun(self) -> bytes:
        """Take out what has been read and belongs to no request."""
        data, self._buffer = self._buffer, b""
        return data

    def give_back(self) -> None:
        """Free the room that the body of the request took."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        self._body = self.pending = None

    def end(self, seconds: float) -> None:
        """Close, the answer being sent; what still comes is taken in for so long, or a reset would overtake the answer."""
        self.ends = False
        if not (self.readable or self._buffer or self.framing is not None):
            self.close()
            return
        self.drains = self.readable = True
        self.framing, self._buffer = None, b""
        self.deadline = monotonic() + seconds
        self.send_no_more()

    def close(self) -> None:
        """Close the socket, and free what its request held."""
        self.give_back()
        super().close()
