"""The gate of an endpoint: all its sessions, which it holds at a boundary and releases to a database."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coldframe.engines.endpoint_descriptors import scarce
from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint.backend import Opened
from coldframe.engines.postgresql.endpoint.entrance import LATE, Entrance
from coldframe.engines.postgresql.endpoint.login import Asked, Doors
from coldframe.engines.postgresql.endpoint.session import ENDED, Session
from coldframe.engines.postgresql.endpoint.side import Closed, Refused, Side, connect
from coldframe.engines.postgresql.endpoint.state import Pinned

# A database forks a process for each session: so many are opened at once.
_AT_ONCE = 16
# So many are asked at once for what they have set up: each has its time, which would pass while it waits for others.
_ASKED_AT_ONCE = 32
# How many seconds may be spent on what only makes a move shorter.
_PREPARES = 60.0
# How long a database may take to take note that a statement shall end.
_STOPS = 5.0
# How often what has begun just now is asked to end, and how many seconds pass between.
_TIMES, _AGAIN = 50, 0.02


class Gate(Entrance):
    """All sessions of one endpoint, and the database that they are at."""

    def __init__(self, doors: Doors, targets: Sequence[Path]) -> None:
        super().__init__(doors, targets)
        self._sessions: dict[bytes, Session] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._moved = self._cut = 0
        # Bytes of sessions that are over.
        self._received = self._sent = 0

    def _begin(self, client: Side, asked: Asked, key: bytes | None, target: Path, opened: Opened) -> None:
        session = Session(self, client, asked.parameters, key, target, opened)
        self._sessions[opened.key] = session
        session.begin()

    def _present(self) -> int:
        return len(self._sessions)

    async def _cancel(self, key: bytes) -> None:
        session = self._sessions.get(key)
        # Who asks is never told whether there was such a key.
        if session is None:
            return
        # What waits for its database is ended there, once it has begun.
        session.cancelled = session.wanting
        if not session.wanting:
            await self._stop(session)

    async def _stop_begun(self, session: Session) -> None:
        """End what a session was sent just now: a database that has not begun with it yet forgets that it was asked to."""
        answered = session.answered
        for _ in range(_TIMES):
            if session.over or not session.busy or session.answered != answered:
                return
            await self._stop(session)
            await asyncio.sleep(_AGAIN)

    async def _stop(self, session: Session) -> None:
        """Ask the database to end what a session has under way, and return when it has taken note."""
        side = None
        # A database that is gone has nothing under way; one that hangs is not waited for.
        with contextlib.suppress(OSError, Closed, TimeoutError):
            async with asyncio.timeout(_STOPS):
                side = await connect(session.target)
                side.send(wire.cancel(session.server_key))
                await side.message()
        if side is not None:
            side.close()

    # What sessions tell

    def waits(self, session: Session) -> None:
        """Take note that a held client wants to go on: one that comes too late for it is told at once."""
        if self._late:
            session.end(LATE)

    def gone(self, session: Session) -> None:
        """Take note that a session ended."""
        self._sessions.pop(session.client_key, None)
        self._received += session.received
        self._sent += session.sent
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
            "bytes_in": self._received + sum(session.received for session in self._sessions.values()),
            "bytes_out": self._sent + sum(session.sent for session in self._sessions.values()),
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
        turns = asyncio.Semaphore(_ASKED_AT_ONCE)
        await asyncio.gather(*(self._hold(session, end, turns) for session in list(self._sessions.values())))
        return len(self._sessions), self._cut - before

    async def _hold(self, session: Session, end: float | None, turns: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout_at(end):
                await session.parked()
            async with turns:
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
        sessions = [session for session in self._sessions.values() if not session.replicates]
        end = asyncio.get_running_loop().time() + _PREPARES
        for at in range(0, len(sessions), _AT_ONCE):
            ahead = await asyncio.gather(
                *(each.sign_in_ahead(target) for each in sessions[at : at + _AT_ONCE])
            )
            if any(map(scarce, ahead)) or asyncio.get_running_loop().time() > end:
                # There is no room, or no time, for more: these sign in when they move.
                break
        # One after the other, so that no client waits for more than its own.
        for each in sessions:
            if not self.holding and asyncio.get_running_loop().time() < end:
                await each.rehearse()

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
        turns = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._send_on(session, turns) for session in sessions))
        self._lookups.keep(targets)

    async def _send_on(self, session: Session, turns: asyncio.Semaphore) -> None:
        try:
            if session.lost or session.target not in self.databases.listed:
                target = self.databases.take()
                if target is None:
                    self._end(session, ENDED)
                    return
                # It counts at the one where it will be from now on.
                self.databases.leave(session.target)
                session.target = target
                async with turns:
                    if not session.over:
                        await session.move(target)
                self._moved += 1
            session.forget_ahead()
            if not session.over:
                session.go_on()
            if session.cancelled:
                session.cancelled = False
                await self._stop_begun(session)
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
