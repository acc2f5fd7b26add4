"""One client's session: it is held where nothing is under way, and goes on at another database."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint.backend import Opened, enter
from coldframe.engines.postgresql.endpoint.side import Closed, Refused, Side
from coldframe.engines.postgresql.endpoint.state import Pinned, status_changed
from coldframe.engines.postgresql.endpoint.traffic import Traffic

# A transaction that is open longer is not waited for when it would only save time.
_MOMENT = 0.2

ENDED = wire.error("FATAL", "57P01", "terminating connection due to administrator command")


class Keeper(Protocol):
    """What a session asks and tells the gate."""

    holding: bool

    def waits(self, session: "Session") -> None:
        """Take note that a held client wants to go on."""

    def gone(self, session: "Session") -> None:
        """Take note that a session ended."""


class Session(Traffic):
    """A signed-in client and its session at a database."""

    def __init__(
        self,
        keeper: Keeper,
        client: Side,
        parameters: dict[str, str],
        key: bytes | None,
        target: Path,
        opened: Opened,
    ) -> None:
        super().__init__(keeper, client, opened.side)
        self._gate = keeper
        # The database that it is at, or moves to.
        self.target = target
        self._parameters = parameters
        self._key = key
        # Whether it decodes, for which its database alone has the slot.
        self.replicates = "replication" in parameters
        self.client_key = opened.key
        self.server_key = opened.key
        self.wanting = False
        # Whether somebody asked to end what it wants to do.
        self.cancelled = False
        status_changed(self._statuses, opened.said)
        self._over = False
        self._ahead: tuple[Path, Opened] | None = None
        self._when_parked: Callable[[], None] | None = None
        self._when_free: Callable[[], None] | None = None
        self._asking = asyncio.Lock()

    def begin(self) -> None:
        """Hand bytes on from now on."""
        self._client.ended = self._client_ended
        self._client.silent = self._client_silent
        self._attach(self._server)
        self._client.hand_to(self._from_client)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    async def parked(self) -> None:
        """Return when it is at a boundary and stays there, or is over; only while the gate holds. Raises Pinned."""
        if self._over or self._parked:
            return
        if self.replicates:
            raise Pinned("a replication connection")
        if self.at_boundary:
            self._park()
            return
        arrived = asyncio.get_running_loop().create_future()
        self._when_parked = lambda: None if arrived.done() else arrived.set_result(None)
        await arrived

    async def learn(self) -> None:
        """Ask the database that has the parked session what it has set up; raises Pinned, Refused, Closed."""
        async with self._asking:
            if self._lost:
                raise Closed("the session ended at the database")
            self._server.hand_to(None)
            await self.state.ask(self._server, self._tell)
            self._server.hand_to(self._from_server)

    async def rehearse(self) -> None:
        """Ask the database once while nobody waits, so that it has read what it needs to answer quickly when all do.

        Between two statements of the client, whose next one waits that long; nothing of the answer is kept.
        """
        async with self._asking:
            if not await self._free():
                return
            self._server.hand_to(None)
            try:
                with contextlib.suppress(Pinned, Refused, Closed):
                    # However long it takes: what is not awaited would be the client's.
                    await self.state.ask(self._server, self._tell, patience=None)
            finally:
                self.state.asked = False
                if not self._over:
                    self._server.hand_to(self._from_server)
                    self._client.hold(on=self.wanting)

    async def _free(self) -> bool:
        """Wait a moment for the end of what is under way, and keep the client from going on; tell whether it is kept."""
        if not self.at_boundary and not self._over:
            ended = asyncio.get_running_loop().create_future()

            def free() -> None:
                self._client.hold(on=True)
                ended.set_result(None)

            self._when_free, self._watched = free, True
            await asyncio.wait([ended], timeout=_MOMENT)
            self._when_free, self._watched = None, False
        if self._over or self._parked or not self.at_boundary:
            if not self._over:
                self._client.hold(on=self.wanting)
            return False
        self._client.hold(on=True)
        return True

    async def sign_in_ahead(self, target: Path) -> int:
        """Open a session at a database to which it may be moved; one that cannot be opened now is opened then.

        Returns its descriptor, -1 when there is none.
        """
        self.forget_ahead()
        with contextlib.suppress(Refused, Closed, OSError, TimeoutError):
            opened = await enter(target, self._parameters, self._key)
            # Somebody may have been told to do the same meanwhile.
            self.forget_ahead()
            self._ahead = (target, opened)
            if self._over:
                self.forget_ahead()
        return self._ahead[1].side.fd if self._ahead is not None else -1

    def forget_ahead(self) -> None:
        """Let the session go that was opened ahead."""
        if self._ahead is not None:
            self._ahead[1].side.close()
            self._ahead = None

    async def move(self, target: Path) -> None:
        """Go on at another database; raises Refused, Closed, OSError, or Pinned when the old one was never asked."""
        if not self.state.asked:
            raise Pinned("unknown state")
        opened = await self._entered(target)
        try:
            await self.state.restore(opened.side)
        except BaseException:
            opened.side.close()
            raise
        if self._over:
            opened.side.close()
            return
        old, self._server, self.server_key = self._server, opened.side, opened.key
        old.ended = old.peer = None
        old.hand_to(_ignore)
        old.close()
        self._lost = False
        self._answer.clear()
        self._attach(opened.side)
        self._client.send(status_changed(self._statuses, opened.said))

    async def _entered(self, target: Path) -> Opened:
        """Take the session that was opened ahead if it is good, or open one."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            if ahead[0] == target and not ahead[1].side.closed:
                return ahead[1]
            ahead[1].side.close()
        return await enter(target, self._parameters, self._key)

    @property
    def lost(self) -> bool:
        """Whether the database ended the parked session."""
        return self._lost

    def go_on(self) -> None:
        """Hand on what the client sent meanwhile."""
        self._parked = self.wanting = False
        self._resume()

    def end(self, word: bytes = b"", *, finish: bool = False) -> None:
        """End it on both sides, with a last word to the client; `finish` lets the server have what the client sent."""
        if self._over:
            return
        self._over = True
        self.forget_ahead()
        self._client.send(word)
        self._client.ended = self._server.ended = self._client.silent = None
        self._client.hand_to(_ignore)
        self._server.hand_to(_ignore)
        self._client.end()
        if finish:
            self._server.end()
        else:
            self._server.close()
        if self._when_parked is not None:
            self._when_parked()
        self._gate.gone(self)

    def _tell(self, kind: bytes, body: bytes) -> None:
        """Hand on what the server says of its own accord while it is asked something that is not the client's."""
        if kind == b"S":
            name, _, value = body.rstrip(b"\0").partition(b"\0")
            self._statuses[name] = value
        self._client.pass_on(wire.message(kind, body))

    def _attach(self, server: Side) -> None:
        server.ended = self._server_ended
        server.peer, self._client.peer = self._client, server
        server.hand_to(self._from_server)

    def _park(self) -> None:
        self._parked = True
        if self._coming:
            self.wants()
        if self._when_parked is not None:
            self._when_parked()
            self._when_parked = None

    def wants(self) -> None:
        """Keep the client from going on, which it wants to."""
        self._client.hold(on=True)
        if not self.wanting:
            self.wanting = True
            self._gate.waits(self)

    def rests(self) -> None:
        """Stay here if that is asked for and nothing is under way."""
        if self._when_free is not None and self.at_boundary:
            free, self._when_free = self._when_free, None
            free()
        if self._gate.holding and self._cycles == 0:
            if self.at_boundary:
                self._park()
            else:
                self._resume()

    def terminated(self) -> None:
        """End it as its client wished; the server gets what the client sent."""
        self.end(finish=True)

    def _server_ended(self) -> None:
        if self._parked:
            self._lost = True
            if not self._gate.holding:
                self.end(ENDED)
        else:
            self.end()

    def _client_silent(self) -> bool:
        """Let who says no more have the answer that is under way, as the database does."""
        if not self.busy or self._parked:
            return False
        self._server.no_more()
        return True

    def _client_ended(self) -> None:
        # What is under way is not waited for by who went away.
        self.end()


def _ignore(data: bytes) -> None:
    del data
