"""Bodies that are not in memory whole: read as they arrive, and sent as they are made, by a thread that may wait."""

import logging
import select
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final

from coldframe.core.faults import ServiceFault
from coldframe.server.body_pipe import incomplete, stalled
from coldframe.server.http1.connection import Connection
from coldframe.server.http1.head import Refusal
from coldframe.server.http1.written import CONTINUE, END_OF_CHUNKS

_LOG: Final = logging.getLogger(__name__)
_GONE: Final = select.POLLRDHUP | select.POLLHUP | select.POLLERR
# How soon a thread that waits for a slow reader notices that the server stops.
_LOOK_SECONDS: Final = 0.25


class Upload:
    """The body of one request; nothing of it is asked for before the first chunk is."""

    def __init__(self, connection: Connection, patience: float) -> None:
        self._connection = connection
        self._patience = patience
        self.asked = False

    @property
    def ended(self) -> bool:
        """Whether all of the body has been read."""
        return self._connection.framing is None

    def chunks(self) -> Iterator[bytes]:
        """Give the body, piece by piece. Raises ServiceFault IncompleteBody and RequestTimeout."""
        connection = self._connection
        self.asked = True
        data: bytes | None = connection.forget_begun()
        if connection.asks and not data and not connection.send(CONTINUE):
            raise incomplete()
        while True:
            if data:
                piece = self._piece(data)
                if piece:
                    yield piece
            if self.ended:
                return
            data = self._received(self._patience, stalled)

    def drop(self, seconds: float) -> None:
        """Take in the rest of the body for so long, and forget it."""
        until = monotonic() + seconds
        try:
            data: bytes | None = self._connection.forget_begun()
            while True:
                if data:
                    self._piece(data)
                if self.ended or monotonic() >= until:
                    return
                data = self._received(until - monotonic(), stalled)
        except ServiceFault:
            return

    def _piece(self, data: bytes) -> bytes:
        try:
            return self._connection.piece_of_body(data)
        except Refusal as refusal:
            raise incomplete() from refusal

    def _received(self, seconds: float, late: Callable[[], ServiceFault]) -> bytes:
        until = monotonic() + seconds
        while True:
            data = self._connection.receive()
            if data:
                return data
            if data is not None:
                raise incomplete()
            if not self._connection.wait(select.POLLIN, until - monotonic()) and monotonic() >= until:
                raise late()


def send_all(connection: Connection, data: bytes, stopping: Callable[[], bool]) -> bool:
    """Send all of it, at the pace of its reader; False when the client has gone or the server stops."""
    if connection.send(data):
        return not connection.closed
    while connection.out is not None:
        event = connection.wait(select.POLLOUT, _LOOK_SECONDS)
        if event & _GONE or stopping():
            return False
        if event and connection.flush():
            return not connection.closed
    return not connection.closed


def send_body(
    connection: Connection, chunks: Iterator[bytes], stopping: Callable[[], bool], *, chunked: bool
) -> bool:
    """Send what an iterator gives until it ends, the client goes or the server stops; return whether the body is whole.

    A body that breaks off never looks complete: it lacks the last chunk, or bytes of its length.
    """
    try:
        for chunk in chunks:
            if connection.wait(0, 0) & _GONE:
                return False
            if stopping():
                if chunked:
                    send_all(connection, END_OF_CHUNKS, _never)
                return False
            if chunk:
                framed = b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk
                if not send_all(connection, framed, stopping):
                    return False
        return not chunked or send_all(connection, END_OF_CHUNKS, stopping)
    except Exception:
        # The status line is out: all that is left to tell the client is a body that breaks off.
        _LOG.exception("A streamed answer failed")
        return False
    finally:
        close(chunks)


def close(chunks: Iterator[bytes]) -> None:
    """Let a body that is not asked for any more put away what it holds."""
    end = getattr(chunks, "close", None)
    if end is not None:
        end()


def _never() -> bool:
    return False
