"""How many connections an endpoint's process can have open: its limit is raised, and what is left of it is kept for moves.

A client needs two descriptors, and one more while it moves. The kernel gives out the lowest number that is free, so that
the number of a new one tells how many there are.
"""

import resource
from contextlib import suppress
from pathlib import Path

_WANTED = 1 << 20
# Kept for connections to databases while clients are moved or looked up, for whoever gives orders, and the other half for
# clients that are only told that there is no room.
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


def most_clients() -> int:
    """Return for how many clients there is room, each with its connection to a database."""
    return (_limit() - _KEPT) // 2


def scarce(descriptor: int) -> bool:
    """Tell by a new connection's number whether what is left has to be kept for clients that are here already."""
    return descriptor >= _limit() - _KEPT


def used_up(descriptor: int) -> bool:
    """Tell by a new connection's number whether no other client can be taken, not even to be told so."""
    return descriptor >= _limit() - _KEPT // 2


def _limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
