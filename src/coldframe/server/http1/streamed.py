"""Bodies that are not in memory whole: read as they arrive, and sent as they are made, by threads that may wait."""

import logging
import select
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final

from coldframe.core.faults import ServiceFault
from coldframe.core.wire import BodyStream, WireResponse
from coldframe.server.body_pipe import incomplete, stalled
from coldframe.server.http1.client_socket import LARGE_PIECE
from coldframe.server.http1.connection import Connection, Request
from coldframe.server.http1.dialogue import Dialogue, Work
from coldframe.server.http1.framing import Measured
from coldframe.server.http1.head import Refusal
from coldframe.server.http1.written import CONTINUE, END_OF_CHUNKS
from coldframe.server.served import DROP_SECONDS, broken

_LOG: Final = logging.getLogger(__name__)
_GONE: Final = select.POLLRDHUP | select.POLLHUP | select.POLLERR
# How soon a thread that waits for a slow reader notices that the server stops.
_LOOK_SECONDS: Final = 0.25

Lend = Callable[[Connection], None]


class Streaming:
    """Serves requests and answers with such bodies; each method has a thread to itself, and the connection too."""

    def __init__(self, dialogue: Dialogue, borrow: Lend, give_back: Lend, patience: float) -> None:
        """`borrow` keeps a connection from the lead, `give_back` returns it; a client may be silent for `patience` s."""
        self._dialogue = dialogue
        self._borrow = borrow
        self._give_back = give_back
        self._patience = patience

    def upload(self, work: Work) -> None:
        """Have a request handled while its body is still arriving."""
        connection, request, _ = work
        self._borrow(connection)
        body = Upload(connection, self._patience)
        request.stream = body.stream()
        response = self._dialogue.handle(request)
        if body.goes_on:
            body.drop(DROP_SECONDS)
        if not body.ended:
            response.headers["connection"] = "close"
        self._send(connection, request, response)

    def answer(self, answer: tuple[Connection, Request, WireResponse]) -> None:
        """Send an answer as it is made."""
        self._borrow(answer[0])
        self._send(*answer)

    def _send(self, connection: Connection, request: Request, response: WireResponse) -> None:
        chunks = response.body
        if isinstance(chunks, bytes):
            self._dialogue.answer(connection, request, response)
        else:
            self._send_stream(connection, request, response, chunks)
        self._give_back(connection)

    def _send_stream(
        self, connection: Connection, request: Request, response: WireResponse, chunks: Iterator[bytes]
    ) -> None:
        try:
            head = self._dialogue.head(request, response)
        except ValueError:
            _close(chunks)
            self._dialogue.answer(connection, request, broken(request.method, request.path))
            return
        connection.ends = self._dialogue.ends(request, response)
        sized = "content-length" in response.headers
        if request.method == "HEAD":
            whole = self._send_all(connection, head)
            _close(chunks)
        else:
            connection.ends = connection.ends or (request.old and not sized)
            whole = self._send_chunks(connection, head, chunks, chunked=not sized and not request.old)
        if not whole:
            # All that is left to tell the client is a body that breaks off.
            connection.close()
        connection.touch()

    def _send_chunks(
        self, connection: Connection, head: bytes, chunks: Iterator[bytes], *, chunked: bool
    ) -> bool:
        """Send head and body until it ends, the client goes or the server stops; return whether it looks complete.

        A body that breaks off lacks its last chunk, or bytes of its length; one that the server ends has its last chunk.
        """
        try:
            if not self._send_all(connection, head):
                return False
            # Each chunk is sent before the next is asked for, so that all may lie in the same memory.
            lent = None if chunked else getattr(chunks, "lent", None)
            for chunk in lent() if lent is not None else chunks:
                if self._dialogue.stopping:
                    break
                if connection.wait(0, 0) & _GONE:
                    return False
                if chunk and not self._send_all(
                    connection, b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk
                ):
                    return False
            else:
                return not chunked or self._send_all(connection, END_OF_CHUNKS)
            return chunked and connection.send(END_OF_CHUNKS)
        except Exception:  # noqa: BLE001 - the status line is out, so that the log alone can say what broke
            _LOG.exception("A streamed answer failed")
            return False
        finally:
            _close(chunks)

    def _send_all(self, connection: Connection, data: bytes) -> bool:
        """Send all of it, at the pace of its reader; False when the client has gone or the server stops."""
        done = connection.send(data)
        while not done:
            event = connection.wait(select.POLLOUT, _LOOK_SECONDS)
            if event & _GONE or self._dialogue.stopping:
                return False
            done = connection.flush()
        return not connection.closed


class Upload:
    """The body of one request; nothing of it is asked for before the first chunk is."""

    def __init__(self, connection: Connection, patience: float) -> None:
        self._connection = connection
        self._patience = patience
        self._asked = False
        self._failed = False
        # What was read behind the head, and was not asked for yet.
        self._begun = b""
        framing = connection.framing
        self._size = framing.size if isinstance(framing, Measured) else None

    @property
    def goes_on(self) -> bool:
        """Whether the client is still sending: it has not failed, and does not wait to be asked."""
        return not (self.ended or self._failed) and (self._asked or not self._connection.asks)

    @property
    def ended(self) -> bool:
        """Whether all of the body has been read."""
        return self._connection.framing is None

    def stream(self) -> BodyStream:
        """Return the body as handlers get it."""
        return BodyStream(self.chunks(), fill=None if self._size is None else self.fill, size=self._size)

    def chunks(self) -> Iterator[bytes]:
        """Give the body, piece by piece. Raises ServiceFault IncompleteBody and RequestTimeout."""
        data = self._ask()
        while True:
            piece = self._piece(data)
            if piece:
                yield piece
            if self.ended:
                return
            data = self._received(self._patience)

    def fill(self, buffer: memoryview) -> int:
        """Fill a buffer with the body, of known length, as Fill says. Raises as `chunks` does."""
        if not self._asked:
            self._begun = self._piece(self._ask())
        filled = min(len(self._begun), len(buffer))
        buffer[:filled] = self._begun[:filled]
        self._begun = self._begun[filled:]
        until = monotonic() + self._patience
        while filled < len(buffer) and not self.ended:
            size = self._receive_into(buffer[filled:])
            if size:
                filled += size
                until = monotonic() + self._patience
            else:
                self._await(until, left=size == 0)
        return filled

    def drop(self, seconds: float) -> None:
        """Take in the rest of the body for so long, and forget it."""
        until = monotonic() + seconds
        try:
            self._piece(self._connection.take_begun())
            while not self.ended:
                self._piece(self._received(until - monotonic()))
        except ServiceFault:
            return

    def _piece(self, data: bytes) -> bytes:
        try:
            return self._connection.piece_of_body(data)
        except Refusal as refusal:
            self._failed = True
            raise incomplete() from refusal

    def _received(self, seconds: float) -> bytes:
        until = monotonic() + seconds
        while True:
            data = self._connection.receive(LARGE_PIECE)
            if data:
                return data
            self._await(until, left=data is not None)

    def _receive_into(self, buffer: memoryview) -> int | None:
        """Receive body where it is wanted, and nothing that comes after it."""
        framing = self._connection.framing
        assert isinstance(framing, Measured), "only a body of known length is read so"
        size = self._connection.receive_into(framing.room(buffer))
        if size:
            framing.received(size)
            if framing.ended:
                self._connection.framing = None
        return size

    def _await(self, until: float, *, left: bool) -> None:
        """Wait until something may have arrived; raises when the client has left, or sent nothing for too long."""
        if not left and (self._connection.wait(select.POLLIN, until - monotonic()) or monotonic() < until):
            return
        self._failed = True
        raise incomplete() if left else stalled()

    def _ask(self) -> bytes:
        """Have the client send, if it waits for that; return what it has sent already."""
        self._asked = True
        data = self._connection.take_begun()
        if self._connection.asks and not data:
            self._connection.send(CONTINUE)
        return data


def _close(chunks: Iterator[bytes]) -> None:
    """Let a body that is not asked for any more put away what it holds."""
    end = getattr(chunks, "close", None)
    if end is not None:
        end()
