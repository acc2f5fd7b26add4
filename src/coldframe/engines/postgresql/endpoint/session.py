"""One client's session: bytes are handed on, and followed closely enough to know when nothing is under way."""

import asyncio
import contextlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from coldframe.engines.postgresql import wire
from coldframe.engines.postgresql.endpoint.backend import Opened, enter
from coldframe.engines.postgresql.endpoint.side import Closed, Refused, Side
from coldframe.engines.postgresql.endpoint.state import Pinned, State, status_changed

IDLE = ord("I")
# A message's kind, and its length without it.
_HEAD = struct.Struct("!BI")
_QUERY, _CALL, _SYNC, _PARSE, _CLOSE = (ord(letter) for letter in "QFSPC")
_EXTENDED = frozenset(b"PBDECH")
_COPY_ENDS = frozenset(b"cf")
_COPY_DATA = ord("d")
_TERMINATE = ord("X")
_BEGIN = frozenset((_QUERY, _CALL))
_NEVER_BEGIN = frozenset((_COPY_DATA, _TERMINATE, *_COPY_ENDS))
_READY, _COPY_IN, _COPY_BOTH, _STATUS = (ord(letter) for letter in "ZGWS")
_KEPT = frozenset((_READY, _COPY_IN, _COPY_BOTH, _STATUS))

ENDED = wire.error("FATAL", "57P01", "terminating connection due to administrator command")
LATE = wire.error("FATAL", "57P03", "the database did not come back within the time that was set for it")


class Keeper(Protocol):
    """What a session asks and tells the gate."""

    holding: bool

    def counted(self, *, received: int = 0, sent: int = 0) -> None:
        """Count bytes."""

    def waits(self, session: "Session") -> None:
        """Take note that a held client wants to go on."""

    def gone(self, session: "Session") -> None:
        """Take note that a session ended."""


class Session:
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
        # The database that it is at, or moves to.
        self.target = target
        self._keeper = keeper
        self._client = client
        self._server = opened.side
        self._parameters = parameters
        self._key = key
        self.client_key = opened.key
        self.server_key = opened.key
        self.state = State()
        self.wanting = False
        self._statuses: dict[bytes, bytes] = {}
        status_changed(self._statuses, opened.said)
        self._coming = bytearray()
        self._passing = 0
        self._answer = bytearray()
        self._skipping = 0
        self._cycles = 0
        self._unsynced = False
        self._by_sync = False
        self._status = IDLE
        self._parked = False
        self._lost = False
        self._over = False
        self._ahead: tuple[Path, Opened] | None = None
        self._when_parked: Callable[[], None] | None = None

    def begin(self) -> None:
        """Hand bytes on from now on."""
        self._client.ended = self.end
        self._attach(self._server)
        self._client.hand_to(self._from_client)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    @property
    def at_boundary(self) -> bool:
        """Whether nothing is under way: no statement, no transaction, no half-sent message."""
        return self._cycles == 0 and not self._unsynced and self._status == IDLE and not self._passing

    async def parked(self) -> None:
        """Return when it is at a boundary and stays there, or is over; only while the gate holds."""
        if self._over or self._parked:
            return
        if self.at_boundary:
            self._park()
            return
        arrived = asyncio.get_running_loop().create_future()
        self._when_parked = lambda: None if arrived.done() else arrived.set_result(None)
        await arrived

    async def learn(self) -> None:
        """Ask the database that has the parked session what it has set up; raises Pinned, Refused, Closed."""
        if self._lost:
            raise Closed("the session ended at the database")
        self._server.hand_to(None)
        await self.state.ask(self._server)
        self._server.hand_to(self._from_server)

    async def sign_in_ahead(self, target: Path) -> None:
        """Open a session at a database to which it may be moved; one that cannot be opened now is opened then."""
        self.forget_ahead()
        with contextlib.suppress(Refused, Closed, OSError, TimeoutError):
            opened = await enter(target, self._parameters, self._key)
            self._ahead = (target, opened)
            if self._over:
                self.forget_ahead()

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
    def busy(self) -> bool:
        """Whether the database has a statement of it under way."""
        return self._cycles > 0

    @property
    def lost(self) -> bool:
        """Whether the database ended the parked session."""
        return self._lost

    def go_on(self) -> None:
        """Hand on what the client sent meanwhile."""
        self._parked = self.wanting = False
        self._client.transport.resume_reading()
        self._from_client(b"")

    def end(self, word: bytes = b"") -> None:
        """End it on both sides, with a last word to the client."""
        if self._over:
            return
        self._over = True
        self.forget_ahead()
        self._client.send(word)
        self._client.ended = self._server.ended = None
        self._client.hand_to(_ignore)
        self._server.hand_to(_ignore)
        self._client.close()
        # A statement that is under way is not waited for by who went away.
        self._server.transport.abort() if self._cycles else self._server.close()
        if self._when_parked is not None:
            self._when_parked()
        self._keeper.gone(self)

    def _attach(self, server: Side) -> None:
        server.ended = self._server_ended
        server.peer, self._client.peer = self._client, server
        server.hand_to(self._from_server)

    def _park(self) -> None:
        self._parked = True
        if self._coming:
            self._want()
        if self._when_parked is not None:
            self._when_parked()
            self._when_parked = None

    def _want(self) -> None:
        self._client.transport.pause_reading()
        if not self.wanting:
            self.wanting = True
            self._keeper.waits(self)

    def _from_client(self, data: bytes) -> None:
        """Hand on whole messages, as far as a hold lets them; keep the rest."""
        self._keeper.counted(received=len(data))
        if self._passing:
            # The rest of a long message of rows that are copied in.
            part = data[: self._passing]
            self._passing -= len(part)
            self._server.send(part)
            data = data[len(part) :]
        coming = self._coming
        coming += data
        at, size = 0, len(coming)
        while at + 5 <= size:
            kind = coming[at]
            length = int.from_bytes(coming[at + 1 : at + 5], "big") + 1
            if self._keeper.holding and self._must_wait(kind):
                break
            if at + length > size:
                if kind == _COPY_DATA:
                    self._passing = at + length - size
                    at = size
                break
            if kind == _TERMINATE:
                self._server.send(bytes(coming[:at]))
                self.end()
                return
            self._follow(kind, coming, at, length)
            at += length
        if at:
            self._server.send(bytes(coming[:at]))
            del coming[:at]
        if coming and self._keeper.holding:
            if self._parked:
                self._want()
            else:
                # It waits for its turn; more of it is not needed to know that.
                self._client.transport.pause_reading()

    def _must_wait(self, kind: int) -> bool:
        """Tell whether a message would begin something new where nothing may begin."""
        if self._unsynced or kind in _NEVER_BEGIN:
            return False
        return self._parked or self._cycles > 0 or self._status == IDLE

    def _follow(self, kind: int, data: bytearray, at: int, length: int) -> None:
        if kind in _BEGIN:
            self._cycles += 1
            self._by_sync = False
            if kind == _QUERY and b"." in data[at + 5 : at + length]:
                self.state.see(bytes(data[at + 5 : at + length - 1]))
        elif kind == _SYNC:
            self._cycles += 1
            self._by_sync = True
            self._unsynced = False
        elif kind in _EXTENDED:
            self._unsynced = True
            if kind == _PARSE:
                self.state.see_parse(bytes(data[at + 5 : at + length]))
            elif kind == _CLOSE:
                self.state.see_close(bytes(data[at + 5 : at + length]))
        elif kind in _COPY_ENDS and self._by_sync:
            # While rows are copied in, the server takes no notice of Sync.
            self._cycles = 0
            self._unsynced = True

    def _from_server(self, data: bytes) -> None:
        """Hand on everything, and see in it when the server is ready."""
        self._keeper.counted(sent=len(data))
        if self._parked and data[:1] == b"E":
            # The last word to a session that moves is not for its client.
            self._lost = True
            return
        self._client.send(data)
        at = 0
        if self._skipping:
            if self._skipping >= len(data):
                self._skipping -= len(data)
                return
            at, self._skipping = self._skipping, 0
        if self._answer:
            data, at = bytes(self._answer) + data[at:], 0
            self._answer.clear()
        size, head, kept = len(data), _HEAD.unpack_from, _KEPT
        # The hot loop: a large result has a message for each row.
        while at + 5 <= size:
            kind, length = head(data, at)
            after = at + length + 1
            if kind in kept:
                if after > size:
                    break
                self._see(kind, data, at, length + 1)
            at = after
        if at > size:
            self._skipping = at - size
        else:
            self._answer += data[at:]

    def _see(self, kind: int, data: bytes, at: int, length: int) -> None:
        if kind == _READY:
            self._status = data[at + 5]
            self._cycles = max(0, self._cycles - 1)
            if self._keeper.holding and self._cycles == 0:
                if self.at_boundary:
                    self._park()
                else:
                    self._client.transport.resume_reading()
                    self._from_client(b"")
        elif kind == _STATUS:
            name, _, value = data[at + 5 : at + length - 1].partition(b"\0")
            self._statuses[name] = value

    def _server_ended(self) -> None:
        if self._parked:
            self._lost = True
            if not self._keeper.holding:
                self.end(ENDED)
        else:
            self.end()


def _ignore(data: bytes) -> None:
    del data
