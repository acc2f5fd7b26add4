"""Where sessions come together: holding them, releasing them to another database, ending them."""

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from coldframe.engines.database import DatabaseError
from coldframe.engines.endpoint_descriptors import scarce
from coldframe.engines.mariadb.endpoint import commands, ending, moving, server
from coldframe.engines.mariadb.endpoint.accounts import Accounts
from coldframe.engines.mariadb.endpoint.channel import Closed
from coldframe.engines.mariadb.endpoint.entrance import Entrance
from coldframe.engines.mariadb.endpoint.session import Mode, Session
from coldframe.engines.mariadb.endpoint.statements import Leaves

_KILLED = (1927, "70100", "Connection was killed: it could not be moved to where the database is now")
_EXPIRED = (1927, "70100", "Connection was killed: the database did not come back in time")
_SHUT_DOWN = (1053, "08S01", "Server shutdown in progress")
# State that only the server could have told.
_ONLY_THE_SERVER_KNOWS = Leaves.VARIABLES | Leaves.ROLE | Leaves.OPAQUE
_AT_ONCE = 8
_KILL_PATIENCE = 10.0
# How many seconds may be spent on what only makes a move shorter.
_PREPARES = 60.0


class Gate(Entrance):
    """All sessions of an endpoint; it is told what to do and never chooses a database itself."""

    def __init__(self, targets: Sequence[Path], account: str, reserved: Collection[str]) -> None:
        super().__init__(targets)
        self.accounts = Accounts(account, reserved)
        self.sessions: set[Session] = set()
        # Connection ids that clients know, and those that the same sessions have now.
        self.renamed: dict[int, int] = {}
        self.bytes_in = self.bytes_out = self.moved = self.cuts = 0
        self._settling: set[asyncio.Task[None]] = set()
        self._settled: set[Session] = set()
        self._killed: set[Session] = set()
        self._changed = asyncio.Event()
        self._deadline: asyncio.TimerHandle | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._late: set[asyncio.Task[None]] = set()
        # Whether there is no room to sign more in ahead.
        self._crowded = False

    def status(self) -> dict[str, Any]:
        """Return the fields of EndpointStatus but for the process id."""
        return {
            "target": str(self.databases.first) if self.databases.first else None,
            "databases": self.databases.status(),
            "holding": self.holding,
            "sessions": len(self.sessions),
            "moved": self.moved,
            "cut": self.cuts,
            "refused": self.refused,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
        }

    async def hold(self, drain: float, deadline: float) -> tuple[int, int]:
        """Hold every client; returns how many are held and how many were cut."""
        began, cut_before = time.monotonic(), self.cuts
        self.holding, self.expired = True, False
        self._opened.clear()
        self._arm(deadline)
        for session in list(self.sessions):
            if session.mode == Mode.STREAM:
                self._cut(session)
            else:
                session.go_on()
        while any(session not in self._settled for session in self.sessions):
            self._changed.clear()
            left = drain - (time.monotonic() - began)
            if left <= 0 and not self._settling:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), max(0.05, left))
        await self._kill([session for session in self.sessions if session not in self._settled])
        return len(self.sessions), self.cuts - cut_before

    async def prepare(self, target: Path) -> None:
        """Sign everybody in at a database ahead, whose accounts are those of the present one."""
        if self.databases.first is None or target == self.databases.first:
            return
        await self.accounts.refresh(self.databases.first)
        turns, self._crowded = asyncio.Semaphore(_AT_ONCE), False
        end = time.monotonic() + _PREPARES

        async def one(session: Session) -> None:
            async with turns:
                self.signed_in(session)
                # Who cannot sign in there, or not yet, does so when it moves, or is cut then.
                with suppress(Closed, server.Refused, TimeoutError, OSError):
                    if session.half is not None and not self._crowded and time.monotonic() < end:
                        await moving.prepare(session, target)
                        self._crowded = session.spare is not None and scarce(session.spare.channel.fd)
                if session.mode == Mode.ENDED:
                    session.drop_spare()

        await asyncio.gather(*(one(session) for session in self.sessions))

    async def release(self, target: Path) -> None:
        """Send everybody to a database; those who wait come first."""
        if not self.holding and (target,) != self.databases.listed:
            await self.hold(0, _KILL_PATIENCE)
        await self._open([target])

    async def spread(self, targets: Sequence[Path], end_within: float | None) -> None:
        """Send new connections to these databases, in turn, and those who are held."""
        self.databases.change(targets)
        if targets:
            await self._open(targets)
        else:
            # New clients wait for one; those who are at others go on there.
            self._opened.clear()
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if end_within is not None:
            self._leaving = asyncio.get_running_loop().call_later(end_within, self._end_left)

    async def fail_over(self, deadline: float) -> int:
        """End every session and let new clients wait for a release; returns how many there were."""
        self.holding, self.expired = True, False
        self._opened.clear()
        self._arm(deadline)
        self.databases.change(())
        return await self.cut(_SHUT_DOWN)

    async def _open(self, targets: Sequence[Path]) -> None:
        while self._settling:
            await asyncio.wait(self._settling)
        self.databases.change(targets)
        self.holding = self.expired = False
        if self._deadline is not None:
            self._deadline.cancel()
        self._opened.set()
        waiting = sorted(self._settled, key=lambda session: not session.inbox)
        self._settled = set()
        turns = asyncio.Semaphore(_AT_ONCE)
        tasks = []
        for session in waiting:
            session.held = False
            if session.mode == Mode.ENDED:
                continue
            if session.target in self.databases.listed and session.server.fd >= 0:
                session.drop_spare()
                session.go_on()
            else:
                # What its client says from now on is for the other database, however long the move waits for its turn.
                session.mode = Mode.MOVING
                session.server.read_with(None)
                tasks.append(self._move(session, turns))
        await asyncio.gather(*tasks)

    def _end_left(self) -> None:
        """End the sessions at databases that are listed no more."""
        for session in list(self.sessions):
            if session.target not in self.databases.listed:
                self._cut(session, _SHUT_DOWN)

    async def cut(self, word: tuple[int, str, str] = _KILLED) -> int:
        """End every session; returns how many there were."""
        sessions = list(self.sessions)
        for session in sessions:
            self._cut(session, word)
        return len(sessions)

    def entered(self, session: Session) -> None:
        """A session has signed in and begins; it may have been greeted by a database that is the target no longer."""
        self.sessions.add(session)
        self.signed_in(session)
        late = not self.holding and session.target not in self.databases.listed
        if late:
            session.mode = Mode.MOVING
        session.begin()
        if late:
            # Everybody was sent elsewhere while it signed in.
            task = asyncio.get_running_loop().create_task(self._move(session, asyncio.Semaphore()))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    def ended(self, session: Session) -> None:
        """A session is over."""
        if session in self.sessions:
            self.sessions.discard(session)
            self.databases.leave(session.target)
        self._settled.discard(session)
        self._killed.discard(session)
        self.renamed.pop(session.first_thread, None)
        self._changed.set()

    def failing(self, session: Session) -> bool:
        """Tell whether we ended the session at the database ourselves."""
        return session in self._killed

    def settle(self, session: Session) -> None:
        """Hold a session that has come to a boundary."""
        if self.expired:
            if session.inbox:
                session.fail(*_EXPIRED)
        elif not session.held:
            session.held = True
            task = asyncio.get_running_loop().create_task(self._settle(session))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    def signed_in(self, session: Session) -> None:
        """Find the digest with which a session can sign in elsewhere, now or when it is needed."""
        if session.half is None:
            session.half = self.accounts.half(session.answer.user, session.proof, session.server_salt)

    async def _settle(self, session: Session) -> None:
        if session.half is None:
            await self.accounts.refresh(session.target)
            self.signed_in(session)
        if session.mode == Mode.ENDED:
            return
        session.mode = Mode.MOVING
        session.server.read_with(None)
        try:
            await commands.ask(session)
        except (Closed, server.Refused, TimeoutError, OSError) as problem:
            sys.stderr.write(f"a session could not be asked for its state: {problem}\n")
            session.server.close()
            if session.state.leaves & _ONLY_THE_SERVER_KNOWS:
                session.half = None
        if session.mode == Mode.ENDED:
            return
        session.mode = Mode.IDLE
        if session.server.fd >= 0:
            session.server.read_with(session.on_server)
        if session.movable:
            self._settled.add(session)
        else:
            self._cut(session)
        self._changed.set()

    async def _move(self, session: Session, turns: asyncio.Semaphore) -> None:
        async with turns:
            if session.mode == Mode.ENDED:
                return
            target = self.databases.take()
            if target is None:
                self._cut(session)
                return
            # It counts at the one where it will be from now on.
            self.databases.leave(session.target)
            session.target = target
            session.mode = Mode.MOVING
            try:
                await moving.move(session, target)
            except (Closed, server.Refused, TimeoutError, OSError) as problem:
                if session.mode != Mode.ENDED:
                    # The endpoint's log is its output; what a database refuses names no secret.
                    sys.stderr.write(f"a session could not be moved: {problem}\n")
                    self._cut(session)
                return
            if session.mode == Mode.ENDED:
                session.server.close()
                return
            self.moved += 1
            self.renamed[session.first_thread] = session.thread
            session.mode = Mode.IDLE
            session.server.read_with(session.on_server)
            session.go_on()

    async def _kill(self, sessions: list[Session]) -> None:
        """End sessions at the database itself, so that none of their statements goes on there."""
        if not sessions:
            return
        self._killed.update(sessions)
        threads: defaultdict[Path, list[int]] = defaultdict(list)
        for session in sessions:
            threads[session.target].append(session.thread)
        for target, there in threads.items():
            with suppress(DatabaseError, OSError):
                await asyncio.get_running_loop().run_in_executor(
                    None, ending.end, target, self.accounts.own, there
                )
        for session in sessions:
            self.cuts += 1
            session.fail(*_KILLED)

    def _cut(self, session: Session, word: tuple[int, str, str] = _KILLED) -> None:
        self.cuts += 1
        session.fail(*word)
        self._changed.set()

    def _arm(self, deadline: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(deadline, self._expire)

    def _expire(self) -> None:
        """Nobody released the clients in time: those who wait are told so. Where they should go is not ours to say."""
        self.expired = True
        self._opened.set()
        for session in list(self.sessions):
            if session.inbox:
                self.cuts += 1
                session.fail(*_EXPIRED)
