"""The writes that make a blob durable, one method each, so that a test can refuse one or stop at one."""

import ctypes
import errno
import os
from functools import cache
from pathlib import Path
from typing import Any

from coldframe.core.durable import sync_folder

# File systems that cannot set blocks aside. posix_fallocate would write zeros there, which costs what it should save.
_CANNOT = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


class Disk:
    """The real disk."""

    def reached(self, point: str) -> None:
        """Learn that the step named `point` is done; the real disk has no use for it."""

    def create(self, path: Path) -> int:
        """Make a file that was not there, readable by its owner alone, and return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def reserve(self, descriptor: int, size: int) -> None:
        """Set so many bytes aside for the file, where the file system can: a full disk is met before the bytes come."""
        if _fallocate()(descriptor, 0, ctypes.c_longlong(0), ctypes.c_longlong(size)):
            number = ctypes.get_errno()
            if number not in _CANNOT:
                raise OSError(number, os.strerror(number))

    def write(self, descriptor: int, data: bytes | memoryview) -> None:
        """Write all of data at the descriptor's offset."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        """Make the file's bytes durable."""
        os.fsync(descriptor)

    def sync_so_far(self, descriptor: int) -> None:
        """Have the disk take what is written so far, while more is being written."""
        os.fdatasync(descriptor)

    def sync_directory(self, directory: Path) -> None:
        """Make created, renamed and removed names of the directory durable."""
        sync_folder(directory)


@cache
def _fallocate() -> Any:
    return ctypes.CDLL(None, use_errno=True).fallocate64
