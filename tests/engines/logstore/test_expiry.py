"""Expiry: what is there goes, at once and for good; what comes later stays, of whatever time it is."""

import sqlite3
from contextlib import closing

import msgspec
import pytest


@pytest.mark.parametrize("flushed", [False, True])
def test_rows_of_an_expired_time_that_come_later_stay(open_store, event, flushed) -> None:
    store = open_store()

    def put(name: str, *times: int) -> None:
        store.append("g", "s", [event(at, f"{name} {at}") for at in times])
        if flushed:
            store.flush()

    def there() -> list[str]:
        return [row.message for row in store.scan("g")]

    put("first", 10, 20, 30, 100)
    store.expire("g", 50)
    put("second", 15, 40, 110)
    expected = ["second 15", "second 40", "first 100", "second 110"]
    assert there() == expected
    # The retention is shorter than the first one was, and less of the time is emptied than before.
    store.expire("g", 20)
    put("third", 5)
    expected = ["third 5", *expected[1:]]
    assert there() == expected
    for _ in range(2):
        store.close()
        store = open_store()
        assert there() == expected
        assert [row.message for row in store.scan("g", start=30, descending=True)] == expected[:0:-1]
        store.flush()
        assert there() == expected
    if not flushed:  # of segments that keep most of their rows, the facts lag
        assert store.streams("g")["s"].events == 4


def test_times_that_an_earlier_version_closed_are_open_for_what_comes(open_store, event, tmp_path) -> None:
    store = open_store()
    store.append("g", "s", [event(at, f"old {at}") for at in (1, 2, 9)])
    store.flush()
    store.close()
    with closing(sqlite3.connect(tmp_path / "store" / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("INSERT INTO hidden VALUES ('g', 5, 0, ?)", (msgspec.msgpack.encode({}),))
        catalog.execute("DROP TABLE expired")
    for _ in range(2):
        store = open_store()
        assert [row.message for row in store.scan("g", start=5)] == ["old 9"]
        store.append("g", "s", [event(3, "new")])
        store.close()
    store = open_store()
    assert [row.message for row in store.scan("g")] == ["new", "new", "old 9"]
