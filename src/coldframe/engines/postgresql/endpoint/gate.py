"""The gate of an endpoint: lets clients in, holds them all at a boundary, and releases them to a database."""

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Any

from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint import login
from coldframe.engines.postgresql.endpoint.backend import Lookups
from coldframe.engines.postgresql.endpoint.login import Asked, Cancel, Doors, Turned
from coldframe.engines.postgresql.endpoint.session import ENDED, LATE, Session
from coldframe.engines.postgresql.endpoint.side import Closed, Refused, Side, connect
from coldframe.engines.postgresql.endpoint.state import Pinned

# A client has this long to say who it is (authentication_timeout).
_SIGN_IN_SECONDS = 60.0
# A database forks a process for each session: so many are opened at once.
_AT_ONCE = 16
_AWAY = wire.error("FATAL", "57P03", "the database system is starting up")


class Gate:
    """All sessions of one endpoint, and the database that they are at."""

    def __init__(self, doors: Doors, target: Path | None) -> None:
        # One without a database lets clients wait until it is told of one.
        self.holding = target is None
        self._doors = doors
        self._target = target
        self._lookups = Lookups()
        self._sessions: dict[bytes, Session] = {}
        self._late = False
        self._timer: asyncio.TimerHandle | None = None
        self._open = asyncio.Event()
        if target is not None:
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
        target = await self._opened()
        key = await asyncio.wait_for(
            login.prove(client, asked.parameters["user"], target, self._lookups, self._doors),
            _SIGN_IN_SECONDS,
        )
        # Held meanwhile: the session is opened where everybody goes.
        target = await self._opened()
        opening = asyncio.get_running_loop().create_future()
        self._opening.add(opening)
        try:
            opened = await login.open_session(client, asked.parameters, key, target)
            session = Session(self, client, asked.parameters, key, opened)
            self._sessions[opened.key] = session
            session.begin()
        finally:
            self._opening.discard(opening)
            opening.set_result(None)

    async def _opened(self) -> Path:
        """Return the database that clients go to, once they may."""
        while self.holding or self._target is None:
            if self._late:
                raise Turned(LATE)
            await self._open.wait()
        return self._target

    def _turn_away(self, client: Side, word: bytes) -> None:
        self._refused += 1
        client.send(word)
        client.close()

    async def _cancel(self, key: bytes) -> None:
        session = self._sessions.get(key)
        # One that is held has nothing under way; who asks is never told whether there was such a key.
        if session is None or self.holding or self._target is None:
            return
        await self._stop(session)

    async def _stop(self, session: Session) -> None:
        """Ask the database to end what a session has under way, and return when it has taken note."""
        if self._target is None:
            return
        try:
            side = await connect(self._target)
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

    # What the server tells

    def status(self) -> dict[str, Any]:
        """Return the fields of EndpointStatus but for the process id."""
        return {
            "target": str(self._target) if self._target else None,
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
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(deadline, self._give_up)
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
            if target == self._target:
                return
            await self.hold(1.0, 60.0)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        moves = target != self._target
        self._target = target
        sessions = sorted(self._sessions.values(), key=lambda session: not session.wanting)
        self.holding = self._late = False
        self._open.set()
        await asyncio.gather(*(self._send_on(session, target, moves=moves) for session in sessions))

    async def _send_on(self, session: Session, target: Path, *, moves: bool) -> None:
        try:
            if moves or session.lost:
                await session.move(target)
                self._moved += 1
            session.forget_ahead()
            if not session.over:
                session.go_on()
        except (Pinned, Refused, Closed, OSError, TimeoutError):
            self._end(session, ENDED)

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
