"""The gate of an endpoint: lets clients in, holds them all at a boundary, and releases them to a database."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from coldframe.engines.endpoint_databases import Databases
from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint import login
from coldframe.engines.postgresql.endpoint.backend import Lookups, Opened, answers, enter
from coldframe.engines.postgresql.endpoint.login import Asked, Cancel, Doors, Turned
from coldframe.engines.postgresql.endpoint.session import ENDED, LATE, Session
from coldframe.engines.postgresql.endpoint.side import Closed, Refused, Side, connect
from coldframe.engines.postgresql.endpoint.state import Pinned

# A client has this long to say who it is (authentication_timeout).
_SIGN_IN_SECONDS = 60.0
# A database forks a process for each session: so many are opened at once.
_AT_ONCE = 16
_AWAY = wire.error("FATAL", "57P03", "the database system is starting up")
# What a database says that shuts down, has crashed, or is not up yet.
_NOT_UP = frozenset(("57P01", "57P02", "57P03"))
# How long a database may take to answer while others are there to be asked instead, and when there is no other.
_ANSWERS, _ANSWERS_AT_LAST = 3.0, 30.0
_Found = TypeVar("_Found")


class Gate:
    """All sessions of one endpoint, and the database that they are at."""

    def __init__(self, doors: Doors, targets: Sequence[Path]) -> None:
        # One without a database lets clients wait until it is told of one.
        self.holding = not targets
        self.databases = Databases(targets, answers)
        self._doors = doors
        self._lookups = Lookups()
        self._sessions: dict[bytes, Session] = {}
        self._late = False
        self._timer: asyncio.TimerHandle | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._open = asyncio.Event()
        if targets:
            self._open.set()
        # Sessions that the database is letting in; a hold waits for them, as they are its sessions already.
        self._opening: set[asyncio.Future[None]] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._moved = self._cut = self._refused = self._received = self._sent = 0

    # Clients

    def accept(self, client: Side) -> None:
        """Take a new connection."""
        task = asyncio.get_running_loop().create_task(self._arrive(client))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _arrive(self, client: Side) -> None:
        try:
            asked = await asyncio.wait_for(login.ask(client, self._doors), _SIGN_IN_SECONDS)
            if isinstance(asked, Cancel):
                await self._cancel(asked.key)
                client.close()
                return
            await self._let_in(client, asked)
        except Turned as problem:
            self._turn_away(client, problem.word)
        except Refused as problem:
            self._turn_away(client, wire.message(b"E", problem.body))
        except (TimeoutError, Closed, ssl.SSLError, UnicodeDecodeError):
            client.close()
        except OSError:
            self._turn_away(client, _AWAY)

    async def _let_in(self, client: Side, asked: Asked) -> None:
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
        session = Session(self, client, asked.parameters, key, target, opened)
        self._sessions[opened.key] = session
        session.begin()

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
        client.close()

    async def _cancel(self, key: bytes) -> None:
        session = self._sessions.get(key)
        # One that is held has nothing under way; who asks is never told whether there was such a key.
        if session is None or self.holding:
            return
        await self._stop(session)

    async def _stop(self, session: Session) -> None:
        """Ask the database to end what a session has under way, and return when it has taken note."""
        try:
            side = await connect(session.target)
        except OSError:
            # A database that is gone has nothing under way.
            return
        side.send(wire.cancel(session.server_key))
        with contextlib.suppress(Closed):
            await side.message()
        side.close()

    # What sessions tell

    def counted(self, *, received: int = 0, sent: int = 0) -> None:
        """Count bytes."""
        self._received += received
        self._sent += sent

    def waits(self, session: Session) -> None:
        """Take note that a held client wants to go on: one that comes too late for it is told at once."""
        if self._late:
            session.end(LATE)

    def gone(self, session: Session) -> None:
        """Take note that a session ended."""
        self._sessions.pop(session.client_key, None)
        self.databases.leave(session.target)

    # What the server tells

    def status(self) -> dict[str, Any]:
        """Return the fields of EndpointStatus but for the process id."""
        return {
            "target": str(self.databases.first) if self.databases.first else None,
            "databases": self.databases.status(),
            "holding": self.holding,
            "sessions": len(self._sessions),
            "moved": self._moved,
            "cut": self._cut,
            "refused": self._refused,
            "bytes_in": self._received,
            "bytes_out": self._sent,
        }

    async def hold(self, drain: float, deadline: float) -> tuple[int, int]:
        """Hold every client at a boundary; those that are at none within `drain` seconds, or cannot be moved, are cut."""
        if not self.holding:
            self.holding, self._late = True, False
            self._open.clear()
        self._arm(deadline)
        before = self._cut
        end = asyncio.get_running_loop().time() + drain
        if self._opening:
            await asyncio.wait(set(self._opening), timeout=drain)
        await asyncio.gather(*(self._hold(session, end) for session in list(self._sessions.values())))
        return len(self._sessions), self._cut - before

    async def _hold(self, session: Session, end: float | None) -> None:
        try:
            async with asyncio.timeout_at(end):
                await session.parked()
            if not session.over:
                await session.learn()
        except (TimeoutError, Pinned, Refused, Closed):
            busy = session.busy
            self._end(session, ENDED)
            if busy:
                # A database goes on with a statement whose client is gone, unless it is told not to.
                await self._stop(session)

    async def prepare(self, target: Path) -> None:
        """Sign every client in at a database to which they will probably be sent; nothing changes for them."""
        sessions = list(self._sessions.values())
        for at in range(0, len(sessions), _AT_ONCE):
            await asyncio.gather(*(each.sign_in_ahead(target) for each in sessions[at : at + _AT_ONCE]))

    async def release(self, target: Path) -> None:
        """Send everybody to a database, those first who wait."""
        if not self.holding:
            if (target,) == self.databases.listed:
                return
            await self.hold(1.0, 60.0)
        await self._let_go([target])

    async def spread(self, targets: Sequence[Path], end_within: float | None) -> None:
        """Send new connections to these databases, in turn, and those who are held."""
        if not targets:
            # New clients wait for one; those who are at others go on there.
            self._open.clear()
            self.databases.change(())
        elif self.holding:
            await self._let_go(targets)
        else:
            self.databases.change(targets)
            self._open.set()
        self._lookups.keep(targets)
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if end_within is not None:
            self._leaving = asyncio.get_running_loop().call_later(end_within, self._end_left)

    async def fail_over(self, deadline: float) -> int:
        """End every session and let new clients wait for a release; returns how many there were."""
        self.holding, self._late = True, False
        self._open.clear()
        self._arm(deadline)
        self.databases.change(())
        self._lookups.keep(())
        return await self.cut()

    async def _let_go(self, targets: Sequence[Path]) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.databases.change(targets)
        sessions = sorted(self._sessions.values(), key=lambda session: not session.wanting)
        self.holding = self._late = False
        self._open.set()
        await asyncio.gather(*(self._send_on(session) for session in sessions))
        self._lookups.keep(targets)

    async def _send_on(self, session: Session) -> None:
        try:
            if session.lost or session.target not in self.databases.listed:
                target = self.databases.take()
                if target is None:
                    self._end(session, ENDED)
                    return
                # It counts at the one where it will be from now on.
                self.databases.leave(session.target)
                session.target = target
                await session.move(target)
                self._moved += 1
            session.forget_ahead()
            if not session.over:
                session.go_on()
        except (Pinned, Refused, Closed, OSError, TimeoutError):
            self._end(session, ENDED)

    def _end_left(self) -> None:
        """End the sessions at databases that are listed no more."""
        for session in list(self._sessions.values()):
            if session.target not in self.databases.listed:
                self._end(session, ENDED)

    def _arm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(deadline, self._give_up)

    async def cut(self) -> int:
        """End every session; returns how many there were."""
        sessions = list(self._sessions.values())
        for session in sessions:
            self._end(session, ENDED)
        return len(sessions)

    def _end(self, session: Session, word: bytes) -> None:
        if not session.over:
            self._cut += 1
            session.end(word)

    def _give_up(self) -> None:
        """Nobody released the clients in time: those that wait get an error. Which database is right is not ours to say."""
        self._late = True
        for session in list(self._sessions.values()):
            if session.wanting:
                self._end(session, LATE)
        self._open.set()
        self._open.clear()
