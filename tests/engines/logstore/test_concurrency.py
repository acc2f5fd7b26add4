"""Readers and writers at once, while segments are written, merged and removed under them."""

import gc
import threading
import time

from coldframe.engines.logstore.rows import Event


def test_two_writers_and_three_readers_lose_nothing(open_store) -> None:
    store = open_store(memory=60_000, log=100_000)
    acknowledged = [0, 0]
    failures: list[BaseException] = []
    ends = time.monotonic() + 2

    def write(number: int) -> None:
        while time.monotonic() < ends:
            at = acknowledged[number]
            store.append(
                "g", f"s{number}", [Event(at + i, 0, f"{number} {at + i} {'x' * 30}") for i in range(10)]
            )
            acknowledged[number] = at + 10

    def read(descending: bool) -> None:
        while time.monotonic() < ends:
            for number in (0, 1):
                least = acknowledged[number]
                found = [
                    row.timestamp for row in store.scan("g", streams={f"s{number}"}, descending=descending)
                ]
                assert len(found) >= least
                assert found == sorted(range(len(found)), reverse=descending)

    def guarded(work, *arguments) -> None:
        try:
            work(*arguments)
        except BaseException as error:
            failures.append(error)
            raise

    jobs = [(write, 0), (write, 1), (read, False), (read, True), (read, True)]
    threads = [threading.Thread(target=guarded, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(facts.events for facts in store.streams("g").values()) == sum(acknowledged) > 100
    assert store.problems() == []


def test_a_read_under_way_is_not_disturbed_and_files_go_after_the_last_reader(
    open_store, event, tmp_path
) -> None:
    store = open_store()
    for number in range(7):
        store.append("g", "s", [event(number * 10 + i) for i in range(10)])
        store.flush()
    held = sorted((tmp_path / "store" / "segments").iterdir())
    scan = store.scan("g")
    never_started = store.scan("g")
    begun = [next(scan).timestamp]
    store.append("g", "s", [event(500)])
    store.append("g", "t", [event(501)])
    store.flush()
    store.append("g", "s", [event(502)])
    store.flush()
    store.drop_group("g")
    store.flush()
    assert list(store.scan("g")) == []
    assert [path for path in held if path.exists()] == held
    assert begun + [row.timestamp for row in scan] == [*range(70)]
    assert len([path for path in held if path.exists()]) == 7
    assert [row.timestamp for row in never_started] == [*range(70)]
    assert list((tmp_path / "store" / "segments").iterdir()) == []


def test_a_view_holds_segments_and_recent_rows_without_repeating_any(open_store, event) -> None:
    store = open_store()
    store.append("g", "s", [event(1), event(2)])
    store.flush()
    store.append("g", "s", [event(3)])
    with store.view("g") as view:
        store.flush()
        import pyarrow.parquet as parquet

        stored = [
            ts for s in view.segments_between(0, 9) for ts in parquet.read_table(s.path)["ts"].to_pylist()
        ]
        assert stored + view.recent().ts == [1, 2, 3]
        assert parquet.read_schema(view.segments_between(0, 9)[0].path).names == [
            "ts",
            "seq",
            "ingest",
            "stream",
            "message",
            "spans",
            "sealed",
        ]


def test_small_segments_become_few(open_store, event, tmp_path) -> None:
    store = open_store()
    for number in range(40):
        store.append("g", f"s{number % 5}", [event(1000 - number, f"m {number}")])
        store.flush()
    assert len(list((tmp_path / "store" / "segments").iterdir())) < 16
    assert [row.message for row in store.scan("g")] == [f"m {number}" for number in range(39, -1, -1)]
    assert [row.message for row in store.scan("g", streams={"s2"})] == [f"m {n}" for n in range(37, -1, -5)]


def test_expired_rows_are_hidden_at_once_and_leave_the_files_with_compaction(
    open_store, event, tmp_path
) -> None:
    store = open_store()
    store.append("g", "s", [event(at, f"m {at}") for at in range(100)])
    store.flush()
    store.expire("g", 10)
    assert next(store.scan("g")).timestamp == 10
    assert store.streams("g")["s"].first_timestamp == 10
    store.expire("g", 60)
    store.expire("g", 30)
    store.flush()
    with store.view("g") as view:
        assert [segment.rows for segment in view.segments_between(0, 100)] == [40]
    assert store.streams("g")["s"].events == 40


def test_a_view_that_ends_as_garbage_under_the_lock_waits_for_nobody(open_store, event, tmp_path) -> None:
    store = open_store()
    store.append("g", "s", [event(1)])
    store.flush()
    scan = store.scan("g")
    assert next(scan).timestamp == 1
    cycle = [scan]
    cycle.append(cycle)
    del scan, cycle

    def collect() -> None:
        with store._tables.lock:
            gc.collect()

    collecting = threading.Thread(target=collect, daemon=True)
    collecting.start()
    collecting.join(30)
    assert not collecting.is_alive()
    store.drop_group("g")
    assert list(store.scan("g")) == []
    store.flush()
    assert list((tmp_path / "store" / "segments").iterdir()) == []
