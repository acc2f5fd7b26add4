"""Positions behind a key prefix: the same rows as a plain sort gives, found through the index without a sort."""

import itertools
import random

import pytest

from coldframe.core.records import Record, record
from coldframe.core.store import Store


@record("test_positions", key=("shelf", "name", "number"), index=("live",), scope="partition")
class Thing(Record):
    """A row with a key of three fields."""

    shelf: str
    name: str
    number: int
    live: bool = True


ROWS = [
    Thing(shelf=shelf, name=name, number=number, live=(number + len(name)) % 2 == 0)
    for shelf, name, number in itertools.product("ab", ("", "k", "ka", "kä", "kb", "l", "ü"), (-2, 0, 3))
]


@pytest.fixture
def filled(store: Store) -> Store:
    store.prepare([Thing])
    with store.write() as transaction:
        for row in random.Random(1).sample(ROWS, len(ROWS)):
            transaction.records("", "").add(row)
    return store


def test_every_position_prefix_and_bound(filled: Store) -> None:
    with filled.read() as transaction:
        records = transaction.records("", "")
        for after, prefix, starts, live in itertools.product(
            [None, ("a", "k", 0), ("a", "kz", 1), ("b", "", -2), ("a", "", 9), ("0", "x", 0)],
            [(), ("a",), ("a", "k")],
            [None, "k", "ka", ""],
            [None, True],
        ):
            wanted = [
                row
                for row in sorted(ROWS, key=lambda row: (row.shelf, row.name, row.number))
                if (row.shelf, row.name)[: len(prefix)] == prefix
                and (after is None or (row.shelf, row.name, row.number) > after)
                and row.name.startswith(starts or "")
                and (live is None or row.live)
            ]
            found = records.list(
                Thing,
                key_prefix=prefix,
                after=after,
                starts_with=("name", starts) if starts is not None else None,
                where={} if live is None else {"live": live},
            )
            assert found == wanted, (after, prefix, starts, live)


def test_no_sort(tmp_path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    store.prepare([Thing])
    listing = {"key_prefix": ("a",), "where": {"live": True}, "after": ("a", "k", 1), "limit": 10}
    sql, values = store.statements.rows(Thing.__record__, listing, placed=True)
    with store.read() as transaction:
        plan = str(transaction.run(f"EXPLAIN QUERY PLAN {sql}", values).fetchall())
    store.close()
    assert "(name,number)>" in plan
    assert "TEMP B-TREE" not in plan
