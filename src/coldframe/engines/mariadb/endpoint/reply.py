"""Follows the packets of one reply, to know when it ends, in which status, and what changed: the inner loop of the endpoint.

Rows are passed over by their headers alone. What arrives is passed on as it is, unless an OK packet reports changes of
state to a client that did not ask for them.
"""

import struct
from collections.abc import Callable
from typing import ClassVar, Final

from coldframe.engines.endpoint_rows import ALIKE, alike
from coldframe.engines.mariadb import wire

# A packet's length in two parts, its number passed over, and the first byte of what is in it.
_HEAD = struct.Struct("<HBxB")
# Where a row has what makes it one: its length, and its first byte.
_OFFSETS = (0, 1, 2, 4)
# What an end says that is none, or that must be looked at.
_NOT_THE_END = wire.STATE_CHANGED | wire.MORE_RESULTS | wire.CURSOR_EXISTS


class Phase:
    """Which packet comes next: numbers, since every packet is looked at and enum's are slow."""

    FIRST: Final = 0
    COLUMNS: Final = 1
    COLUMNS_END: Final = 2
    ROWS: Final = 3
    SINGLE: Final = 4
    PREPARED: Final = 5
    DEFINITIONS: Final = 6
    SIGN_IN: Final = 7
    STREAM: Final = 8


class Reply:
    """The reply that is under way; `done` says that it ended, `upload` that the client must send a file first."""

    __slots__ = (
        "_continued",
        "_eof",
        "_left",
        "_rest",
        "_skip",
        "_strip",
        "capabilities",
        "changes",
        "done",
        "failed",
        "inserted",
        "phase",
        "prepared",
        "renumber",
        "status",
        "switched",
        "upload",
    )

    def __init__(self, capabilities: int, *, strip: bool) -> None:
        self.capabilities = capabilities
        self._eof = not capabilities & wire.DEPRECATE_EOF
        self._strip = strip
        self.status = 2
        self.changes: list[tuple[int, bytes]] = []
        self.phase: int = Phase.FIRST
        self.expect(Phase.FIRST)

    def expect(self, phase: int) -> None:
        """Begin to follow the reply to a command."""
        self.phase = phase
        self.done = self.upload = self.failed = self.inserted = False
        self.prepared = self.switched = b""
        self.renumber = 0
        self._left = self._skip = 0
        self._continued = False
        self._rest = b""

    def simple_ok(self, data: bytes) -> bool:
        """Take in the commonest reply: one short OK packet that reports no change. Returns whether it was that."""
        if (
            len(data) < 11
            or data[4] != 0
            or data[0] + 4 != len(data)
            or data[1]
            or self.phase != Phase.FIRST
            or self._rest
            or data[5] > 0xFA
            or data[6] > 0xFA
        ):
            return False
        status = data[7] | data[8] << 8
        if status & (wire.STATE_CHANGED | wire.MORE_RESULTS):
            return False
        self.status = status
        if data[6]:
            self.inserted = True
        self.done = True
        return True

    def whole_result(self, data: bytes) -> bool:
        """Take in a result that is all there, the last of its reply, and reports no change. Returns whether it was that."""
        size = len(data)
        last = size - (9 if self._eof else 11)
        # The columns' number in one byte, and the end as it mostly looks.
        if (
            last < 5
            or data[0] != 1
            or data[1]
            or data[2]
            or not 0 < data[4] < 0xFB
            or data[last] != size - last - 4
            or data[last + 1]
            or data[last + 4] != 0xFE
            or self.phase != Phase.FIRST
            or self._rest
        ):
            return False
        status = data[last + 7] | data[last + 8] << 8
        if status & _NOT_THE_END:
            return False
        # Definitions, with what ends them, and rows: whatever they are, their headers lead to the end, or it was none.
        at = 5
        for _ in range(data[4] + self._eof):
            if at >= last:
                return False
            at += 4 + (data[at] | data[at + 1] << 8 | data[at + 2] << 16)
        if _past_rows(data, at, last - 5) != last:
            return False
        self.status = status
        self.done = True
        return True

    def feed(self, data: bytes) -> bytes:
        """Take in what the server sent; returns what to pass on to the client."""
        if self.phase == Phase.STREAM:
            return data
        begin = position = 0
        if self._skip >= len(data):
            self._skip -= len(data)
            return data
        if self._skip:
            position, self._skip = self._skip, 0
        elif self._rest:
            data, self._rest = self._rest + data, b""
        length_of_all = len(data)
        pieces: list[bytes] = []
        while length_of_all - position >= 4:
            position = self._pass_rows(data, position)
            if length_of_all - position < 4:
                break
            length = data[position] | data[position + 1] << 8 | data[position + 2] << 16
            end = position + 4 + length
            if end > length_of_all:
                if self._passes_in_parts(data, position):
                    self._skip = end - length_of_all
                    self._packet(data, position, length, whole=False)
                    position = length_of_all
                break
            replaced = self._packet(data, position, length, whole=True)
            if replaced is not None:
                pieces += [data[begin:position], replaced]
                begin = end
            position = end
            if self.done or self.upload:
                # Nothing follows until the client speaks again; should it, it is the client's.
                position = length_of_all
        self._rest = data[position:]
        if pieces:
            return b"".join([*pieces, data[begin:position]])
        return data[begin:position] if self._rest or begin else data

    def _passes_in_parts(self, data: bytes, position: int) -> bool:
        """Tell whether a packet that is not all here may be passed on so far: nothing in it has to be read."""
        if self._continued:
            return True
        long = self.phase in {Phase.ROWS, Phase.COLUMNS, Phase.DEFINITIONS}
        return long and len(data) > position + 4 and data[position + 4] < 0xFE

    def _pass_rows(self, data: bytes, position: int) -> int:
        """Pass over whole rows; returns where something else, or a part of a row, begins."""
        if self.phase != Phase.ROWS or self._continued:
            return position
        return _past_rows(data, position, len(data) - 5)

    def _packet(self, data: bytes, position: int, length: int, *, whole: bool) -> bytes | None:
        """Take in one packet; returns what to pass on in its place, if that differs."""
        continued, self._continued = self._continued, length == 0xFFFFFF
        if continued or not length:
            return None
        first = data[position + 4] if len(data) > position + 4 else 0
        if first == 0xFF and self.phase != Phase.COLUMNS:
            self.failed = self.done = True
            return None
        if self.phase == Phase.ROWS and not (first == 0xFE and whole and length < 0xFFFFFF):
            return None
        return self._STEPS[self.phase](self, data, position, length)

    def _column(self, _data: bytes, _position: int, _length: int) -> None:
        self._left -= 1
        if not self._left:
            self.phase = Phase.COLUMNS_END if self._eof else Phase.ROWS

    def _columns_end(self, data: bytes, position: int, _length: int) -> None:
        self.status = data[position + 7] | data[position + 8] << 8
        # A cursor was opened: its rows are fetched by commands of their own.
        self.done = bool(self.status & wire.CURSOR_EXISTS)
        self.phase = Phase.ROWS

    def _single(self, _data: bytes, _position: int, _length: int) -> None:
        self.done = True

    def _definition(self, _data: bytes, _position: int, _length: int) -> None:
        self._left -= 1
        self.done = not self._left

    def _signs_in(self, data: bytes, position: int, length: int) -> None:
        payload = data[position + 4 : position + 4 + length]
        if payload[0] == 0:
            self.status = wire.read_ok(payload, self.capabilities).status
            self.done = True
        else:
            self.switched, self.upload = payload, True

    def _first(self, data: bytes, position: int, length: int) -> bytes | None:
        first = data[position + 4]
        if first == 0:
            return self._ok(data, position, length)
        if first == 0xFB:
            self.upload = True
        elif first == 0xFE and length < 9:
            self.status = data[position + 7] | data[position + 8] << 8
            self.done = True
        else:
            self._left = wire.number(data, position + 4)[0]
            self.phase = Phase.COLUMNS
        return None

    def _end(self, data: bytes, position: int, length: int) -> bytes | None:
        if not self._eof:
            return self._ok(data, position, length)
        self.status = data[position + 7] | data[position + 8] << 8
        self._go_on()
        return None

    def _ok(self, data: bytes, position: int, length: int) -> bytes | None:
        ok = wire.read_ok(data[position + 4 : position + 4 + length], self.capabilities)
        self.status = ok.status
        self.inserted = self.inserted or ok.insert_id != 0
        self.changes += ok.changes
        self._go_on()
        if not ok.status & wire.STATE_CHANGED or not self._strip:
            return None
        return wire.framed(wire.write_ok(ok, first=data[position + 4]), data[position + 3])

    def _prepared(self, data: bytes, position: int, length: int) -> bytes | None:
        payload = data[position + 4 : position + 4 + length]
        self.prepared = payload
        columns, parameters = int.from_bytes(payload[5:7], "little"), int.from_bytes(payload[7:9], "little")
        ends = (bool(columns) + bool(parameters)) * self._eof
        self._left = columns + parameters + ends
        self.phase = Phase.DEFINITIONS
        self.done = not self._left
        if not self.renumber:
            return None
        return wire.framed(
            payload[:1] + self.renumber.to_bytes(4, "little") + payload[5:], data[position + 3]
        )

    def _go_on(self) -> None:
        if self.status & wire.MORE_RESULTS:
            self.phase = Phase.FIRST
        else:
            self.done = True

    _STEPS: ClassVar[dict[int, Callable[["Reply", bytes, int, int], bytes | None]]] = {
        Phase.FIRST: _first,
        Phase.COLUMNS: _column,
        Phase.COLUMNS_END: _columns_end,
        Phase.ROWS: _end,
        Phase.SINGLE: _single,
        Phase.PREPARED: _prepared,
        Phase.DEFINITIONS: _definition,
        Phase.SIGN_IN: _signs_in,
    }


def _past_rows(data: bytes, at: int, last: int) -> int:
    """Pass over rows that begin at `last` or before, and are all there; returns where something else begins."""
    head, size = _HEAD.unpack_from, len(data)
    before, same = -1, 0
    while at <= last:
        length, much, first = head(data, at)
        # Rows of 64 KiB and more are rare enough to be looked at one by one.
        if first >= 0xFE or much:
            if first >= 0xFE or (much := length | much << 16) == 0xFFFFFF or at + 4 + much > size:
                return at
            length = much
        if at + 4 + length > size:
            return at
        if length == before:
            same += 1
            if same == ALIKE:
                same = 0
                at = alike(data, at, length + 4, _OFFSETS)
                continue
        else:
            before, same = length, 0
        at += 4 + length
    return at
