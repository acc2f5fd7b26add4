"""The store: transactions over the records of all accounts, in SQLite or PostgreSQL."""

import contextlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import delete

from coldframe.core.database import (
    Database,
    Schema,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreTaken,
    StoreUnavailable,
    database_of,
)
from coldframe.core.migrations import Migration, prepare
from coldframe.core.statements import Statements
from coldframe.core.tables import ACCOUNT, Record
from coldframe.core.transaction import Kind, Row, Transaction
from coldframe.core.turns import Turns

__all__ = [
    "Migration",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreTaken",
    "StoreUnavailable",
    "Transaction",
]

R = TypeVar("R", bound=Record)
_ABSENT: Any = object()


class Store:
    """One database and this process's connections to it; safe to use from many threads."""

    def __init__(self, database: Database, *, cached_rows: int = 20_000, write_timeout: float = 30.0) -> None:
        self.database = database
        self.statements = Statements(database.dialect)
        self.turns = Turns(write_timeout)
        self._idle: dict[str, deque[Any]] = {"read": deque(), "write": deque(maxlen=1)}
        self._records: dict[str, type[Record]] = {}
        self._cache: OrderedDict[Row, Any] = OrderedDict()
        self._cached_rows = cached_rows
        self._versions: dict[type[Record], int] = {}
        self.changes = 0
        self._cache_lock = threading.Lock()
        self._writing = threading.local()
        self._closed = False

    @classmethod
    def open(
        cls, url: str, *, exclusive: bool = True, cached_rows: int = 20_000, write_timeout: float = 30.0
    ) -> "Store":
        """Open the database at `url`; raises StoreTaken, naming who, if another server has it (unless not exclusive)."""
        database = database_of(url)
        if exclusive:
            database.claim()
        return cls(database, cached_rows=cached_rows, write_timeout=write_timeout)

    def close(self) -> None:
        """Close the idle connections and let the lock go; transactions under way end on their own."""
        self._closed = True
        for connections in self._idle.values():
            while connections:
                connections.pop().close()
        self.database.release()

    def prepare(self, records: Iterable[type[Record]], migrations: Iterable[Migration] = ()) -> None:
        """Create what is missing of the tables and run the migrations due; call once, with those of every part."""
        for cls in records:
            about = cls.__record__
            if self._records.setdefault(about.name, cls) is not cls:
                raise StoreError(f"two record classes are called {about.name}")
        prepare(self, list(self._records.values()), list(migrations), time.time)

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one moment; it sends no SQL before its first use."""
        transaction = Transaction(self, "read")
        try:
            yield transaction
        finally:
            transaction.finish(commit=False)

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that may change rows: one at a time, committed at the end unless an error leaves the block.

        The turn is taken at the first use. Raises StoreBusy, StoreFull, StoreError.
        """
        if getattr(self._writing, "active", False):
            raise StoreError("this thread is already writing: use the transaction it has, not a second one")
        transaction = Transaction(self, "write")
        self._writing.active = True
        try:
            try:
                yield transaction
            except BaseException:
                transaction.finish(commit=False)
                raise
            transaction.finish(commit=True)
        finally:
            self._writing.active = False
        transaction.call_back()

    def cached(self, cls: type[R], account: str, region: str, *key: Any) -> R | None:
        """The committed row with this key or None, from memory where it has been read before."""
        about = cls.__record__
        slot: Row = (cls, *about.place(account, region), key)
        found = self._cache.get(slot, _ABSENT)
        if found is not _ABSENT:
            try:
                self._cache.move_to_end(slot)
            except KeyError:  # dropped a moment ago; what was found was true when this call began
                return found  # type: ignore[no-any-return]
            return found  # type: ignore[no-any-return]
        version = self.version(cls)
        with self.read() as transaction:
            row = transaction.records(account, region).find(cls, *key)
        with self._cache_lock:
            # A commit in between has already dropped this slot: what was read may be from before it.
            if self.version(cls) == version:
                self._cache[slot] = row
                while len(self._cache) > self._cached_rows:
                    self._cache.popitem(last=False)
        return row

    def version(self, cls: type[Record]) -> int:
        """A number that rises with every committed change to the rows of this class by this process."""
        return self._versions.get(cls, 0)

    def empty(self, accounts: Iterable[str] | None = None) -> None:
        """Delete all rows, or those of some accounts; the rows of no account stay then."""
        names = None if accounts is None else list(accounts)
        with self.write() as transaction:
            for cls in self._records.values():
                table = cls.__record__.table
                statement = (
                    delete(table) if names is None else delete(table).where(table.c[ACCOUNT].in_(names))
                )
                transaction.execute(statement)
                transaction.changed_all(cls)

    def schema(self) -> Schema:
        """The tables with their columns, and the indexes, that the database has now."""
        connection = self.check_out("read")
        try:
            return self.database.schema(connection)
        finally:
            connection.execute("ROLLBACK")
            self.check_in("read", connection)

    def check_out(self, kind: Kind) -> Any:
        """An idle connection, in a transaction; a connection that died while idle is replaced."""
        if self._closed:
            raise StoreError("the store is closed")
        begin = self.database.begin_write if kind == "write" else self.database.begin_read
        while True:
            try:
                connection, fresh = self._idle[kind].pop(), False
            except IndexError:
                connection, fresh = self.database.connect(), True
            try:
                connection.execute(begin)
            except self.database.error as error:
                if fresh or self.database.usable(connection):
                    connection.close()
                    raise self.database.explain(error) or error from error
            else:
                return connection

    def check_in(self, kind: Kind, connection: Any) -> None:
        """Give a connection back; one that is broken is dropped."""
        if self._closed or not self.database.usable(connection):
            connection.close()
        else:
            self._idle[kind].append(connection)

    def published(self, rows: set[Row], classes: set[type[Record]]) -> None:
        """Forget cached rows that a commit changed, and raise the versions of their classes."""
        with self._cache_lock:
            for row in rows:
                self._cache.pop(row, None)
            if classes:
                for row in [row for row in self._cache if row[0] in classes]:
                    del self._cache[row]
            # Last, so that nobody who sees the new version finds an old row under it.
            for cls in {row[0] for row in rows} | classes:
                self._versions[cls] = self._versions.get(cls, 0) + 1
            self.changes += 1
