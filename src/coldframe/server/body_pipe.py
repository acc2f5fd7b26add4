"""A request's body on its way from the event loop to the thread that handles it, in constant memory."""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from coldframe.core.faults import ServiceFault

Receive = Callable[[], Awaitable[dict[str, Any]]]

# How many bytes may wait for the thread; reading the connection pauses above.
_MOST_WAITING: Final = 4 * 1024 * 1024
# How many bytes are worth waking the thread for: a wake-up costs as much as reading some hundred kilobytes.
_WORTH_WAKING: Final = 1024 * 1024


class BodyPipe:
    """One body: the loop feeds it, a thread iterates over it.

    Nothing is received before the thread asks for the first bytes: a client that waits for "100 Continue" is refused
    before it has sent anything.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wanted = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._asked = False
        self._unwanted = False
        self._failure: ServiceFault | None = None
        self.ended = False

    @property
    def asked(self) -> bool:
        """Whether anybody wanted the body."""
        return self._asked

    async def feed(self, receive: Receive, touched: Callable[[bool], None]) -> None:
        """Receive the body until its end; `touched` learns when waiting for the client begins and ends.

        A body that breaks off raises in the thread, never here.
        """
        try:
            await self._wanted.wait()
            while not self.ended:
                await self._room.wait()
                touched(True)
                message = await receive()
                touched(False)
                if message["type"] != "http.request":
                    self._fail(incomplete())
                    return
                self._put(message["body"], last=not message["more_body"])
        except asyncio.CancelledError:
            self._fail(stalled())
            raise
        finally:
            touched(False)

    def chunks(self) -> Iterator[bytes]:
        """Give the body, chunk by chunk; to be called in the thread. Raises ServiceFault IncompleteBody and RequestTimeout."""
        if not self._asked:
            self._asked = True
            self._loop.call_soon_threadsafe(self._wanted.set)
        while True:
            with self._changed:
                while not self._worth_waking():
                    self._changed.wait()
                taken, self._waiting, self._bytes = self._waiting, deque(), 0
                ended, failure = self.ended, self._failure
            if not self._room.is_set() and not ended:
                self._loop.call_soon_threadsafe(self._room.set)
            yield from taken
            if failure is not None:
                raise failure
            if ended:
                return

    def drop(self) -> None:
        """Take in the rest of the body and forget it; loop thread only."""
        with self._changed:
            self._unwanted = True
            self._waiting.clear()
        self._wanted.set()
        self._room.set()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        with self._changed:
            if not self._unwanted:
                self._waiting.append(chunk)
                self._bytes += len(chunk)
                if self._bytes >= _MOST_WAITING:
                    self._room.clear()
            self.ended = last
            if self._worth_waking():
                self._changed.notify()

    def _worth_waking(self) -> bool:
        return self._bytes >= _WORTH_WAKING or self.ended or self._failure is not None

    def _fail(self, fault: ServiceFault) -> None:
        with self._changed:
            if not self.ended and self._failure is None:
                self._failure = fault
            self._changed.notify()


def incomplete() -> ServiceFault:
    """Return the fault of a body that broke off."""
    text = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return ServiceFault("IncompleteBody", text, status=400)


def stalled() -> ServiceFault:
    """Return the fault of a body that stopped arriving."""
    text = (
        "Your socket connection to the server was not read from or written to within the timeout period."
        " Idle connections will be closed."
    )
    return ServiceFault("RequestTimeout", text, status=400)
