"""Threads that run blocking functions for an asyncio loop, with a cheap way there and back."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Work = tuple[asyncio.Future[Any], Callable[..., Any], Any]
_Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]


class HandlerThreads:
    """Up to `most` threads, started when work is waiting; results come back to the loop in batches.

    A finished call wakes the loop only when no wake-up is under way already: under load one wake-up brings many
    results, where an executor of the standard library pays one for each.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, most: int, name: str) -> None:
        self._loop = loop
        self._most = most
        self._name = name
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._outcomes: deque[_Outcome] = deque()
        self._waking = False
        self._threads: list[threading.Thread] = []
        self._under_way = 0

    def run(self, function: Callable[[Any], Any], argument: Any) -> asyncio.Future[Any]:
        """Have a thread call `function(argument)`; the future has what it returns or raises. Loop thread only."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._under_way += 1
        self._work.put((future, function, argument))
        if self._under_way > len(self._threads) < self._most:
            self._start_thread()
        return future

    def close(self) -> None:
        """Let every thread end after what it is running; a thread that never returns does not hold up the process."""
        for _ in self._threads:
            self._work.put(None)
        self._threads.clear()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            self._call(work)
            del work  # a request's body must not live on while the thread waits for the next one

    def _call(self, work: _Work) -> None:
        future, function, argument = work
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
            self._under_way -= 1
            if future.cancelled():
                continue
            if error is None:
                future.set_result(result)
            elif isinstance(error, StopIteration):
                future.set_exception(RuntimeError("a handler raised StopIteration"))
            else:
                future.set_exception(error)
