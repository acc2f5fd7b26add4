"""The administrator's connection to an instance over its private socket, where the system says who connects."""

import select
import socket
import struct
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coldframe.engines.database import DatabaseError, Silent
from coldframe.engines.postgresql import wire

USER = "rdsadmin"
DATABASE = "rdsadmin"
# Which sessions of pg_stat_activity are users'.
USERS = f"backend_type = 'client backend' AND usename NOT IN ('{USER}', 'rdsrepladmin', 'rdsendpoint')"

Row = wire.Row


class QueryFailed(DatabaseError):
    """The database refused a statement; `code` is its SQLSTATE."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Unreachable(DatabaseError):
    """Nobody answers at the socket."""


class TimedOut(Unreachable, Silent):
    """Whoever listens at the socket did not answer in time."""


class Connection:
    """One session; statements are sent as text, and each call commits for itself."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._reader = wire.Reader()
        self._messages: Iterator[tuple[bytes, bytes]] = iter(())

    def start(self, database: str) -> None:
        """Sign in; raises QueryFailed."""
        names = {
            "user": USER,
            "database": database,
            "application_name": "coldframe",
            "client_encoding": "UTF8",
        }
        # What keeps users from writing does not keep the administrator.
        names["default_transaction_read_only"] = "off"
        self._socket.sendall(wire.startup(names))
        while True:
            kind, body = self._next()
            if kind == b"E":
                raise _failed(body)
            if kind == b"R" and struct.unpack_from("!I", body)[0] != wire.AUTH_OK:
                raise QueryFailed("28000", "the administrator may not sign in without a password")
            if kind == b"Z":
                return

    def query(self, sql: str) -> list[Row]:
        """Run statements and return the rows of all of them; raises QueryFailed for the first that fails."""
        try:
            self._socket.sendall(wire.message(b"Q", wire.text(sql)))
        except OSError as error:
            raise _unreachable(error) from error
        rows: list[Row] = []
        failed: QueryFailed | None = None
        while True:
            try:
                kind, body = self._next()
            except TimedOut:
                raise
            except Unreachable as error:
                # A server that ends a session says why before it does.
                raise Unreachable(f"{error}: {failed}" if failed else str(error)) from error
            if kind == b"D":
                rows.append(wire.row(body))
            elif kind == b"E":
                failed = failed or _failed(body)
            elif kind == b"Z":
                if failed is not None:
                    raise failed
                return rows

    def patience(self, seconds: float) -> None:
        """Wait so long for each answer from now on."""
        self._socket.settimeout(seconds)

    def value(self, sql: str) -> str | None:
        """Run a statement and return its first column of its first row; None when there is none."""
        rows = self.query(sql)
        return rows[0][0] if rows else None

    def _next(self) -> tuple[bytes, bytes]:
        while True:
            for found in self._messages:
                return found
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                raise _unreachable(error) from error
            if not data:
                raise Unreachable("the database ended the administrator's session")
            self._messages = self._reader.feed(data)


class Sessions:
    """Administrator's sessions that are kept open between questions: the database forks a process for each new one.

    Only those at the administrator's own database, where they are in nobody's way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Path, tuple[socket.socket, Connection]] = {}
        # An engine has no end of its own: they are closed with it.
        weakref.finalize(self, _close_all, self._idle)

    @contextmanager
    def at(self, path: Path, *, timeout: float = 60) -> Iterator[Connection]:
        """Give a session for a while; raises Unreachable, or QueryFailed when the database refuses."""
        with self._lock:
            kept = self._idle.pop(path, None)
        if kept is not None and select.select([kept[0]], [], [], 0)[0]:
            # Something came that nobody asked for: the database ended it.
            kept[0].close()
            kept = None
        sock, connection = kept or _connect(path, DATABASE, timeout)
        sock.settimeout(timeout)
        try:
            yield connection
        except QueryFailed:
            # The session outlives a statement that failed.
            self._keep(path, sock, connection)
            raise
        except BaseException:
            sock.close()
            raise
        self._keep(path, sock, connection)

    def _keep(self, path: Path, sock: socket.socket, connection: Connection) -> None:
        with self._lock:
            kept = self._idle.setdefault(path, (sock, connection))
        if kept[0] is not sock:
            sock.close()

    def drop(self, path: Path) -> None:
        """End the session that is kept at a socket."""
        with self._lock:
            kept = self._idle.pop(path, None)
        if kept is not None:
            kept[0].close()


def _close_all(idle: dict[Path, tuple[socket.socket, Connection]]) -> None:
    for sock, _ in idle.values():
        sock.close()


@contextmanager
def connected(path: Path, database: str = DATABASE, *, timeout: float = 60) -> Iterator[Connection]:
    """Connect as the administrator; raises Unreachable, or QueryFailed when the database refuses."""
    sock, connection = _connect(path, database, timeout)
    with sock:
        yield connection
        sock.sendall(wire.message(b"X"))


def _connect(path: Path, database: str, timeout: float) -> tuple[socket.socket, Connection]:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(str(path))
        connection = Connection(sock)
        connection.start(database)
    except OSError as error:
        sock.close()
        raise _unreachable(error) from error
    except BaseException:
        sock.close()
        raise
    return sock, connection


def _unreachable(problem: OSError) -> Unreachable:
    # A socket that takes no more connections without waiting belongs to a process that accepts none.
    kind = TimedOut if isinstance(problem, TimeoutError | BlockingIOError) else Unreachable
    return kind(f"the database does not answer: {problem}")


def _failed(body: bytes) -> QueryFailed:
    found = wire.fields(body)
    return QueryFailed(found.get("C", "XX000"), found.get("M", "the database gave no reason"))
