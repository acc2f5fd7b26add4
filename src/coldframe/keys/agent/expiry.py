"""Taking keys out of their keyring when their time is over: the kernel refuses them at once, but keeps them for minutes."""

import heapq
import logging
import threading
import time
from typing import Final

from coldframe.engines.keyring import KeyringError, KeyService

LOG: Final = logging.getLogger("coldframe.keys.agent")


class Expiry:
    """Unlinks keys from a keyring (a serial), in a thread that starts with the first of them."""

    def __init__(self, service: KeyService, ring: int) -> None:
        self._service = service
        self._ring = ring
        # When, on the monotonic clock, and which serial: the earliest first.
        self._due: list[tuple[float, int]] = []
        self._changed = threading.Condition()
        self._running = False

    def after(self, seconds: int, serial: int) -> None:
        """Destroy a key that the kernel has been told to let expire after as many seconds."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, serial))
            self._changed.notify()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="agent-expiry", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._unlink(self._next())

    def _next(self) -> int:
        """Wait for the earliest key, and return its serial."""
        with self._changed:
            while True:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._due)[1]
                self._changed.wait(left)

    def _unlink(self, serial: int) -> None:
        try:
            self._service.unlink(serial, self._ring)
        except KeyringError as problem:
            LOG.debug("a key whose time is over was gone already: %s", problem)
