"""How clients come in: who they are, when there is a database for them, at which of several they are let in."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from coldframe.engines.endpoint_databases import Databases
from coldframe.engines.endpoint_descriptors import most_clients
from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint import login
from coldframe.engines.postgresql.endpoint.backend import Lookups, Opened, answers, enter
from coldframe.engines.postgresql.endpoint.login import Asked, Cancel, Doors, Turned
from coldframe.engines.postgresql.endpoint.side import Closed, Refused, Side

# A client has this long to say who it is (authentication_timeout).
_SIGN_IN_SECONDS = 60.0
# Less when it can only be sent away, which it understands once it has said something.
_CROWDED_SECONDS = 5.0
_TOO_MANY = wire.error("FATAL", "53300", "sorry, too many clients already")
LATE = wire.error("FATAL", "57P03", "the database did not come back within the time that was set for it")
_AWAY = wire.error("FATAL", "57P03", "the database system is starting up")
# What a database says that shuts down, has crashed, or is not up yet.
_NOT_UP = frozenset(("57P01", "57P02", "57P03"))
# How long a database may take to answer while others are there to be asked instead, and when there is no other.
_ANSWERS, _ANSWERS_AT_LAST = 3.0, 30.0
_Found = TypeVar("_Found")


class Entrance:
    """Lets clients of one endpoint in; what they are then is for who inherits."""

    def __init__(self, doors: Doors, targets: Sequence[Path]) -> None:
        # One without a database lets clients wait until it is told of one.
        self.holding = not targets
        self.databases = Databases(targets, answers)
        self._doors = doors
        self._lookups = Lookups()
        self._late = False
        self._open = asyncio.Event()
        if targets:
            self._open.set()
        # Sessions that the database is letting in; a hold waits for them, as they are its sessions already.
        self._opening: set[asyncio.Future[None]] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._refused = 0
        # Clients that are not let in yet, and for whom there is room.
        self._coming = 0

    def _begin(self, client: Side, asked: Asked, key: bytes | None, target: Path, opened: Opened) -> None:
        """Begin the session of a client that is in."""
        raise NotImplementedError

    def _present(self) -> int:
        """Return how many sessions there are."""
        raise NotImplementedError

    async def _cancel(self, key: bytes) -> None:
        """End what another session does."""
        raise NotImplementedError

    def accept(self, client: Side) -> None:
        """Take a new connection."""
        # What TLS begins with has to be left in the socket.
        client.hold(on=True)
        task = asyncio.get_running_loop().create_task(self._arrive(client))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _arrive(self, client: Side) -> None:
        crowded = self._coming + self._present() >= most_clients()
        self._coming += not crowded
        try:
            patience = _CROWDED_SECONDS if crowded else _SIGN_IN_SECONDS
            asked = await asyncio.wait_for(login.ask(client, self._doors), patience)
            if isinstance(asked, Cancel):
                await self._cancel(asked.key)
                client.close()
                return
            await self._let_in(client, asked, crowded=crowded)
        except Turned as problem:
            self._turn_away(client, problem.word)
        except Refused as problem:
            self._turn_away(client, wire.message(b"E", problem.body))
        except (TimeoutError, Closed, ssl.SSLError, UnicodeDecodeError):
            client.close()
        except OSError:
            self._turn_away(client, _AWAY)
        finally:
            self._coming -= not crowded

    async def _let_in(self, client: Side, asked: Asked, *, crowded: bool) -> None:
        if crowded:
            raise Turned(_TOO_MANY)
        await self._opened()
        known, target = await self._somewhere(
            lambda target: self._lookups.ask(target, asked.parameters["user"])
        )
        self.databases.leave(target)
        key = await asyncio.wait_for(
            login.prove(client, asked.parameters["user"], known, self._doors), _SIGN_IN_SECONDS
        )
        opened, target = await self._enter(asked, key)
        login.admit(client, opened)
        self._begin(client, asked, key, target, opened)

    async def _enter(self, asked: Asked, key: bytes | None) -> tuple[Opened, Path]:
        """Open a client's session where everybody is, wherever that is by then."""
        while True:
            await self._opened()
            opening = asyncio.get_running_loop().create_future()
            self._opening.add(opening)
            try:
                opened, target = await self._somewhere(lambda target: enter(target, asked.parameters, key))
            finally:
                self._opening.discard(opening)
                opening.set_result(None)
            if not self.holding and target in self.databases.listed:
                return opened, target
            self.databases.leave(target)
            opened.side.close()

    async def _somewhere(self, ask: Callable[[Path], Awaitable[_Found]]) -> tuple[_Found, Path]:
        """Ask the database whose turn it is, or the next that answers, and count a connection there until it is left.

        Raises Refused when it says no, and OSError when none answers.
        """
        tried: set[Path] = set()
        problem: Exception | None = None
        while (target := self.databases.take(tried)) is not None:
            limit = _ANSWERS if self.databases.spare(target, tried) else _ANSWERS_AT_LAST
            try:
                return await asyncio.wait_for(ask(target), limit), target
            except (OSError, Closed, TimeoutError, Refused) as why:
                self.databases.leave(target)
                if isinstance(why, Refused) and wire.fields(why.body).get("C") not in _NOT_UP:
                    raise
                problem = why
                self.databases.missed(target)
                tried.add(target)
            except BaseException:
                self.databases.leave(target)
                raise
        if isinstance(problem, Refused):
            raise problem
        raise ConnectionError("no database answers") from problem

    async def _opened(self) -> None:
        """Return once clients may come in."""
        while self.holding or not self.databases.listed:
            if self._late:
                raise Turned(LATE)
            await self._open.wait()

    def _turn_away(self, client: Side, word: bytes) -> None:
        self._refused += 1
        client.send(word)
        client.end()
