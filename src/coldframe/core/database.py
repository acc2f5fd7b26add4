"""What differs between the two databases: opening, beginning a transaction, errors, and the lock of the one server."""

import contextlib
import errno
import fcntl
import os
import sqlite3
import threading
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError

from coldframe.core.durable import make_folder

# Any two numbers do, as long as every server uses the same: "cold" and "frame" in a sense.
SERVER_LOCK, WRITER_LOCK = 0xC01DF4A3E, 0xC01DF4A3F


# The columns of each table, and whether they are in its key; the names of the indexes.
Schema = tuple[dict[str, dict[str, bool]], set[str]]


class StoreError(Exception):
    """The store cannot do what was asked; the text says why and what to do."""


class StoreUnavailable(StoreError):
    """The same may succeed later: for want of space, of a turn to write, or of the database itself."""


class StoreFull(StoreUnavailable):
    """No space is left: the write was rolled back, reads go on, and writes go on once there is space again."""


class StoreBusy(StoreUnavailable):
    """Another writer held the store for longer than a write waits."""


class StoreTaken(StoreError):
    """Another server has this store open."""


class Database(Protocol):
    """One of the two databases; connections are the driver's own, in autocommit mode."""

    dialect: Dialect
    error: type[Exception]
    begin_read: str
    begin_write: str

    def connect(self) -> Any: ...  # noqa: D102
    def usable(self, connection: Any) -> bool: ...  # noqa: D102
    def explain(self, error: Exception) -> Exception | None: ...  # noqa: D102
    def claim(self) -> None: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102
    def schema(self, connection: Any) -> Schema: ...  # noqa: D102


def database_of(url: str) -> Database:
    """The database a URL names: `sqlite:////path/file.db` or `postgresql://user@host/name`."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"the store is sqlite:////path/to/file or postgresql://user@host/name, not {url!r}"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return SQLite(Path(parsed.database))
    if backend == "postgresql":
        return PostgreSQL(parsed)
    raise StoreError(f"the store is sqlite:////path/to/file or postgresql://user@host/name, not {parsed!r}")


class SQLite:
    """A file beside the other files of the data directory; write-ahead journal, synced at every commit."""

    error: type[Exception] = sqlite3.Error
    begin_read = "BEGIN"
    begin_write = "BEGIN IMMEDIATE"

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.dialect: Dialect = SQLiteDialect_pysqlite(paramstyle="qmark")
        self._lock: IO[str] | None = None
        make_folder(self.path.parent)

    def connect(self) -> sqlite3.Connection:
        """A connection; the file is its owner's alone, for secrets may lie in it."""
        try:
            # Made, never opened: to close a file that is there would let go of every lock that this process has on it, and the
            # next process that ends its use of the store would take itself for the last one, and the journal away from us.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            raise self.explain(error) or StoreError(f"{self.path} cannot be opened: {error}") from error
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=30
        )
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            connection.close()
            raise self.explain(error) or StoreError(f"{self.path} cannot be opened: {error}") from error
        return connection

    def usable(self, connection: sqlite3.Connection) -> bool:
        """A file does not go away by itself."""
        return True

    def explain(self, error: Exception) -> Exception | None:
        """The error in the operator's words, or None where it is none of those expected."""
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
            return StoreFull(f"no space is left for {self.path}; the change was not made")
        if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return StoreBusy(f"{self.path} is being written by another process")
        if code & 0xFF == sqlite3.SQLITE_IOERR:
            return StoreUnavailable(f"{self.path} cannot be read or written: {error}")
        if code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return StoreError(f"{self.path} is damaged or no database of coldframe; restore it from a backup")
        return None

    def claim(self) -> None:
        """Hold the lock file; raises StoreTaken naming the process that has it."""
        path = self.path.with_name(self.path.name + ".lock")
        holder = path.open("a+")
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder.seek(0)
            owner = f"process {holder.read().strip() or 'unknown'}"
            holder.close()
            raise StoreTaken(
                f"{self.path.parent} is in use by another server, {owner}; end it, or choose another directory with --data"
            ) from error
        holder.truncate(0)
        holder.write(f"{os.getpid()}\n")
        holder.flush()
        self._lock = holder

    def served(self) -> bool:
        """Tell whether a server has it just now."""
        path = self.path.with_name(self.path.name + ".lock")
        if not path.exists():
            return False
        with path.open() as looked_at:
            try:
                fcntl.flock(looked_at, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def release(self) -> None:
        """Let the lock file go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def schema(self, connection: Any) -> Schema:
        """The tables and indexes there are."""
        columns = connection.execute(
            "SELECT t.name, c.name, c.pk > 0 FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
        ).fetchall()
        indexes = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()
        return _schema(columns, indexes)


class PostgreSQL:
    """A PostgreSQL server, for installations that outgrow one file."""

    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    # The lock makes writers follow one another also across processes, so no write ever has to be repeated.
    begin_write = f"BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})"

    def __init__(self, url: URL) -> None:
        try:
            import psycopg
            from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
        except ImportError as error:
            raise StoreError("PostgreSQL needs its driver: pip install 'coldframe[postgresql]'") from error
        self._psycopg = psycopg
        self._address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._shown = url.set(drivername="postgresql").render_as_string(hide_password=True)
        self.error: type[Exception] = psycopg.Error
        self.dialect: Dialect = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
        self._holder: Any = None
        self._claiming = threading.Lock()

    def connect(self) -> Any:
        """A connection of its own; checks on the way that this server still holds the lock."""
        connection = self._dial()
        try:
            self._keep_claim()
        except StoreError:
            connection.close()
            raise
        return connection

    def usable(self, connection: Any) -> bool:
        """Whether the connection outlived its last error."""
        return not connection.closed

    def explain(self, error: Exception) -> Exception | None:
        """The error in the operator's words, or None where it is none of those expected."""
        errors = self._psycopg.errors
        if isinstance(error, errors.DiskFull):
            return StoreFull(f"no space is left for PostgreSQL at {self._shown}; the change was not made")
        if isinstance(error, errors.LockNotAvailable | errors.QueryCanceled):
            return StoreBusy(f"PostgreSQL at {self._shown} is being written by another process")
        if (
            isinstance(error, errors.AdminShutdown | errors.CrashShutdown)
            or type(error) is self._psycopg.OperationalError
        ):
            return StoreUnavailable(f"PostgreSQL at {self._shown} went away: {str(error).strip()}")
        return None

    def claim(self) -> None:
        """Hold the server's advisory lock on a connection of its own; raises StoreTaken naming who has it."""
        holder = self._dial()
        try:
            # A server that was killed a moment ago may seem to be there a little longer.
            holder.execute("SET lock_timeout = '1s'")
            holder.execute(f"SELECT pg_advisory_lock({SERVER_LOCK})")
        except self._psycopg.errors.LockNotAvailable:
            self._refuse(holder)
        self._holder = holder

    def _refuse(self, holder: Any) -> NoReturn:
        row = holder.execute(
            "SELECT application_name, coalesce(host(client_addr), 'this machine'), backend_start"
            " FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s",
            (SERVER_LOCK >> 32, SERVER_LOCK & 0xFFFFFFFF),
        ).fetchone()
        holder.close()
        owner = f"{row[0]} from {row[1]} since {row[2]:%Y-%m-%d %H:%M}" if row else "which has just left"
        raise StoreTaken(f"PostgreSQL at {self._shown} is in use by another server, {owner}")

    def release(self) -> None:
        """Let the advisory lock go."""
        if self._holder is not None:
            # Unlocked by hand, for the server notices the end of a connection only a little later.
            with contextlib.suppress(self._psycopg.Error):
                self._holder.execute(f"SELECT pg_advisory_unlock({SERVER_LOCK})")
            self._holder.close()
            self._holder = None

    def schema(self, connection: Any) -> Schema:
        """The tables and indexes there are."""
        columns = connection.execute(
            "SELECT c.table_name, c.column_name, k.column_name IS NOT NULL FROM information_schema.columns c"
            " LEFT JOIN information_schema.key_column_usage k USING (table_schema, table_name, column_name)"
            " WHERE c.table_schema = current_schema()"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
        ).fetchall()
        return _schema(columns, indexes)

    def _keep_claim(self) -> None:
        with self._claiming:
            if self._holder is None:
                return
            try:
                self._holder.execute("SELECT 1")
            except self._psycopg.Error:
                # Whoever ended that connection let the lock go too: nobody else may have taken it since.
                self._holder.close()
                self.claim()

    def _dial(self) -> Any:
        try:
            connection = self._psycopg.connect(
                self._address, autocommit=True, application_name=f"coldframe {os.getpid()}"
            )
            connection.execute(
                "SET client_min_messages = warning; SET synchronous_commit = on; SET timezone = 'UTC'"
            )
        except self._psycopg.Error as error:
            raise StoreUnavailable(
                f"PostgreSQL at {self._shown} does not answer: {str(error).strip()}"
            ) from error
        return connection


def _schema(columns: list[Any], indexes: list[Any]) -> Schema:
    tables: dict[str, dict[str, bool]] = {}
    for table, column, in_key in columns:
        tables.setdefault(table, {})[column] = bool(in_key)
    return tables, {name for (name,) in indexes}
