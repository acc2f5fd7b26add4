"""How many connections an endpoint's process can have open: its limit is raised, and what is left of it is kept for moves.

A client needs two descriptors, and one more while it moves. The kernel gives out the lowest number that is free, so that
the number of a new one tells how many there are.
"""

import resource
from contextlib import suppress
from pathlib import Path

_WANTED = 1 << 20
# Kept for connections to databases while clients are moved or looked up, and for whoever gives orders.
_KEPT = 128


def raise_limit() -> None:
    """Allow this process as many descriptors as the system lets it have; before it gives up its rights."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(_WANTED, int(Path("/proc/sys/fs/nr_open").read_text(encoding="ascii")))
    if hard < most:
        # Only for who may raise it; others have what they were given.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            return
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def scarce(descriptor: int) -> bool:
    """Tell by a new connection's number whether what is left has to be kept for clients that are here already."""
    return descriptor >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _KEPT
