"""Holding jobs between two of their steps, from another process: whoever copies what steps change does it meanwhile.

A job that is held looks as if the server had been killed after its last step, which every job bears.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

# Seconds that a held job sleeps before it looks again.
LOOK = 0.05


class Gate:
    """The gate that steps of some jobs pass: two files in `folder`, locked by the system, so that no lock outlives its holder.

    Who holds takes the first file, at which new steps wait, and then the second, which the steps under way share.
    """

    def __init__(self, folder: Path) -> None:
        self._turn, self._steps = folder / "jobs.turn", folder / "jobs.steps"

    @contextlib.contextmanager
    def step(self, pause: Callable[[float], object]) -> Iterator[None]:
        """Hold the gate open for one step; where it is closed, `pause` is called with some seconds until it is open."""
        with _opened(self._turn) as turn, _opened(self._steps) as steps:
            while not _locked(turn, fcntl.LOCK_SH):
                pause(LOOK)
            # Taken while nobody waits for it in vain: whoever closes the gate has the turn first.
            while not _locked(steps, fcntl.LOCK_SH):
                pause(LOOK)
            fcntl.flock(turn, fcntl.LOCK_UN)
            yield

    @contextlib.contextmanager
    def closed(self, wait: Callable[[float], object], patience: float) -> Iterator[bool]:
        """Close the gate, and tell whether no step is under way; when one takes longer than `patience` seconds it opens again."""
        with _opened(self._turn) as turn, _opened(self._steps) as steps:
            left = patience
            while not (_locked(turn, fcntl.LOCK_EX) and _locked(steps, fcntl.LOCK_EX)):
                if left <= 0:
                    fcntl.flock(turn, fcntl.LOCK_UN)
                    yield False
                    return
                wait(LOOK)
                left -= LOOK
            yield True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
