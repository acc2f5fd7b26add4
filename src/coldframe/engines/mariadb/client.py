"""A client of one MariaDB over its unix socket, as the user of the system that asks: no password is needed or kept."""

import os
import socket
import struct
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

from coldframe.core import process
from coldframe.engines.database import DatabaseError, Silent
from coldframe.engines.mariadb import wire

Row = dict[str, str | None]

_CAPABILITIES = (
    wire.LONG_PASSWORD
    | wire.LONG_FLAG
    | wire.PROTOCOL_41
    | wire.TRANSACTIONS
    | wire.SECURE_CONNECTION
    | wire.PLUGIN_AUTH
    | wire.MULTI_RESULTS
)
_UTF8 = 45
_READ_ONLY = 1290
_UP_TO_THE_END = 1
_HEARD = 0.5
_GONE = "the database closed the connection"


class QueryFailed(DatabaseError):
    """The database refused a statement; `code` is its error number."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"({code}) {text}")
        self.code = code


class Unreachable(DatabaseError):
    """Nothing answers at the socket, or the connection broke."""


class TimedOut(Unreachable, Silent):
    """Whoever listens at the socket did not answer in time."""


@contextmanager
def short(path: Path) -> Iterator[str]:
    """Give a socket's path a name that fits into its 107 characters, however deep it lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Client:
    """One connection; statements run one after another."""

    def __init__(self, path: Path, *, user: str = "", timeout: float = 30) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = b""
        try:
            self._socket.settimeout(timeout)
            try:
                with short(path) as name:
                    self._socket.connect(name)
                self._sign_in(user or process.own_account().name)
            except OSError as problem:
                raise _unreachable(f"no database answers at {path.name}", problem) from problem
            # The parameters of the instance may have changed what quotes and backslashes mean.
            self.query("SET SESSION sql_mode = '', lock_wait_timeout = 20")
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        """Close it at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        with closing(self._socket):
            if self._socket.fileno() >= 0:
                try:
                    self._socket.sendall(wire.framed(b"\x01", 0))
                except OSError:
                    return

    def query(self, statement: str) -> list[Row]:
        """Run a statement and return its rows (of its last result); raises QueryFailed and Unreachable."""
        try:
            self._socket.sendall(wire.framed(b"\x03" + statement.encode(), 0))
            rows, more = self._result()
            while more:
                rows, more = self._result()
        except OSError as problem:
            raise _unreachable(_GONE, problem) from problem
        return rows

    def stream(self, statement: str) -> Generator[tuple[bytes | None, ...], None, None]:
        """Run a statement of one result and give its rows as they come, values as the bytes that were sent.

        Raises QueryFailed and Unreachable. One that is not read to its end leaves the connection good for nothing else.
        """
        try:
            self._socket.sendall(wire.framed(b"\x03" + statement.encode(), 0))
            for _ in range(wire.number(self._packet(), 0)[0] + 1):  # the columns, and their end
                self._packet()
            while True:
                packet = self._packet()
                if packet[0] == 0xFE and len(packet) < 9:
                    return
                yield tuple(_fields(packet))
        except OSError as problem:
            raise _unreachable(_GONE, problem) from problem

    def has_everything_before(self, file: str, position: int) -> None:
        """Say that a replica that acknowledges has the binary log up to a position of a file, as the connection's last.

        A primary that acknowledges only what a replica has takes a replica that connects at a position as having what lies
        before it. The server id 0 is that of a reader of the log who is no replica, and ends no other one's session. It
        hears that before it answers, and may answer only when this connection, or another replica's, stirs again.
        """
        self.query("SET @rpl_semi_sync_slave = 1, @master_binlog_checksum = 'NONE'")
        ask = b"\x12" + struct.pack("<IHI", position, _UP_TO_THE_END, 0) + file.encode()
        try:
            self._socket.sendall(wire.framed(ask, 0))
            self._socket.settimeout(_HEARD)
            with suppress(TimeoutError):
                self._packet()
        except OSError as problem:
            raise _unreachable(_GONE, problem) from problem

    def patience(self, seconds: float) -> None:
        """Wait so long for each answer from now on."""
        self._socket.settimeout(seconds)

    def value(self, statement: str) -> str:
        """Return the one value of a statement; an empty string when it is NULL or there is no row."""
        rows = self.query(statement)
        return next(iter(rows[0].values()), None) or "" if rows else ""

    def _result(self) -> tuple[list[Row], bool]:
        first = self._packet()
        if first[0] == 0:
            return [], bool(wire.read_ok(first, _CAPABILITIES).status & wire.MORE_RESULTS)
        columns = []
        for _ in range(wire.number(first, 0)[0]):
            at, definition = 0, self._packet()
            for _ in range(4):
                _, at = wire.text(definition, at)
            columns.append(wire.text(definition, at)[0].decode())
        self._packet()
        rows: list[Row] = []
        while True:
            packet = self._packet()
            if packet[0] == 0xFE and len(packet) < 9:
                return rows, bool(int.from_bytes(packet[3:5], "little") & wire.MORE_RESULTS)
            rows.append(dict(zip(columns, _values(packet), strict=True)))

    def _sign_in(self, user: str) -> None:
        greeting = wire.read_greeting(self._packet())
        answer = wire.Answer(
            _CAPABILITIES & greeting.capabilities,
            1 << 24,
            _UTF8,
            0,
            user.encode(),
            b"",
            b"",
            wire.NATIVE,
            b"",
        )
        self._socket.sendall(wire.framed(wire.write_answer(answer), 1))
        sequence = 3
        while self._packet()[0] != 0:
            # The server asks for another way of signing in; the one by socket needs nothing from us.
            self._socket.sendall(wire.framed(b"", sequence))
            sequence += 2

    def _packet(self) -> bytes:
        payload = b""
        while True:
            header = self._exactly(4)
            length = int.from_bytes(header[:3], "little")
            payload += self._exactly(length)
            if length < 0xFFFFFF:
                break
        if payload[:1] == b"\xff":
            raise QueryFailed(*wire.read_error(payload))
        return payload

    def _exactly(self, length: int) -> bytes:
        while len(self._buffer) < length:
            received = self._socket.recv(65536)
            if not received:
                raise Unreachable(_GONE)
            self._buffer += received
        found, self._buffer = self._buffer[:length], self._buffer[length:]
        return found


def _unreachable(text: str, problem: OSError) -> Unreachable:
    # A socket that takes no more connections without waiting belongs to a process that accepts none.
    kind = TimedOut if isinstance(problem, TimeoutError | BlockingIOError) else Unreachable
    return kind(f"{text}: {problem.strerror or problem}")


def _values(packet: bytes) -> list[str | None]:
    return [None if value is None else value.decode("utf-8", "replace") for value in _fields(packet)]


def _fields(packet: bytes) -> Iterator[bytes | None]:
    at = 0
    while at < len(packet):
        if packet[at] == 0xFB:
            yield None
            at += 1
        else:
            value, at = wire.text(packet, at)
            yield value


def quoted(value: str) -> str:
    """Write a string as SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def named(identifier: str) -> str:
    """Write the name of a database, table or column as SQL."""
    return "`" + identifier.replace("`", "``") + "`"
