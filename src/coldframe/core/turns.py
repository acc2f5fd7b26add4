"""Whose turn it is to write: a lock that is given in the order in which it was asked for."""

import threading
from collections import deque

from coldframe.core.database import StoreBusy


class Turns:
    """A fair lock; `take` waits `timeout` seconds at most."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._holder: str | None = None

    def take(self) -> None:
        """Wait for the turn; raises StoreBusy naming the thread that has it."""
        name = threading.current_thread().name
        with self._guard:
            if self._holder is None:
                self._holder = name
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        if not gate.acquire(timeout=self._timeout):
            with self._guard:
                if gate in self._waiting:
                    self._waiting.remove(gate)
                    raise StoreBusy(
                        f"no write for {self._timeout:g} s: thread {self._holder} has held the turn"
                    )
        self._holder = name

    def give(self) -> None:
        """End the turn; the one who has waited longest is next."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._holder = None
