"""One store, one process: an exclusive lock on the directory that ends with the process."""

import fcntl
import os
from pathlib import Path

from coldframe.engines.logstore.errors import StoreLocked


def lock(directory: Path) -> int:
    """Return the descriptor that holds the lock until it is closed; raises StoreLocked when another one has it."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreLocked(f"{directory} is open already, here or in another process") from error
    return descriptor
