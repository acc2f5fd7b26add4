"""Migrations: tables made to fit the record classes, and numbered changes to rows, each in its own transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable, ExecutableDDLElement

from coldframe.core.database import StoreError
from coldframe.core.tables import ACCOUNT, BODY, REGION, Declaration, Record, record

if TYPE_CHECKING:
    from coldframe.core.store import Store, Transaction


@dataclass(frozen=True)
class Migration:
    """Change number `number` of a part, from 1 on without gaps; runs after tables and columns have been added."""

    part: str
    number: int
    change: "Callable[[Transaction], None]"


@record("schema_migrations", key=("part", "number"), scope="partition")
class Applied(Record):
    """A migration that has been run; the time is seconds since 1970, UTC."""

    part: str
    number: int
    applied_at: float


def prepare(
    store: "Store", classes: list[type[Record]], migrations: list[Migration], now: Callable[[], float]
) -> None:
    """Add the tables, columns and indexes that are missing, then run the migrations that are due.

    Raises StoreError if the store was written by a newer version, before anything is changed.
    """
    known = _numbered(migrations)
    columns, indexes = store.schema()
    if Applied.__record__.name in columns:
        _refuse_newer(store, known)
    every: list[type[Record]] = [Applied, *classes]
    with store.write() as transaction:
        for cls in every:
            about = cls.__record__
            _fit(store, transaction, about, columns.get(about.name), indexes)
    with store.read() as transaction:
        done = {(row.part, row.number) for row in transaction.records("", "").list(Applied)}
    for migration in sorted(migrations, key=lambda migration: migration.number):
        if (migration.part, migration.number) not in done:
            with store.write() as transaction:
                migration.change(transaction)
                applied = Applied(part=migration.part, number=migration.number, applied_at=now())
                transaction.records("", "").add(applied)


def _numbered(migrations: list[Migration]) -> dict[str, int]:
    """The highest number of each part."""
    numbers: dict[str, list[int]] = {}
    for migration in migrations:
        numbers.setdefault(migration.part, []).append(migration.number)
    for part, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            raise StoreError(f"the migrations of {part} are not numbered 1 to {len(found)}: {sorted(found)}")
    return {part: len(found) for part, found in numbers.items()}


def _refuse_newer(store: "Store", known: dict[str, int]) -> None:
    with store.read() as transaction:
        done = transaction.records("", "").list(Applied)
    newer = sorted({row.part for row in done if row.number > known.get(row.part, 0)})
    if newer:
        raise StoreError(
            f"the store was written by a newer version of coldframe ({', '.join(newer)} has changed since);"
            " start that version, or restore a backup made by this one"
        )


def _fit(
    store: "Store",
    transaction: "Transaction",
    about: Declaration,
    present: dict[str, bool] | None,
    indexes: set[str],
) -> None:
    dialect = store.database.dialect

    def run(element: ExecutableDDLElement) -> None:
        transaction.run(str(element.compile(dialect=dialect)))

    if present is None:
        run(CreateTable(about.table))
    else:
        key = {ACCOUNT, REGION, *about.key}
        if {name for name, in_key in present.items() if in_key} != key:
            raise StoreError(f"the key of {about.name} has changed, which needs a new table and a migration")
        added = [name for name in about.index if name not in present]
        for name in added:
            column = str(CreateColumn(about.table.c[name]).compile(dialect=dialect))
            transaction.run(f"ALTER TABLE {about.name} ADD COLUMN {column}")
        if added:
            _fill(transaction, about)
    for index in about.table.indexes:
        if index.name not in indexes:
            run(CreateIndex(index))


def _fill(transaction: "Transaction", about: Declaration) -> None:
    """Write every row again, so that new columns get their values from the body."""
    records = transaction.records("", "")
    bodies = transaction.run(f"SELECT {ACCOUNT}, {REGION}, {BODY} FROM {about.name}").fetchall()  # noqa: S608
    for account, region, body in bodies:
        records.elsewhere(account=account, region=region).put(about.decode(body))
