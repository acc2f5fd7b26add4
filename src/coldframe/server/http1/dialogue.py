"""What is said on a connection: requests are read, handled and answered, or refused in the words of HTTP."""

from collections.abc import Callable
from typing import Final, NamedTuple

from coldframe.core.wire import WireRequest, WireResponse
from coldframe.server.body_room import NoRoom
from coldframe.server.http1.client_socket import LARGE_PIECE, SMALL_PIECE
from coldframe.server.http1.connection import BodyTooLarge, Connection, Request
from coldframe.server.http1.head import Refusal
from coldframe.server.http1.written import CONTINUE, Dates, body_of, head
from coldframe.server.served import (
    BROKEN_BODY,
    DROP_SECONDS,
    NO_ROOM,
    STALLED_BODY,
    STOPPING,
    Application,
    broken,
    check_headers,
    plain,
)

# How a client begins that speaks HTTP/2 without having asked whether the server does (RFC 9113, 3.4).
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\n"
# Larger bodies are sent beside the head, so that they are not copied behind it.
_COPIED: Final = 16 * 1024
# Pieces of one connection that are read before others have their turn.
_MOST_PIECES: Final = 16


class Work(NamedTuple):
    """A request to be handled, and its busy connection; `upload`: its body is still to come."""

    connection: Connection
    request: Request
    upload: bool = False


class Dialogue:
    """The server's side of all connections; each call is by the thread that the connection belongs to."""

    def __init__(
        self, app: Application, give_away: Callable[[Connection], None], put_off: Callable[[Connection], None]
    ) -> None:
        """Have `app` answer. A connection that speaks HTTP/2 is given away; one that sends much is put off at times."""
        self._app = app
        self._give_away = give_away
        self._put_off = put_off
        self._dates = Dates()
        self.stopping = False

    def go_on(self, connection: Connection) -> Work | None:
        """Read and answer as far as it goes without waiting; return a request that has to be handled."""
        pieces = 0
        while not connection.closed:
            if connection.out is not None:
                if not connection.flush():
                    return None
                connection.touch()
            elif connection.ends:
                connection.end(DROP_SECONDS)
            elif connection.has_next:
                work = self._next(connection)
                if work is not None:
                    return work
            elif not connection.readable:
                return None
            elif pieces == _MOST_PIECES:
                self._put_off(connection)
                return None
            else:
                pieces += 1
                data = connection.receive(SMALL_PIECE if connection.pending is None else LARGE_PIECE)
                work = self._take(connection, data) if data is not None else None
                if work is not None:
                    return work
        return None

    def handle(self, request: WireRequest) -> WireResponse:
        """Return the answer of the application; may wait."""
        try:
            return self._app.handle(request)
        except Exception:  # noqa: BLE001 - logged with its traceback, and answered
            return broken(request.method, request.path)

    def answer(self, connection: Connection, request: Request, response: WireResponse) -> None:
        """Send an answer that is all bytes, as far as the socket takes it."""
        try:
            first = self.head(request, response)
        except ValueError:
            response = broken(request.method, request.path)
            first = self.head(request, response)
        body = body_of(response, request.method)
        connection.ends = self.ends(request, response)
        connection.touch()
        if len(body) <= _COPIED:
            connection.send(first + body)
        else:
            connection.send(first, body)

    def head(self, request: Request, response: WireResponse) -> bytes:
        """Return the head of an answer as bytes. Raises ValueError for a header that cannot be sent."""
        check_headers(response)
        keeps = not self.ends(request, response)
        return head(response, self._dates, method=request.method, keeps=keeps, old=request.old)

    def ends(self, request: Request, response: WireResponse) -> bool:
        """Tell whether the connection ends with this answer."""
        return not request.keeps or self.stopping or response.headers.get("connection") == "close"

    def give_up(self, connection: Connection) -> None:
        """End a connection that has been silent for too long."""
        if connection.out is not None:
            if connection.has_drained():
                connection.touch()
            else:
                connection.reset()
        elif connection.pending is None:
            connection.close()
        else:
            self._refuse(connection, plain(408, STALLED_BODY), connection.pending)
            self.go_on(connection)

    def _take(self, connection: Connection, data: bytes) -> Work | None:
        """Take in what has arrived; empty: the client sends no more."""
        if connection.drains:
            if not data:
                connection.close()
        elif connection.pending is not None:
            return self._more_body(connection, connection.pending, data)
        elif data:
            connection.take(data)
        elif connection.begun:
            self._refuse(connection, plain(400, "The request ended early."))
        else:
            connection.close()
        return None

    def _next(self, connection: Connection) -> Work | None:
        """Begin with the next request if its head is whole."""
        if connection.begun.startswith(_PREFACE):
            self._give_away(connection)
            return None
        request = None
        try:
            request = connection.next_head()
            if request is None:
                return None
            if self.stopping:
                self._refuse(connection, plain(503, STOPPING), request)
                return None
            if connection.framing is not None:
                if self._app.streams(request):
                    connection.busy = True
                    return Work(connection, request, upload=True)
                if not connection.begin_body(request, self._app.body_limit(request)):
                    if connection.asks and not connection.framing.begun:
                        connection.send(CONTINUE)
                    connection.touch()
                    return None
        except (Refusal, BodyTooLarge, NoRoom) as refusal:
            self._refuse(connection, self._said(refusal, request), request)
            return None
        except Exception:  # noqa: BLE001 - logged with its traceback, and answered
            assert request is not None
            self._refuse(connection, broken(request.method, request.path), request)
            return None
        return self._begin(connection, request)

    def _more_body(self, connection: Connection, request: Request, data: bytes) -> Work | None:
        if not data:
            self._refuse(connection, plain(400, BROKEN_BODY), request)
            return None
        connection.touch()
        try:
            whole = connection.more_body(data)
        except (Refusal, BodyTooLarge, NoRoom) as refusal:
            self._refuse(connection, self._said(refusal, request), request)
            return None
        return None if whole is None else self._begin(connection, whole)

    def _begin(self, connection: Connection, request: Request) -> Work | None:
        """Answer a request that is there in full, or return it to be handled."""
        try:
            response = self._app.inline(request)
        except Exception:  # noqa: BLE001 - logged with its traceback, and answered
            response = broken(request.method, request.path)
        if response is None:
            connection.busy = True
            return Work(connection, request)
        connection.give_back()
        self.answer(connection, request, response)
        return None

    def _said(self, refusal: Exception, request: Request | None) -> WireResponse:
        if isinstance(refusal, Refusal):
            return plain(refusal.status, refusal.text)
        if isinstance(refusal, BodyTooLarge) and request is not None:
            return self._app.too_large(request)
        return plain(503, NO_ROOM)

    def _refuse(self, connection: Connection, response: WireResponse, request: Request | None = None) -> None:
        """Answer a request that is not read to its end, and end the connection."""
        connection.give_back()
        connection.readable = True
        response.headers["connection"] = "close"
        if request is None:
            request = Request("", "", "", {}, b"")
            request.keeps = request.old = False
        self.answer(connection, request, response)
