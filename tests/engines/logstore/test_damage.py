"""Damaged files: named with file and offset, kept, and the rest of the store goes on."""

import shutil

import pytest

from coldframe.engines.logstore.check import verify
from coldframe.engines.logstore.errors import Shredded, StoreDamaged, StoreLocked
from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore

NOON = 1_700_000_000_000


def filled(store: LogStore, segments: int, rows: int = 20_000) -> None:
    for number in range(segments):
        at = number * rows
        store.append(
            "g", "s", [Event(at + i, 0, f"row {at + i} {hash((at, i)) & 0xFFFFFFFF}") for i in range(rows)]
        )
        store.flush()


def test_a_damaged_block_is_named_and_the_others_are_read(open_store, tmp_path) -> None:
    store = open_store()
    filled(store, 2)
    store.close()
    path = min((tmp_path / "store" / "segments").iterdir())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    problems = verify(tmp_path / "store")
    assert [problem.file for problem in problems] == [path.name]
    assert 0 < problems[0].offset < len(content)
    store = open_store()
    rows = [row.timestamp for row in store.scan("g")]
    assert len(rows) in range(40_000 - 8192, 40_000)
    assert rows == sorted(rows)
    assert rows[-1] == 39_999
    assert [(p.file, p.offset, p.at) for p in store.problems()] == [(path.name, problems[0].offset, NOON)]


def test_a_missing_and_an_unreadable_segment_do_not_stop_the_store(open_store, tmp_path) -> None:
    store = open_store()
    filled(store, 3, rows=100)
    store.close()
    first, second, _ = sorted((tmp_path / "store" / "segments").iterdir())
    first.unlink()
    second.write_bytes(b"PAR1 not really")
    assert {problem.file for problem in verify(tmp_path / "store")} == {first.name, second.name}
    store = open_store()
    assert [row.timestamp for row in store.scan("g")] == [*range(200, 300)]
    assert {problem.file for problem in store.problems()} == {first.name, second.name}
    store.append("g", "s", [Event(1000, 0, "goes on")])
    store.flush()
    assert [row.timestamp for row in store.scan("g")][-1] == 1000


@pytest.mark.parametrize("content", [None, b"", b"x" * 5000])
def test_without_its_catalog_no_store_is_opened_and_no_segment_removed(open_store, tmp_path, content) -> None:
    store = open_store()
    filled(store, 2, rows=100)
    store.append("g", "s", [Event(1000, 0, "in the log alone")])
    store.close()
    catalog, segments = tmp_path / "store" / "catalog.sqlite", tmp_path / "store" / "segments"
    kept, files = catalog.read_bytes(), sorted(segments.iterdir())
    assert len(files) == 2
    catalog.unlink()
    if content is not None:
        catalog.write_bytes(content)
    with pytest.raises(StoreDamaged, match=r"catalog\.sqlite.*backup"):
        open_store()
    assert sorted(segments.iterdir()) == files
    catalog.write_bytes(kept)
    assert [row.timestamp for row in open_store().scan("g")] == [*range(200), 1000]


def test_keys_that_are_empty_are_made_anew_and_torn_ones_named(open_store, event, tmp_path, caplog) -> None:
    store = open_store()
    store.append("g", "s", [event(1, "mail", "a@example.com")])
    store.close()
    (keys,) = (tmp_path / "store" / "keys").glob("*.keys")
    whole = keys.read_bytes()
    keys.write_bytes(whole[: len(whole) // 2])
    store = open_store()
    with pytest.raises(StoreDamaged, match=rf"{keys.name}.*backup"):
        store.append("g", "s", [event(2, "mail", "b@example.com")])
    store.close()
    keys.write_bytes(b"")
    (tmp_path / "store" / "keys" / "master.proof").write_bytes(b"")
    store = open_store()
    (first,) = store.scan("g")
    with pytest.raises(Shredded):
        store.unseal("g", first)
    store.append("g", "s", [event(2, "mail", "b@example.com")])
    assert store.unseal("g", list(store.scan("g"))[1]) == "mail b@example.com end"
    assert f"{keys} is empty" in caplog.text
    store.close()
    store = open_store()
    assert len(list(store.scan("g"))) == 2


def test_compaction_leaves_a_damaged_segment_alone(open_store, tmp_path) -> None:
    store = open_store()
    filled(store, 7, rows=100)
    store.close()
    path = min((tmp_path / "store" / "segments").iterdir())
    damaged = path.read_bytes()[:300] + b"\xff" * 20 + path.read_bytes()[320:]
    path.write_bytes(damaged)
    store = open_store()
    for number in range(7, 10):
        store.append("g", "s", [Event(number * 100 + i, 0, f"row {i}") for i in range(100)])
        store.flush()
    assert path.read_bytes() == damaged
    assert [row.timestamp for row in store.scan("g")] == [*range(100, 1000)]
    with store.view("g") as view:
        assert len(view.segments_between(0, 10**6)) < 10


def test_the_check_finds_a_damaged_log_record_and_the_store_keeps_the_rest(open_store, tmp_path) -> None:
    store = open_store()
    for number in range(3):
        store.append("g", "s", [Event(number, 0, f"record {number}")])
    store.close()
    path = next((tmp_path / "store" / "wal").glob("*.wal"))
    path.write_bytes(path.read_bytes().replace(b"record 1", b"record X"))
    assert [problem.file for problem in verify(tmp_path / "store")] == [path.name]
    store = open_store()
    assert [row.timestamp for row in store.scan("g")] == [0, 2]
    assert [problem.file for problem in store.problems()] == [path.name]


def test_the_check_of_a_sound_store_finds_nothing_and_of_an_open_one_is_refused(open_store, tmp_path) -> None:
    store = open_store()
    filled(store, 1, rows=50)
    with pytest.raises(StoreLocked):
        verify(tmp_path / "store")
    store.close()
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    assert verify(tmp_path / "copy") == []
