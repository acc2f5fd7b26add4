"""Serves HTTP/1.1 with threads that take turns at leading: who leads waits for the sockets, and handles what came.

The lead reads requests and answers quick ones itself. For any other it wakes a thread to lead after it, and handles the
request where it is: between a request's last byte and its handler lies no change of threads, and none between the
handler and the first byte of the answer.
"""

import asyncio
import contextlib
import logging
import os
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple

from coldframe.core.wire import BodyStream, WireRequest, WireResponse
from coldframe.server.body_room import BodyRoom, NoRoom
from coldframe.server.handler_threads import HandlerThreads
from coldframe.server.http1 import streamed
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

_LOG: Final = logging.getLogger(__name__)
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\n"
# Larger bodies are sent beside the head, so that they are not copied behind it.
_COPIED: Final = 16 * 1024
# Pieces of one body that are read before other connections have their turn.
_MOST_PIECES: Final = 16
# Edges: each arrival is told once, also while another thread has the connection, and nothing has to be disarmed.
_EDGES: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET

# Takes over a socket whose client speaks HTTP/2, with the bytes that it has sent, its address, and what to call when
# it has been closed.
TakeHttp2 = Callable[[socket.socket, bytes, str, Callable[[], None]], None]


class Work(NamedTuple):
    """A request to be handled, and its busy connection; `upload`: its body is still to come."""

    connection: Connection
    request: Request
    upload: bool = False


class _Closing(Exception):
    """The front is being closed: its threads end."""


class Front:
    """One listening socket, its connections and the threads that serve them."""

    def __init__(
        self,
        app: Application,
        listening: socket.socket,
        room: BodyRoom,
        streams: HandlerThreads,
        take_http2: TakeHttp2,
        *,
        threads: int,
        connections: int,
        stall_seconds: float,
    ) -> None:
        """Serve `app` on a socket that listens, with at most so many handlers and open connections at once."""
        self._app = app
        self._listening = listening
        self._room = room
        self._streams = streams
        self._take_http2 = take_http2
        self._most_threads = threads + 1
        self._most_connections = connections
        self._patience = stall_seconds
        self._every = min(stall_seconds / 4, DROP_SECONDS)
        self._dates = Dates()
        self._connections: dict[int, Connection] = {}
        # Connections that speak HTTP/2 and are served elsewhere.
        self._away = 0
        self._accepting = True
        self._stopping = False
        self._closed = False
        self._lock = threading.Lock()
        self._idle: list[threading.Lock] = []
        self._waiting: deque[Work] = deque()
        self._threads = 0
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # What the lead has heard of and not looked at yet.
        self._events: deque[tuple[int, int]] = deque()
        self._next_sweep = 0.0

    def start(self) -> None:
        """Begin to serve."""
        self._listening.setblocking(False)
        self._epoll.register(self._listening, select.EPOLLIN)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._threads = 1
        self._start_thread()

    async def finish(self, seconds: float) -> None:
        """Refuse new requests, end streams, give running requests that long to end, and abandon the rest."""
        self._stopping = True
        late = monotonic() + seconds
        while (busy := self._busy()) and monotonic() < late:
            await asyncio.sleep(0.01)
        if busy:
            _LOG.warning("%d requests did not end in %s seconds and were abandoned.", busy, seconds)

    async def close(self, seconds: float) -> None:
        """Stop listening, close what is open, and wait so long for the threads that are in no handler."""
        self._closed = self._stopping = True
        with self._lock:
            for turn in self._idle:
                turn.release()
            self._idle.clear()
        os.eventfd_write(self._wake, 1)
        late = monotonic() + seconds
        while self._threads > self._busy() and monotonic() < late:
            await asyncio.sleep(0.002)
        self._listening.close()
        for connection in list(self._connections.values()):
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
            if not connection.busy:
                connection.close()
        self._epoll.close()

    def _busy(self) -> int:
        return sum(each.busy for each in list(self._connections.values()))

    # The threads

    def _start_thread(self) -> None:
        threading.Thread(target=self._run, name="handler", daemon=True).start()

    def _run(self) -> None:
        turn = threading.Lock()
        turn.acquire()
        try:
            while True:
                work: Work | None = self._lead()
                while work is not None:
                    self._handle(work)
                    # Held by no other name: a request's body must not live on while the thread waits.
                    work = self._next_work(turn)
                turn.acquire()
                if self._closed:
                    return
        except _Closing:
            return
        finally:
            with self._lock:
                self._threads -= 1

    def _next_work(self, turn: threading.Lock) -> Work | None:
        """Give the request that has waited longest; without any, this thread waits for its turn to lead."""
        with self._lock:
            if self._closed:
                raise _Closing
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(turn)
            return None

    def _give_lead(self, work: Work) -> bool:
        """Have another thread lead. When all are in handlers the work waits for one of them, and this one leads on."""
        with self._lock:
            if self._idle:
                self._idle.pop().release()
                return True
            if self._threads >= self._most_threads:
                self._waiting.append(work)
                return False
            self._threads += 1
        self._start_thread()
        return True

    def _lead(self) -> Work:
        """Serve the sockets until a request comes that this thread handles; another one leads by then."""
        events = self._events
        while True:
            while events:
                work = self._on_event(*events.popleft())
                if work is None:
                    continue
                if work.upload:
                    self._streams.post(self._serve_upload, work)
                elif self._give_lead(work):
                    return work
                work = None
            events.extend(self._epoll.poll(self._every if self._connections else None))
            if self._closed:
                raise _Closing
            if monotonic() >= self._next_sweep:
                self._sweep()

    def _on_event(self, descriptor: int, event: int) -> Work | None:
        connection = self._connections.get(descriptor)
        if connection is None:
            if descriptor == self._listening.fileno():
                self._accept()
            elif descriptor == self._wake:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
            return None
        with self._lock:
            if connection.busy:
                connection.missed |= event
                return None
        connection.hear(event)
        return self._go_on(connection)

    def _accept(self) -> None:
        while len(self._connections) + self._away < self._most_connections:
            try:
                client, address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                _LOG.warning("A connection could not be taken: %s", error.strerror)
                return
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, str(address[0]), self._room, self._patience, self._forget)
            self._connections[connection.fd] = connection
            self._epoll.register(connection.fd, _EDGES)
        # Those that wait are taken when one of these has closed.
        self._accepting = False
        self._epoll.modify(self._listening, 0)

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection.fd, None)
        self._accept_again()

    def _accept_again(self) -> None:
        if not self._accepting and not self._closed:
            self._accepting = True
            self._epoll.modify(self._listening, select.EPOLLIN)

    def _sweep(self) -> None:
        """Close what has been silent for too long."""
        now = monotonic()
        self._next_sweep = now + self._every
        for connection in list(self._connections.values()):
            if connection.busy or connection.deadline >= now:
                continue
            if connection.pending is not None:
                self._refuse(connection, plain(408, STALLED_BODY))
                self._go_on(connection)
            else:
                connection.close()

    # What the thread does that a connection belongs to

    def _go_on(self, connection: Connection) -> Work | None:
        """Read and answer as far as it goes without waiting; return a request that has to be handled."""
        pieces = 0
        while not connection.closed:
            if connection.out is not None:
                if not connection.flush():
                    return None
            elif connection.ends:
                connection.end(DROP_SECONDS)
            elif connection.has_next:
                work = self._next(connection)
                if work is not None:
                    return work
            elif not connection.readable:
                return None
            elif pieces == _MOST_PIECES:
                self._events.append((connection.fd, select.EPOLLIN))
                os.eventfd_write(self._wake, 1)
                return None
            else:
                pieces += 1
                data = connection.receive()
                if data is not None:
                    work = self._take(connection, data)
                    if work is not None:
                        return work
        return None

    def _take(self, connection: Connection, data: bytes) -> Work | None:
        """Take in what has arrived; empty: the client sends nothing more."""
        if connection.drains:
            if not data:
                connection.close()
            return None
        if connection.pending is not None:
            return self._more_body(connection, connection.pending, data)
        if data:
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
            if self._stopping:
                self._refuse(connection, plain(503, STOPPING), request)
                return None
            framing = connection.framing
            if framing is not None and not framing.ended:
                if self._app.streams(request):
                    connection.busy = True
                    return Work(connection, request, upload=True)
                if not connection.begin_body(request, self._app.body_limit(request)):
                    if connection.asks and not framing.begun:
                        connection.send(CONTINUE)
                    connection.touch()
                    return None
            else:
                connection.framing = None
        except (Refusal, BodyTooLarge, NoRoom) as refusal:
            self._refuse(connection, self._refusal(refusal, request), request)
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
            self._refuse(connection, self._refusal(refusal, request), request)
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
        self._answer(connection, request, response)
        return None

    def _refusal(self, refusal: Exception, request: Request | None) -> WireResponse:
        if isinstance(refusal, Refusal):
            return plain(refusal.status, refusal.text)
        if isinstance(refusal, BodyTooLarge):
            assert request is not None
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
        self._answer(connection, request, response)

    def _give_away(self, connection: Connection) -> None:
        """Have a client that speaks HTTP/2 served elsewhere."""
        self._epoll.unregister(connection.fd)
        connection.closed = True
        with self._lock:
            self._away += 1
        del self._connections[connection.fd]
        self._take_http2(connection.socket, connection.forget_begun(), connection.peer, self._came_back)

    def _came_back(self) -> None:
        with self._lock:
            self._away -= 1
        self._accept_again()

    def _answer(self, connection: Connection, request: Request, response: WireResponse) -> None:
        """Send an answer that is all bytes, as far as the socket takes it."""
        try:
            first = self._head(request, response)
        except ValueError:
            response = broken(request.method, request.path)
            first = self._head(request, response)
        body = body_of(response, request.method)
        connection.ends = self._ends(request, response)
        connection.touch()
        if len(body) <= _COPIED:
            connection.send(first + body)
        else:
            connection.send(first, body)

    def _head(self, request: Request, response: WireResponse) -> bytes:
        """Write the head of an answer. Raises ValueError for a header that cannot be sent."""
        check_headers(response)
        keeps = not self._ends(request, response)
        return head(response, self._dates, method=request.method, keeps=keeps, old=request.old)

    def _ends(self, request: Request, response: WireResponse) -> bool:
        return not request.keeps or self._stopping or response.headers.get("connection") == "close"

    # Handling, in any thread

    def _handle(self, work: Work) -> None:
        """Handle a request and those that follow it already, and give the connection back to the lead."""
        following: Work | None = work
        while following is not None:
            if following.upload:
                self._streams.post(self._serve_upload, following)
                return
            connection, request, _ = following
            response = self._response_of(request)
            connection.give_back()
            if not isinstance(response.body, bytes):
                self._streams.post(self._serve_stream, (connection, request, response))
                return
            self._answer(connection, request, response)
            following = self._free(connection)

    def _response_of(self, request: WireRequest) -> WireResponse:
        try:
            return self._app.handle(request)
        except Exception:  # noqa: BLE001 - logged with its traceback, and answered
            return broken(request.method, request.path)

    def _free(self, connection: Connection) -> Work | None:
        """Give the connection back; return a further request that has come on it meanwhile."""
        while True:
            work = self._go_on(connection)
            if work is not None:
                return work
            with self._lock:
                event, connection.missed = connection.missed, 0
                if not event or connection.closed:
                    connection.busy = False
                    return None
            connection.hear(event)

    def _serve_upload(self, work: Work) -> None:
        """Have this thread handle a request while its body is still arriving."""
        connection, request, _ = work
        self._epoll.unregister(connection.fd)
        upload = streamed.Upload(connection, self._patience)
        request.stream = BodyStream(upload.chunks())
        response = self._response_of(request)
        if not upload.ended and not connection.closed and (upload.asked or not connection.asks):
            upload.drop(DROP_SECONDS)
        if not upload.ended:
            response.headers["connection"] = "close"
        self._finish(connection, request, response)

    def _serve_stream(self, streaming: tuple[Connection, Request, WireResponse]) -> None:
        """Have this thread send an answer as it is made."""
        self._epoll.unregister(streaming[0].fd)
        self._finish(*streaming)

    def _finish(self, connection: Connection, request: Request, response: WireResponse) -> None:
        """Send the answer on a connection that this thread has to itself, and let the lead hear of it again."""
        if isinstance(response.body, bytes):
            self._answer(connection, request, response)
        else:
            self._send_stream(connection, request, response)
        if not connection.closed:
            connection.readable = True
            self._epoll.register(connection.fd, _EDGES)
        work = self._free(connection)
        if work is not None:
            self._handle(work)

    def _send_stream(self, connection: Connection, request: Request, response: WireResponse) -> None:
        chunks = response.body
        assert not isinstance(chunks, bytes)
        try:
            first = self._head(request, response)
        except ValueError:
            streamed.close(chunks)
            self._answer(connection, request, broken(request.method, request.path))
            return
        connection.ends = self._ends(request, response)
        connection.touch()

        def stopping() -> bool:
            return self._stopping

        sent = streamed.send_all(connection, first, stopping)
        if sent and request.method != "HEAD":
            length = response.headers.get("content-length")
            chunked = length is None and not request.old
            sent = streamed.send_body(connection, chunks, stopping, chunked=chunked)
            connection.ends = connection.ends or (length is None and request.old)
        else:
            streamed.close(chunks)
        if not sent:
            connection.close()
        connection.touch()
