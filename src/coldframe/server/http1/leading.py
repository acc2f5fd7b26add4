"""Threads that take turns at leading: the one that leads finds work, has another lead after it, and does the work."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

W = TypeVar("W")


class Ended(Exception):
    """Raised where a thread looks for work after the threads were told to end."""


class LeadingThreads(Generic[W]):
    """One thread that leads, and up to `most` that work.

    The lead goes to the thread that fell idle last, whose memory is still in the processor's cache. When `most` are at
    work, further work waits for one of them, and the lead goes on leading.
    """

    def __init__(self, lead: Callable[[], W], work: Callable[[W], None], *, most: int, name: str) -> None:
        """`lead` finds work, and calls `hand_over` with it before it returns it; both must not raise but for Ended."""
        self._find = lead
        self._do = work
        self._most = most + 1
        self._name = name
        self._lock = threading.Lock()
        self._idle: list[threading.Lock] = []
        self._waiting: deque[W] = deque()
        self.count = 0
        self._working = 0
        self.ended = False

    def start(self) -> None:
        """Have a first thread lead."""
        with self._lock:
            self._start_thread()

    def hand_over(self, work: W) -> bool:
        """Have another thread lead, so that this one may do the work; False when the work waits for a thread."""
        with self._lock:
            if self._idle:
                self._idle.pop().release()
            elif self.count < self._most:
                self._start_thread()
            else:
                self._waiting.append(work)
                return False
            self._working += 1
        return True

    async def end(self, seconds: float) -> None:
        """Let the threads end, and wait so long for those that are not at work; `lead` has to be woken beforehand."""
        with self._lock:
            self.ended = True
            for turn in self._idle:
                turn.release()
            self._idle.clear()
        late = monotonic() + seconds
        while self.count > self._working and monotonic() < late:
            await asyncio.sleep(0.002)

    def _start_thread(self) -> None:
        threading.Thread(target=self._run, name=f"{self._name}-{self.count + 1}", daemon=True).start()
        self.count += 1

    def _run(self) -> None:
        turn = threading.Lock()
        turn.acquire()
        try:
            while not self.ended:
                work: W | None = self._find()
                while work is not None:
                    self._do(work)
                    # Held by no other name: a request's body must not live on while the thread waits for its turn.
                    work = self._next(turn)
                turn.acquire()
        except Ended:
            pass
        finally:
            with self._lock:
                self.count -= 1

    def _next(self, turn: threading.Lock) -> W | None:
        """Give the work that has waited longest; without any, this thread waits for its turn to lead."""
        with self._lock:
            if self._waiting and not self.ended:
                return self._waiting.popleft()
            self._working -= 1
            if self.ended:
                raise Ended
            self._idle.append(turn)
            return None
