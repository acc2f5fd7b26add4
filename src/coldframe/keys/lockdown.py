"""Closing a process against those who read other processes' memory: no core, no ptrace, no swap."""

import ctypes
import errno
import os
import resource
from pathlib import Path

_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE = 1, 2


def lock_down() -> list[str]:
    """Make this process undumpable and keep its memory out of the swap; returns what could not be had, in words."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the process cannot be made undumpable: {os.strerror(number)}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    # Under a limit, memory that is asked for later would be refused instead of locked, and the program would fail.
    if hard == resource.RLIM_INFINITY or os.geteuid() == 0:
        if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) == 0:
            return []
        number = ctypes.get_errno()
        if number not in {errno.ENOMEM, errno.EPERM, errno.EAGAIN}:
            raise OSError(number, f"the memory cannot be locked: {os.strerror(number)}")
    if not swaps():
        return []  # what is never swapped need not be locked
    return [
        "memory could not be locked and this machine swaps: raise the limit (ulimit -l unlimited), or encrypt the swap"
    ]


def swaps() -> bool:
    """Tell whether this machine moves memory to a disk; a machine that does not say might."""
    try:
        return len(Path("/proc/swaps").read_text(encoding="utf-8").splitlines()) > 1
    except OSError:
        return True
