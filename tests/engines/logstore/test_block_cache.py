"""The blocks read last: kept within bounds, and forgotten with their segment."""

from dataclasses import dataclass
from pathlib import Path

from coldframe.engines.logstore.block_cache import BlockCache
from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore


@dataclass
class Table:
    nbytes: int


def test_the_block_not_read_for_longest_goes_first() -> None:
    cache = BlockCache(most_bytes=100)
    tables = [Table(25) for _ in range(5)]
    for number, table in enumerate(tables[:4]):
        cache.put(1, number, table)
    assert cache.get(1, 0) is tables[0]
    cache.put(1, 4, tables[4])
    assert cache.get(1, 1) is None
    assert [cache.get(1, number) is not None for number in (0, 2, 3, 4)] == [True] * 4


def test_a_large_block_is_not_kept() -> None:
    cache = BlockCache(most_bytes=100)
    cache.put(1, 0, Table(26))
    assert cache.get(1, 0) is None


def test_blocks_are_forgotten_with_their_segment() -> None:
    cache = BlockCache(most_bytes=100)
    for segment in (1, 2):
        cache.put(segment, 0, Table(20))
    cache.forget({1})
    assert cache.get(1, 0) is None
    assert cache.get(2, 0) is not None
    for number in range(1, 5):
        cache.put(2, number, Table(20))
    assert cache.get(2, 0) is not None, "what was forgotten still counts"


def test_rows_read_before_a_stream_is_dropped_are_not_given_after(tmp_path: Path) -> None:
    store = LogStore.open(tmp_path / "logs", master_key=bytes(32), now=lambda: 0)
    for stream in ("kept", "dropped"):
        store.append("g", stream, [Event(number, 0, f"{stream} {number}") for number in range(5000)])
    store.flush()
    assert sum(1 for _ in store.scan("g")) == 10_000
    store.drop_stream("g", "dropped")
    assert {row.stream for row in store.scan("g")} == {"kept"}
    store.flush()
    assert [row.message for row in store.scan("g")] == [f"kept {number}" for number in range(5000)]
    store.close()


def test_batches_that_overlap_everywhere_come_out_of_a_flush_in_order(tmp_path: Path) -> None:
    store = LogStore.open(tmp_path / "logs", master_key=bytes(32), now=lambda: 0)
    for batch in range(120):
        store.append("g", f"s{batch % 7}", [Event(number, 0, f"{batch}/{number}") for number in range(100)])
    before = list(store.scan("g"))
    store.flush()
    after = list(store.scan("g"))
    assert after == before
    assert [row.position for row in after] == sorted(row.position for row in after)
    assert len(after) == 12_000
    store.close()
