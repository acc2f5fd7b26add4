"""Taking keys out of their keyring when their time is over: the kernel refuses them at once, but keeps them for minutes.

The clock is CLOCK_BOOTTIME: hours in which a laptop slept count, for the kernel's refusal as well as here.
"""

import heapq
import logging
import threading
from typing import Final

from coldframe.engines.keyring import KeyringError, KeyService
from coldframe.keys.agent.boot_timer import BootTimer

LOG: Final = logging.getLogger("coldframe.keys.agent")


class Expiry:
    """Unlinks keys from a keyring (a serial), in a thread that starts with the first of them."""

    def __init__(self, service: KeyService, ring: int) -> None:
        self._service = service
        self._ring = ring
        # When, in seconds since the machine booted, and which serial: the earliest first.
        self._due: list[tuple[float, int]] = []
        self._lock = threading.Lock()
        self._timer: BootTimer | None = None

    def after(self, seconds: int, serial: int) -> None:
        """Destroy a key that the kernel has been told to let expire after as many seconds."""
        with self._lock:
            if self._timer is None:
                self._timer = BootTimer()
                threading.Thread(
                    target=self._run, args=(self._timer,), name="agent-expiry", daemon=True
                ).start()
            heapq.heappush(self._due, (self._timer.now() + seconds, serial))
            self._timer.set(self._due[0][0])

    def _run(self, timer: BootTimer) -> None:
        while True:
            timer.wait()
            for serial in self._over(timer):
                self._unlink(serial)

    def _over(self, timer: BootTimer) -> list[int]:
        """Return the serials whose time is over, and wait for the next one from here on."""
        over = []
        with self._lock:
            while self._due and self._due[0][0] <= timer.now():
                over.append(heapq.heappop(self._due)[1])
            if self._due:
                timer.set(self._due[0][0])
        return over

    def _unlink(self, serial: int) -> None:
        try:
            self._service.unlink(serial, self._ring)
        except KeyringError as problem:
            LOG.debug("a key whose time is over was gone already: %s", problem)
