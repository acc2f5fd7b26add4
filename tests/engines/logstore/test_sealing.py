"""Originals: put back for who may see them, and nowhere in clear in any file of the store."""

from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from coldframe.engines.logstore.errors import CorruptBlock, Shredded
from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore

DAY = 86_400_000
SECRETS = ["AKIAIOSFODNN7EXAMPLE", "4012-8888-8888-1881", "sécret-日本-92f1"]


def holders_of(directory: Path, secret: str) -> list[str]:
    """Return the files that hold the secret, as raw bytes or in a column once decompressed."""
    wanted = secret.encode()
    found = []
    for path in sorted(directory.rglob("*")):
        if not path.is_file():
            continue
        content = [path.read_bytes()]
        if path.suffix == ".parquet":
            table = parquet.read_table(path)
            content += [str(value).encode() for column in table.columns for value in column.to_pylist()]
            content += [value for value in table["sealed"].to_pylist() if value is not None]
        if any(wanted in part for part in content):
            found.append(path.name)
    return found


def test_no_secret_lies_in_clear_after_append_flush_compaction_and_restart(
    open_store, event, tmp_path
) -> None:
    store = open_store(log=65536)
    for number in range(10):
        store.append("g", "s", [event(number, f"user {number}", secret) for secret in SECRETS])
        if number < 9:
            store.flush()
        for secret in SECRETS:
            assert holders_of(tmp_path, secret) == []
    with store.view("g") as view:
        assert len(view.segments_between(0, 99)) < 9, "a compaction was to have run"
    store.close()
    store = open_store()
    rows = list(store.scan("g"))
    assert len(rows) == 30
    assert sorted(store.unseal("g", row) for row in rows) == sorted(
        f"user {number} {secret} end" for number in range(10) for secret in SECRETS
    )
    for secret in SECRETS:
        assert holders_of(tmp_path, secret) == []
    store.append("g", "s", [Event(99, 0, f"a leak of {SECRETS[0]}")])
    assert [name.split(".")[1] for name in holders_of(tmp_path, SECRETS[0])] == ["wal"]
    store.flush()
    assert [name.split(".")[1] for name in holders_of(tmp_path, SECRETS[0])] == ["parquet"]


def test_overlapping_spans_are_put_back_as_their_union(open_store) -> None:
    store = open_store()
    store.append(
        "g",
        "s",
        [Event(1, 1, "a ******** b ** c", ((2, 7, 1), (4, 10, 2), (13, 15, 9)), "a 12345678 b xy c")],
    )
    row = next(store.scan("g"))
    assert (row.message, row.spans[1]) == ("a ******** b ** c", (4, 10, 2))
    assert store.unseal("g", row) == "a 12345678 b xy c"


@pytest.mark.parametrize(
    ("message", "spans", "original", "said"),
    [
        ("a ***", ((2, 5, 0),), "a secret", "length"),
        ("a secret b", ((0, 1, 0),), "a secret c", "outside the spans"),
        ("x secret **", ((9, 11, 0),), "a secret 12", "outside the spans"),
        ("a ***", ((2, 9, 0),), "a 123", "lies outside"),
        ("a ***", ((4, 2, 0),), "a 123", "lies outside"),
    ],
)
def test_an_event_whose_original_does_not_fit_is_refused(open_store, message, spans, original, said) -> None:
    store = open_store()
    with pytest.raises(ValueError, match=said):
        store.append("g", "s", [Event(1, 1, message, spans, original)])
    assert list(store.scan("g")) == []


def test_a_sealed_value_opens_only_where_it_was_sealed(open_store, event) -> None:
    store = open_store()
    store.append("g", "s", [event(1, "m", "first"), event(2, "m", "other")])
    one, two = store.scan("g")
    assert store.unseal("g", one) == "m first end"
    altered = bytearray(one.sealed)
    altered[-1] ^= 1
    for wrong in (
        one._replace(sealed=two.sealed),
        one._replace(stream="t"),
        one._replace(sealed=bytes(altered)),
    ):
        with pytest.raises(CorruptBlock, match="authenticate"):
            store.unseal("g", wrong)
    with pytest.raises(Shredded):
        store.unseal("another", one)


def test_dropping_the_group_shreds_at_once_and_for_good(open_store, event, tmp_path) -> None:
    store = open_store()
    store.append("g", "s", [event(1, "m", "secret")])
    row = next(store.scan("g"))
    store.drop_group("g")
    with pytest.raises(Shredded):
        store.unseal("g", row)
    store.close()
    with pytest.raises(Shredded):
        open_store().unseal("g", row)


def test_expiry_drops_the_keys_of_days_of_which_nothing_is_left(open_store, event) -> None:
    store = open_store()
    for day in range(3):
        store.append("g", "s", [event(day * DAY + 5, "m", f"secret {day}", ingestion=day * DAY + 9)])
        store.flush()
    rows = list(store.scan("g"))
    store.expire("g", 2 * DAY)
    store.flush()
    for row in rows[:2]:
        with pytest.raises(Shredded):
            store.unseal("g", row)
    assert store.unseal("g", rows[2]) == "m secret 2 end"
    store.expire("g", 9 * DAY)
    store.flush()
    with pytest.raises(Shredded):
        store.unseal("g", rows[2])


def test_a_key_in_use_by_memory_rows_is_kept(open_store, event) -> None:
    store: LogStore = open_store()
    store.append("g", "s", [event(5, "m", "old"), event(9 * DAY, "m", "new")])
    store.expire("g", DAY)
    store.flush()
    assert [store.unseal("g", row) for row in store.scan("g")] == ["m new end"]


def test_key_files_are_readable_by_the_owner_alone(open_store, event, tmp_path) -> None:
    open_store().append("g", "s", [event(1, "m", "secret")])
    for path in (tmp_path / "store").rglob("*"):
        assert path.is_dir() or path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "store" / "keys").iterdir())
