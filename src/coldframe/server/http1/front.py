"""Serves HTTP/1.1 by threads that take turns at leading: who leads waits for the sockets, and handles what came.

The lead reads requests and answers quick ones itself. For any other it has another thread lead after it, and handles
the request where it is: between a request's last byte and its handler lies no change of threads, and none between the
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
from dataclasses import dataclass
from time import monotonic
from typing import Final

from coldframe.server.body_room import BodyRoom
from coldframe.server.handler_threads import HandlerThreads
from coldframe.server.http1.connection import Connection
from coldframe.server.http1.dialogue import Dialogue, Work
from coldframe.server.http1.leading import Ended, LeadingThreads
from coldframe.server.http1.streamed import Streaming
from coldframe.server.served import DROP_SECONDS, Application

_LOG: Final = logging.getLogger(__name__)
# Edges: each arrival is told once, also while a thread has the connection, and nothing has to be disarmed meanwhile.
_EDGES: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET

# Takes over a socket whose client speaks HTTP/2, with the bytes that it has sent, its address, and what to call when
# it has been closed.
TakeHttp2 = Callable[[socket.socket, bytes, str, Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most handlers and open connections at once, and how many seconds a client may be silent."""

    handlers: int
    connections: int
    silence: float


class Front:
    """One listening socket, its connections and the threads that serve them."""

    def __init__(
        self,
        app: Application,
        listening: socket.socket,
        room: BodyRoom,
        streams: HandlerThreads,
        take_http2: TakeHttp2,
        bounds: Bounds,
    ) -> None:
        """Serve `app` on a socket that listens; bodies that are not in memory whole have threads of `streams`."""
        self._listening = listening
        self._room = room
        self._streams = streams
        self._take_http2 = take_http2
        self._bounds = bounds
        self._connections: dict[int, Connection] = {}
        self._lock = threading.Lock()
        # Connections that speak HTTP/2 and are served elsewhere.
        self._away = 0
        self._accepting = True
        self._dialogue = Dialogue(app, self._give_away, self._put_off)
        self._streaming = Streaming(self._dialogue, self._leave_alone, self._take_back, bounds.silence)
        self._threads: LeadingThreads[Work] = LeadingThreads(
            self._lead, self._handle, most=bounds.handlers, name="handler"
        )
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # What the lead has heard of and not looked at yet.
        self._events: deque[tuple[int, int]] = deque()
        self._every = min(bounds.silence / 4, DROP_SECONDS)
        self._next_sweep = 0.0

    def start(self) -> None:
        """Begin to serve."""
        self._listening.setblocking(False)
        self._epoll.register(self._listening, select.EPOLLIN)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._threads.start()

    async def finish(self, seconds: float) -> None:
        """Refuse new requests, end streams, give running requests that long to end, and abandon the rest."""
        self._dialogue.stopping = True
        late = monotonic() + seconds
        while (busy := sum(each.busy for each in list(self._connections.values()))) and monotonic() < late:
            await asyncio.sleep(0.01)
        if busy:
            _LOG.warning("%d requests did not end in %s seconds and were abandoned.", busy, seconds)

    async def close(self, seconds: float) -> None:
        """Stop listening and close what is open, waiting so long for the threads that are in no handler."""
        self._threads.ended = True
        os.eventfd_write(self._wake, 1)
        await self._threads.end(seconds)
        self._listening.close()
        for connection in list(self._connections.values()):
            connection.abort()
            if not connection.busy:
                connection.close()
        if not self._threads.count:  # else an abandoned handler may still use them, and the process is ending
            self._epoll.close()
            os.close(self._wake)

    # The lead

    def _lead(self) -> Work:
        """Serve the sockets until a request comes that this thread handles; another one leads by then."""
        events = self._events
        while True:
            while events:
                descriptor, event = events.popleft()
                try:
                    work = self._on_event(descriptor, event)
                    if work is not None and self._passed_on(work):
                        return work
                except Exception:  # noqa: BLE001 - logged with its traceback
                    self._drop(self._connections.get(descriptor))
                work = None
            quiet = not self._connections and self._accepting
            events.extend(self._epoll.poll(None if quiet else self._every))
            if self._threads.ended:
                raise Ended
            if monotonic() >= self._next_sweep:
                self._sweep()

    def _passed_on(self, work: Work) -> bool:
        """Pass the lead on; False when it stays here, because the work is not for this thread."""
        if work.upload:
            self._streams.post(self._streaming.upload, work)
            return False
        return self._threads.hand_over(work)

    def _drop(self, connection: Connection | None) -> None:
        """Close a connection that something unforeseen went wrong with; the others are served on."""
        _LOG.exception("A connection was given up")
        if connection is not None:
            connection.close()

    def _on_event(self, descriptor: int, event: int) -> Work | None:
        connection = self._connections.get(descriptor)
        if connection is not None:
            return self._dialogue.go_on(connection) if connection.claim(event) else None
        if descriptor == self._listening.fileno():
            self._accept()
        elif descriptor == self._wake:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
        return None

    def _accept(self) -> None:
        while not self._full():
            try:
                client, address = self._listening.accept()
                connection = Connection(
                    client, str(address[0]), self._room, self._bounds.silence, self._forget
                )
            except (BlockingIOError, ConnectionError):
                return
            except OSError as error:
                _LOG.warning("No connection can be taken for a moment: %s", error.strerror)
                self._accept_no_more()
                return
            self._connections[connection.fd] = connection
            self._epoll.register(connection.fd, _EDGES)

    def _full(self) -> bool:
        """Tell whether no further connection may be open; those that wait are taken when one has closed."""
        with self._lock:
            full = len(self._connections) + self._away >= self._bounds.connections
            if full:
                self._accept_no_more()
            return full

    def _accept_no_more(self) -> None:
        self._accepting = False
        self._epoll.modify(self._listening, 0)

    def _sweep(self) -> None:
        """End what has been silent for too long."""
        now = monotonic()
        self._next_sweep = now + self._every
        self._accept_again()
        for connection in list(self._connections.values()):
            if connection.busy or connection.deadline >= now:
                continue
            try:
                self._dialogue.give_up(connection)
            except Exception:  # noqa: BLE001 - logged with its traceback
                self._drop(connection)

    # Any thread

    def _handle(self, work: Work) -> None:
        """Handle a request and those that follow it already, and give the connection back to the lead."""
        try:
            self._handle_all(work)
        except Exception:  # noqa: BLE001 - logged with its traceback
            self._drop(work.connection)

    def _handle_all(self, work: Work) -> None:
        following: Work | None = work
        while following is not None:
            if following.upload:
                self._streams.post(self._streaming.upload, following)
                return
            connection, request, _ = following
            response = self._dialogue.handle(request)
            connection.give_back()
            if not isinstance(response.body, bytes):
                self._streams.post(self._streaming.answer, (connection, request, response))
                return
            self._dialogue.answer(connection, request, response)
            following = self._let_go(connection)

    def _let_go(self, connection: Connection) -> Work | None:
        """Give a connection back to the lead; return a further request that has come on it meanwhile."""
        work = self._dialogue.go_on(connection)
        while work is None and not connection.let_go():
            work = self._dialogue.go_on(connection)
        return work

    def _leave_alone(self, connection: Connection) -> None:
        """Have the lead hear nothing of a connection that a thread has to itself."""
        self._epoll.unregister(connection.fd)

    def _take_back(self, connection: Connection) -> None:
        """Take a connection back from a thread that had it to itself."""
        if not connection.closed:
            connection.readable = True
            self._epoll.register(connection.fd, _EDGES)
        work = self._let_go(connection)
        if work is not None:
            self._handle(work)

    def _put_off(self, connection: Connection) -> None:
        """Have the lead look at a connection again after the others."""
        self._events.append((connection.fd, select.EPOLLIN))
        os.eventfd_write(self._wake, 1)

    def _give_away(self, connection: Connection) -> None:
        """Have a client that speaks HTTP/2 served elsewhere."""
        self._epoll.unregister(connection.fd)
        with self._lock:
            self._away += 1
        self._take_http2(connection.give_away(), connection.take_begun(), connection.peer, self._came_back)

    def _came_back(self) -> None:
        with self._lock:
            self._away -= 1
        self._accept_again()

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection.fd, None)
        self._accept_again()

    def _accept_again(self) -> None:
        with self._lock:
            if not self._accepting and not self._threads.ended:
                self._accepting = True
                self._epoll.modify(self._listening, select.EPOLLIN)
