"""What passes between a client and its database: handed on, and followed closely enough to know when nothing is under way."""

import struct
from typing import Protocol

from coldframe.engines.endpoint_rows import ALIKE, alike
from coldframe.engines.postgresql.endpoint.side import Side
from coldframe.engines.postgresql.endpoint.state import State

IDLE = ord("I")
# A message's kind, and its length without it.
_HEAD = struct.Struct("!BI")
_QUERY, _CALL, _SYNC, _PARSE, _CLOSE = (ord(letter) for letter in "QFSPC")
_EXTENDED = frozenset(b"PC")
# Of these it is only noted that Sync has to follow.
_PLAIN = frozenset(b"BDEH")
_COPY_ENDS = frozenset(b"cf")
_COPY_DATA, _BIND = ord("d"), ord("B")
# These are read, once they are whole; all others, and texts that are longer, are handed on as they come.
_READ = frozenset((_QUERY, _PARSE, _CLOSE))
_TEXTS = frozenset((_QUERY, _PARSE))
_LONGEST_READ = 1 << 20
# So much of a text is looked at together with what comes next.
_OVERLAP = 256
_TERMINATE = ord("X")
_NEVER_BEGIN = frozenset((_COPY_DATA, _TERMINATE, *_COPY_ENDS))
_READY, _STATUS = ord("Z"), ord("S")
_KEPT = frozenset((_READY, _STATUS))
# Where a message has its kind and length.
_OFFSETS = (0, 1, 2, 3, 4)


class Holding(Protocol):
    """What is asked of the gate on the way of every message."""

    holding: bool


class Traffic:
    """Both directions of a session that is signed in; what becomes of it at a boundary is for who inherits."""

    def __init__(self, keeper: Holding, client: Side, server: Side) -> None:
        self._keeper = keeper
        self._client = client
        self._server = server
        self.state = State()
        self.received = self.sent = 0
        # The settings that the database reports, as it reported them last.
        self._statuses: dict[bytes, bytes] = {}
        # What came of a message that is not all here, and how much of it there must be to go on.
        self._coming = bytearray()
        self._needed = 0
        # So much of a long message is still to come, whose beginning was handed on.
        self._passing = 0
        # Whether that is a statement's text, and the last that was seen of it.
        self._reading = False
        self._seen = b""
        self._answer = bytearray()
        self._skipping = 0
        # Answers that are owed, each of which ends by ReadyForQuery.
        self._cycles = 0
        # How many were given.
        self.answered = 0
        self._unsynced = False
        self._by_sync = False
        self._status = IDLE
        # Whether nothing may begin, and whether the database ended it meanwhile.
        self._parked = False
        self._lost = False
        # Whether somebody wants to know of the end of an answer, also while nobody is held.
        self._watched = False

    @property
    def at_boundary(self) -> bool:
        """Whether nothing is under way: no statement, no transaction, no half-sent message."""
        return self._cycles == 0 and not self._unsynced and self._status == IDLE and not self._passing

    @property
    def busy(self) -> bool:
        """Whether the database has a statement of it under way."""
        return self._cycles > 0

    def terminated(self) -> None:
        """The client said farewell, which the server has been told."""
        raise NotImplementedError

    def wants(self) -> None:
        """The client wants to begin something while nothing may begin."""
        raise NotImplementedError

    def rests(self) -> None:
        """An answer is complete; told while the gate holds, or somebody watches."""
        raise NotImplementedError

    def _resume(self) -> None:
        """Take up what the client has sent meanwhile."""
        self._client.hold(on=False)
        self._needed = 0
        self._from_client(b"")

    def _from_client(self, data: bytes) -> None:
        """Hand on whole messages and parts of long ones, as far as a hold lets them; keep the rest."""
        size = len(data)
        self.received += size
        if self._passing or self._coming:
            data = self._after_what_came(data)
            size = len(data)
        # Who is parked stays so until it has moved, though nobody else is held any more.
        at, head, holding = 0, _HEAD.unpack_from, self._parked or self._keeper.holding
        while at + 5 <= size:
            kind, length = head(data, at)
            after = at + length + 1
            if holding and self._must_wait(kind):
                break
            if after > size:
                if kind in _READ and length <= _LONGEST_READ:
                    self._needed = after - at
                    break
                self._passing = after - size
                self._reading = kind in _TEXTS
                self._seen = data[max(at + 5, size - _OVERLAP) :]
                after = size
            if kind == _QUERY:
                self._cycles += 1
                self._by_sync = False
                self.state.see(data, at + 5, after - 1)
            elif kind in _PLAIN:
                self._unsynced = True
            elif kind == _TERMINATE:
                self._server.pass_on(data[:after])
                self.terminated()
                return
            else:
                self._follow(kind, data, at, after)
            at = after
        if at:
            self._server.pass_on(data if at == size else data[:at])
        if at < size:
            self._keep(data[at:])

    def _after_what_came(self, data: bytes) -> bytes:
        """Hand on the rest of a long message, or put together one that came in parts; returns what is to be looked at now."""
        if self._passing:
            part = data[: self._passing]
            self._passing -= len(part)
            self._server.pass_on(part)
            if self._reading:
                seen = self._seen + part
                self.state.see(seen, 0, len(seen))
                self._seen = seen[-_OVERLAP:]
            return data[len(part) :]
        self._coming += data
        if len(self._coming) < self._needed:
            return b""
        whole = bytes(self._coming)
        self._coming.clear()
        self._needed = 0
        return whole

    def _keep(self, data: bytes) -> None:
        """Keep a message that is not all here, or must wait."""
        self._coming += data
        if self._parked:
            self.wants()
        elif self._keeper.holding:
            # It waits for its turn; more of it is not needed to know that.
            self._client.hold(on=True)

    def _must_wait(self, kind: int) -> bool:
        """Tell whether a message would begin something new where nothing may begin."""
        if self._unsynced or kind in _NEVER_BEGIN:
            return False
        return self._parked or self._cycles > 0 or self._status == IDLE

    def _follow(self, kind: int, data: bytes, at: int, after: int) -> None:
        if kind in _EXTENDED:
            self._unsynced = True
            if kind == _PARSE:
                self.state.see_parse(data[at + 5 : after], whole=not self._passing)
            elif kind == _CLOSE:
                self.state.see_close(data[at + 5 : after])
        elif kind == _SYNC:
            self._cycles += 1
            self._by_sync = True
            self._unsynced = False
        elif kind == _CALL:
            self._cycles += 1
            self._by_sync = False
        elif kind in _COPY_ENDS and self._by_sync:
            # While rows are copied in, the server takes no notice of Sync.
            self._cycles = 0
            self._unsynced = True

    def _from_server(self, data: bytes) -> None:
        """Hand on everything, and see in it when the server is ready."""
        size = len(data)
        self.sent += size
        if self._parked and data[:1] == b"E":
            # The last word to a session that moves is not for its client.
            self._lost = True
            return
        self._client.pass_on(data)
        at = self._skipping
        if at >= size:
            self._skipping -= size
            return
        if self._answer:
            data, at = bytes(self._answer) + data, 0
            size = len(data)
            self._answer.clear()
        head, kept = _HEAD.unpack_from, _KEPT
        last = size - 5
        before, same = -1, 0
        # The hot loop: a large result has a message for each row.
        while at <= last:
            kind, length = head(data, at)
            if kind in kept:
                if at + length >= size:
                    break
                self._see(kind, data, at, length + 1)
            elif length == before:
                same += 1
                if same == ALIKE:
                    same = 0
                    at = alike(data, at, length + 1, _OFFSETS)
                    continue
            else:
                before, same = length, 0
            at += length + 1
        if at >= size:
            self._skipping = at - size
        else:
            self._skipping = 0
            self._answer += data[at:]

    def _see(self, kind: int, data: bytes, at: int, length: int) -> None:
        if kind == _READY:
            self._status = data[at + 5]
            self.answered += 1
            if self._cycles:
                self._cycles -= 1
            if self._watched or self._keeper.holding:
                self.rests()
        else:
            name, _, value = data[at + 5 : at + length - 1].partition(b"\0")
            self._statuses[name] = value
