"""Threads that run blocking functions for an asyncio loop, with a cheap way there and back."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_LOG = logging.getLogger(__name__)
_Work = tuple[asyncio.Future[Any] | None, Callable[..., Any], Any]
_Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]


class HandlerThreads:
    """Up to `most` threads, started when work is waiting; results come back to the loop in batches.

    Work goes to the thread that fell idle last, whose memory is still in the processor's cache; under little load the
    same one or two threads do it all.

    A finished call wakes the loop only when no wake-up is under way already: under load one wake-up brings many
    results, where an executor of the standard library pays one for each.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, most: int, name: str) -> None:
        self._loop = loop
        self._most = most
        self._name = name
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Work | None]] = []
        self._waiting: deque[_Work] = deque()
        self._outcomes: deque[_Outcome] = deque()
        self._waking = False
        self._inboxes: list[SimpleQueue[_Work | None]] = []

    def run(self, function: Callable[[Any], Any], argument: Any) -> asyncio.Future[Any]:
        """Have a thread call `function(argument)`; the future has what it returns or raises. Loop thread only."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._give((future, function, argument))
        return future

    def post(self, function: Callable[[Any], None], argument: Any) -> None:
        """Have a thread call `function(argument)`, whose end nobody waits for; what it raises is logged. Any thread."""
        self._give((None, function, argument))

    def _give(self, work: _Work) -> None:
        with self._lock:
            if self._idle:
                inbox = self._idle.pop()
            elif len(self._inboxes) < self._most:
                inbox = self._start_thread()
            else:
                self._waiting.append(work)
                return
        inbox.put(work)

    def close(self) -> None:
        """Let every thread end after what it is running; a thread that never returns does not hold up the process."""
        for inbox in self._inboxes:
            inbox.put(None)
        self._inboxes.clear()

    def _start_thread(self) -> SimpleQueue[_Work | None]:
        inbox: SimpleQueue[_Work | None] = SimpleQueue()
        name = f"{self._name}-{len(self._inboxes)}"
        self._inboxes.append(inbox)
        threading.Thread(target=self._serve, args=(inbox,), name=name, daemon=True).start()
        return inbox

    def _serve(self, inbox: SimpleQueue[_Work | None]) -> None:
        while (work := inbox.get()) is not None:
            # Held by no other name: a request's body must not live on while the thread waits for the next one.
            while work is not None:
                self._call(work)
                work = self._next(inbox)

    def _next(self, inbox: SimpleQueue[_Work | None]) -> _Work | None:
        """Give the work that has waited longest; without any, the thread is idle from now on."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(inbox)
            return None

    def _call(self, work: _Work) -> None:
        future, function, argument = work
        if future is None:
            try:
                function(argument)
            except Exception:  # noqa: BLE001 - logged with its traceback
                _LOG.exception("Work that nobody waits for failed")
            return
        try:
            outcome: _Outcome = (future, function(argument), None)
        except BaseException as error:  # noqa: BLE001 - raised again where the future is awaited
            outcome = (future, None, error)
        self._outcomes.append(outcome)
        if not self._waking:
            self._waking = True
            self._wake_loop()

    def _wake_loop(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            # The loop has been closed: the process is ending and nobody waits for this outcome any more.
            self._outcomes.clear()

    def _deliver(self) -> None:
        # Lowered before the outcomes are read: one appended from now on either is read below or wakes again.
        self._waking = False
        while self._outcomes:
            future, result, error = self._outcomes.popleft()
            if future.cancelled():
                continue
            if error is None:
                future.set_result(result)
            elif isinstance(error, StopIteration):
                future.set_exception(RuntimeError("a handler raised StopIteration"))
            else:
                future.set_exception(error)
