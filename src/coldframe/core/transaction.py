"""A transaction: what happens together or not at all, begun at its first use."""

import contextlib
from collections.abc import Callable
from typing import Any, Literal, Protocol

from sqlalchemy.sql import Executable

from coldframe.core.database import Database, StoreError
from coldframe.core.records import Cursor, Records
from coldframe.core.statements import Statements
from coldframe.core.tables import Record
from coldframe.core.turns import Turns

Kind = Literal["read", "write"]
Row = tuple[type[Record], str, str, tuple[Any, ...]]


class Connections(Protocol):
    """What a transaction needs of the store."""

    database: Database
    statements: Statements
    turns: Turns

    def check_out(self, kind: Kind) -> Any: ...  # noqa: D102
    def check_in(self, kind: Kind, connection: Any) -> None: ...  # noqa: D102
    def published(self, rows: set[Row], classes: set[type[Record]]) -> None: ...  # noqa: D102


class Transaction:
    """What happens together or not at all."""

    __slots__ = (
        "_callbacks",
        "_changed",
        "_changed_classes",
        "_connection",
        "_failed",
        "_finished",
        "_kind",
        "_store",
        "statements",
    )

    def __init__(self, store: Connections, kind: Kind) -> None:
        self.statements = store.statements
        self._store = store
        self._kind = kind
        self._connection: Any = None
        self._failed = self._finished = False
        self._callbacks: list[Callable[[], None]] = []
        self._changed: set[Row] = set()
        self._changed_classes: set[type[Record]] = set()

    def records(self, account: str, region: str) -> Records:
        """The rows of one account and region."""
        return Records(self, account, region)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this once the transaction is committed, in this thread and outside of any transaction."""
        if self._kind == "read":
            raise StoreError("a reading transaction is never committed")
        self._callbacks.append(call)

    def execute(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Cursor:
        """Run any SQLAlchemy statement: for migrations and the like, for it is built at every call."""
        prepared = self.statements.text(statement)
        values = {**prepared.values, **(parameters or {})}
        return self.run(prepared.sql, [values[name] for name in prepared.names])

    def run(self, sql: str, parameters: tuple[Any, ...] | list[Any] = ()) -> Cursor:
        """Run SQL text in the driver's own style."""
        connection = self._connection or self._begin()
        try:
            return connection.execute(sql, parameters)  # type: ignore[no-any-return]
        except self._store.database.error as error:
            self._failed = True
            raise self._store.database.explain(error) or error from error

    def changed(self, cls: type[Record], account: str, region: str, key: tuple[Any, ...]) -> None:
        """Note a row whose cached copy ends with the commit."""
        self._changed.add((cls, account, region, key))

    def changed_all(self, cls: type[Record]) -> None:
        """Note a class of which any row may have changed."""
        self._changed_classes.add(cls)

    def finish(self, *, commit: bool) -> None:
        """End the transaction; the store's `read` and `write` do so."""
        self._finished = True
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if commit and not self._failed:
                self._commit(connection)
            else:
                self._undo(connection)
        finally:
            self._store.check_in(self._kind, connection)
            if self._kind == "write":
                self._store.turns.give()
        if commit and self._failed:
            raise StoreError("a statement of this transaction failed, so nothing of it was committed")

    def call_back(self) -> None:
        """Run what was to follow the commit."""
        for call in self._callbacks:
            call()

    def _commit(self, connection: Any) -> None:
        try:
            connection.execute("COMMIT")
        except self._store.database.error as error:
            self._undo(connection)
            raise self._store.database.explain(error) or error from error
        finally:
            # Also after an error: a commit whose answer was lost may have happened.
            if self._changed or self._changed_classes:
                self._store.published(self._changed, self._changed_classes)

    def _undo(self, connection: Any) -> None:
        # SQLite has ended the transaction itself on some errors, and a lost server ends it in any case.
        with contextlib.suppress(self._store.database.error):
            connection.execute("ROLLBACK")

    def _begin(self) -> Any:
        if self._finished:
            raise StoreError("this transaction has ended")
        if self._kind == "write":
            self._store.turns.take()
            try:
                self._connection = self._store.check_out("write")
            except BaseException:
                self._store.turns.give()
                raise
        else:
            self._connection = self._store.check_out("read")
        return self._connection
