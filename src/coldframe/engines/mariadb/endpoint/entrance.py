"""Which of an endpoint's databases greets a new client, and when."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from coldframe.engines.endpoint_databases import Databases
from coldframe.engines.mariadb import wire
from coldframe.engines.mariadb.endpoint import server
from coldframe.engines.mariadb.endpoint.channel import Channel, Closed

# How long a database may take to greet while others are there to be asked instead, and when there is no other.
_GREETS, _GREETS_AT_LAST = 3.0, 30.0


class Unavailable(Exception):
    """There is no database to sign in at."""


class Entrance:
    """The databases of one endpoint; new clients wait while it holds, until that takes too long."""

    def __init__(self, targets: Sequence[Path]) -> None:
        self.databases = Databases(targets, server.answers)
        self.holding = not targets
        self.expired = False
        self.refused = 0
        self._opened = asyncio.Event()
        if targets:
            self._opened.set()

    async def reach(self, patience: float) -> tuple[Path, Channel, wire.Greeting]:
        """Wait until there is a database to sign in at, and connect to the next that answers; raises Unavailable, Refused.

        The connection is counted there until `databases.leave` is called, or a session that has it ends.
        """
        if self.expired:
            raise Unavailable
        try:
            await asyncio.wait_for(self._opened.wait(), patience)
        except TimeoutError:
            raise Unavailable from None
        tried: set[Path] = set()
        while (path := self.databases.take(tried)) is not None:
            limit = _GREETS if self.databases.spare(path, tried) else _GREETS_AT_LAST
            try:
                channel, greeting = await asyncio.wait_for(server.connect(path), limit)
            except (OSError, Closed, TimeoutError):
                self.databases.leave(path)
                self.databases.missed(path)
                tried.add(path)
            except BaseException:
                self.databases.leave(path)
                raise
            else:
                return path, channel, greeting
        raise Unavailable
