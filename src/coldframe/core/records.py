"""Records: the typed rows of one account and region, within one transaction."""

import builtins
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, Unpack

import msgspec
from msgspec.structs import replace

from coldframe.core.statements import Filters, Listing, Statements
from coldframe.core.tables import Declaration, Record, record

__all__ = ["Filters", "Listing", "Record", "Records", "place", "record"]

R = TypeVar("R", bound=Record)
_encode = msgspec.json.Encoder().encode


class Cursor(Protocol):
    """The answer to one statement, as both drivers give it."""

    rowcount: int

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Execution(Protocol):
    """What records need of a transaction."""

    statements: Statements

    def run(self, sql: str, parameters: tuple[Any, ...] | list[Any]) -> Cursor: ...
    def after_commit(self, call: Callable[[], None]) -> None: ...
    def changed(self, cls: type[Record], account: str, region: str, key: tuple[Any, ...]) -> None: ...


class Records:
    """The rows of one account and region as one transaction sees them.

    A listing takes, beside the class: `key_prefix` (leading key fields), `where` (equality; a list means any of),
    `starts_with` and `contains` (field, text; case matters), `below` (field, bound), and for `list` also `order`
    (an index field; else the key), `descending`, `after` (see `place`; exclusive) and `limit`.
    """

    __slots__ = ("_transaction", "account", "region")

    def __init__(self, transaction: Execution, account: str, region: str) -> None:
        self._transaction = transaction
        self.account = account
        self.region = region

    def find(self, cls: type[R], *key: Any) -> R | None:
        """The row with this key, or None."""
        about = cls.__record__
        if len(key) != len(about.key):
            raise TypeError(f"{about.name}: the key is {', '.join(about.key)}, got {key!r}")
        at = about.place(self.account, self.region)
        row = self._transaction.run(self._transaction.statements.find(about), (*at, *key)).fetchone()
        return None if row is None else about.decode(row[0])

    def get(self, cls: type[R], *key: Any) -> R:
        """The row with this key; raises the class's `missing` fault."""
        found = self.find(cls, *key)
        if found is None:
            raise cls.__record__.fault("missing", key)
        return found

    def add(self, row: Record) -> None:
        """Insert a row; raises the class's `duplicate` fault where the key is taken."""
        about, key = row.__record__, _key(row)
        at = about.place(self.account, self.region)
        done = self._transaction.run(self._transaction.statements.add(about), (*at, *key, *_rest(about, row)))
        if done.rowcount == 0:
            raise about.fault("duplicate", key)
        self._transaction.changed(type(row), *at, key)

    def change(self, row: R, **fields: Any) -> R:
        """Set fields of the row as it is now, whatever `row` says of the others; raises `missing` if it is gone."""
        if wrong := set(fields) & set(row.__record__.key):
            raise TypeError(f"{row.__record__.name}: key field {', '.join(sorted(wrong))} cannot change")
        changed = replace(self.get(type(row), *_key(row)), **fields)
        self.put(changed)
        return changed

    def put(self, row: Record) -> None:
        """Insert the row, or replace the one with its key."""
        about, key = row.__record__, _key(row)
        at = about.place(self.account, self.region)
        self._transaction.run(self._transaction.statements.put(about), (*at, *key, *_rest(about, row)))
        self._transaction.changed(type(row), *at, key)

    def remove(self, row: Record) -> None:
        """Delete the row with this row's key; raises `missing` if it is gone."""
        about, key = row.__record__, _key(row)
        at = about.place(self.account, self.region)
        if self._transaction.run(self._transaction.statements.remove(about), (*at, *key)).rowcount == 0:
            raise about.fault("missing", key)
        self._transaction.changed(type(row), *at, key)

    def list(self, cls: type[R], **listing: Unpack[Listing]) -> list[R]:
        """The rows wanted, in the order asked for."""
        about = cls.__record__
        sql, values = self._transaction.statements.rows(about, listing, placed=True)
        values[0], values[1] = about.place(self.account, self.region)
        return [about.decode(row[2]) for row in self._transaction.run(sql, values).fetchall()]

    def count(self, cls: type[Record], **filters: Unpack[Filters]) -> int:
        """How many rows a listing with these filters has."""
        about = cls.__record__
        sql, values = self._transaction.statements.count(about, filters)
        values[0], values[1] = about.place(self.account, self.region)
        return int(self._transaction.run(sql, values).fetchone()[0])

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this once the transaction is committed, in this thread and outside of any transaction."""
        self._transaction.after_commit(call)

    def elsewhere(self, *, account: str | None = None, region: str | None = None) -> "Records":
        """The rows of another account or region, in the same transaction."""
        return Records(
            self._transaction,
            self.account if account is None else account,
            self.region if region is None else region,
        )

    def everywhere(self, cls: type[R], **listing: Unpack[Listing]) -> "builtins.list[tuple[str, str, R]]":
        """Account, region and row of every account and region: for the server's own work.

        A caller sees of them at most what a row itself opens to the caller's account.
        """
        about = cls.__record__
        sql, values = self._transaction.statements.rows(about, listing, placed=False)
        return [
            (row[0], row[1], about.decode(row[2])) for row in self._transaction.run(sql, values).fetchall()
        ]


def place(row: Record, order: str | None = None) -> tuple[Any, ...]:
    """Where a row stands in a listing with this order: what `after` takes to go on behind it."""
    key = _key(row)
    return key if order is None else (getattr(row, order), *key)


def _key(row: Record) -> tuple[Any, ...]:
    return tuple(getattr(row, field) for field in row.__record__.key)


def _rest(about: Declaration, row: Record) -> tuple[Any, ...]:
    """The index columns and the body; the body holds every field, so that reading needs no other column."""
    return (*(getattr(row, field) for field in about.index), _encode(row).decode())
