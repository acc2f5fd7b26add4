"""A timer of the kernel that also counts the time in which the machine was suspended: timerfd with CLOCK_BOOTTIME."""

import ctypes
import os
import time
from typing import Final

_ABSOLUTE: Final = 1
_CLOSED_ON_EXEC: Final = 0o2000000


class _Setting(ctypes.Structure):
    """struct itimerspec: how often, and when; seconds and nanoseconds each."""

    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


class BootTimer:
    """Waits for one moment at a time; a moment that is earlier than the last one that was set takes its place at once."""

    def __init__(self) -> None:
        """Raise OSError where the kernel has no such timer."""
        self._library = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._library.timerfd_create(time.CLOCK_BOOTTIME, _CLOSED_ON_EXEC)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")

    def now(self) -> float:
        """Return seconds since the machine booted, asleep or awake."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def set(self, moment: float) -> None:
        """Let `wait` return at a moment, or at once when it is over."""
        whole, nanoseconds = divmod(int(moment * 1e9), 1_000_000_000)
        # A setting of nothing but zeros would stop the timer.
        setting = _Setting(0, 0, whole, max(nanoseconds, 1))
        if self._library.timerfd_settime(self.descriptor, _ABSOLUTE, ctypes.byref(setting), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def wait(self) -> None:
        """Wait for the moment that is set, or will be by another thread."""
        os.read(self.descriptor, 8)

    def close(self) -> None:
        """Give the timer back."""
        os.close(self.descriptor)
