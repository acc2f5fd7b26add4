"""The store: transactions, turns, the cache, migrations, one server per store, a full disk, killed writers."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from coldframe.core.migrations import Migration
from coldframe.core.records import Record, record
from coldframe.core.store import Store, StoreBusy, StoreError, StoreFull, StoreTaken, StoreUnavailable

HERE = ("123456789012", "eu-central-1")


@record("items", key=("name",), index=("number",))
class Item(Record):
    name: str
    number: int = 0
    text: str = ""


def names(store: Store) -> list[str]:
    with store.read() as tx:
        return [row.name for row in tx.records(*HERE).list(Item)]


@pytest.fixture(autouse=True)
def _tables(store: Store) -> None:
    store.prepare([Item])


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
        raise KeyError
    assert names(store) == []
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
        tx.records(*HERE).add(Item(name="b"))
    assert names(store) == ["a", "b"]


def test_a_failed_statement_cannot_be_committed(store: Store) -> None:
    with pytest.raises(StoreError, match="nothing of it was committed"), store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
        with pytest.raises(Exception, match="nowhere"):
            tx.run("INSERT INTO nowhere VALUES (1)")
    assert names(store) == []
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="b"))
    assert names(store) == ["b"]


def test_a_second_write_in_one_thread_is_refused(store: Store) -> None:
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
        with pytest.raises(StoreError, match="already writing"), store.write():
            pass
        assert names(store) == []
    assert names(store) == ["a"]


def test_nothing_is_sent_before_the_first_use(store: Store) -> None:
    entered = threading.Event()
    with store.write():

        def other() -> None:
            with store.write() as tx:
                tx.records(*HERE).add(Item(name="other"))
            entered.set()

        thread = threading.Thread(target=other)
        thread.start()
        assert entered.wait(10)
        thread.join()
    with pytest.raises(StoreError, match="has ended"):
        with store.read() as tx:
            pass
        tx.records(*HERE).list(Item)


def test_a_read_sees_one_moment(store: Store) -> None:
    with store.read() as tx:
        assert tx.records(*HERE).list(Item) == []
        with store.write() as writing:
            writing.records(*HERE).add(Item(name="a"))
        assert tx.records(*HERE).list(Item) == []
    assert names(store) == ["a"]


def test_after_commit_runs_only_after_a_commit(store: Store) -> None:
    calls: list[str] = []
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
        tx.after_commit(lambda: calls.append("a" if names(store) == ["a"] else "early"))
    with pytest.raises(KeyError), store.write() as tx:
        tx.after_commit(lambda: calls.append("never"))
        raise KeyError
    assert calls == ["a"]


def test_writers_of_many_threads_lose_nothing(store: Store) -> None:
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="counter"))
    stop, seen = threading.Event(), []

    def add(thread: int) -> None:
        for n in range(15):
            with store.write() as tx:
                records = tx.records(*HERE)
                counter = records.get(Item, "counter")
                records.change(counter, number=counter.number + 1)
                records.add(Item(name=f"{thread}-{n}"))

    def look() -> None:
        while not stop.is_set():
            with store.read() as tx:
                records = tx.records(*HERE)
                seen.append(records.get(Item, "counter").number + 1 == records.count(Item))

    writers = [threading.Thread(target=add, args=(n,)) for n in range(4)]
    reader = threading.Thread(target=look)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert len(names(store)) == 61
    assert store.cached(Item, *HERE, "counter").number == 60
    assert seen
    assert all(seen)


def test_turns_are_given_in_order_and_waiting_ends(store_url: str, store: Store) -> None:
    store.turns._timeout = 0.05
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
        errors: list[Exception] = []

        def other() -> None:
            try:
                with store.write() as waiting:
                    waiting.records(*HERE).add(Item(name="b"))
            except StoreBusy as error:
                errors.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert "MainThread has held the turn" in str(errors[0])
    store.turns._timeout = 10
    order: list[int] = []

    def numbered(n: int) -> None:
        with store.write() as waiting:
            waiting.records(*HERE).count(Item)
            order.append(n)

    threads = [threading.Thread(target=numbered, args=(n,)) for n in range(6)]
    with store.write() as tx:
        tx.records(*HERE).count(Item)
        for n, thread in enumerate(threads):
            thread.start()
            while len(store.turns._waiting) <= n:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(6))


def test_the_cache_follows_every_commit(store: Store) -> None:
    assert store.cached(Item, *HERE, "a") is None
    version = store.version(Item)
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a", number=1))
        assert store.cached(Item, *HERE, "a") is None
    assert store.version(Item) > version
    first = store.cached(Item, *HERE, "a")
    assert first is store.cached(Item, *HERE, "a")
    assert first == Item(name="a", number=1)
    for act, wanted in (
        (lambda r: r.change(first, number=2), Item(name="a", number=2)),
        (lambda r: r.put(Item(name="a", number=3)), Item(name="a", number=3)),
        (lambda r: r.remove(first), None),
    ):
        with store.write() as tx:
            act(tx.records(*HERE))
        assert store.cached(Item, *HERE, "a") == wanted
    with pytest.raises(KeyError), store.write() as tx:
        tx.records(*HERE).put(Item(name="a"))
        raise KeyError
    assert store.cached(Item, *HERE, "a") is None


def test_no_stale_row_is_cached_by_a_reader_that_a_commit_overtakes(store: Store) -> None:
    """The reader is held between its SELECT and its filling of the cache, while a write commits."""
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a", number=1))
    check_in, done = store.check_in, []

    def overtaken(kind: str, connection: object) -> None:
        check_in(kind, connection)
        if kind == "read" and not done:
            done.append(True)
            with store.write() as tx:
                tx.records(*HERE).put(Item(name="a", number=2))

    store.check_in = overtaken
    assert store.cached(Item, *HERE, "a").number == 1
    assert store.cached(Item, *HERE, "a").number == 2


def test_the_cache_is_bounded_and_drops_the_longest_unused(store: Store) -> None:
    store._cached_rows = 3
    for name in ("a", "b", "c", "a", "d"):
        store.cached(Item, *HERE, name)
    assert [slot[3][0] for slot in store._cache] == ["c", "a", "d"]


def test_empty_deletes_rows_and_what_was_cached_of_them(store: Store) -> None:
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
        tx.records("210987654321", "r").add(Item(name="a"))
    assert store.cached(Item, *HERE, "a")
    store.empty([HERE[0]])
    assert store.cached(Item, *HERE, "a") is None
    assert store.cached(Item, "210987654321", "r", "a")
    store.empty()
    assert store.cached(Item, "210987654321", "r", "a") is None


def test_a_second_server_is_told_who_has_the_store(store: Store, store_url: str) -> None:
    with pytest.raises(StoreTaken, match=f"in use by another server, .*{os.getpid()}"):
        Store.open(store_url)
    other = Store.open(store_url, exclusive=False)
    assert names(other) == []
    other.close()
    store.close()
    Store.open(store_url).close()


def test_a_row_survives_a_restart_and_new_fields_need_nothing(store: Store, store_url: str) -> None:
    with store.write() as tx:
        for n in range(3):
            tx.records(*HERE).add(Item(name=f"n{n}", number=n, text="x" * n))
    store.close()

    @record("items", key=("name",), index=("number", "text", "added"))
    class Later(Record):
        name: str
        number: int = 0
        text: str = ""
        added: bool = True

    again = Store.open(store_url)
    again.prepare([Later])
    again.close()
    again = Store.open(store_url)
    again.prepare([Later])
    with again.read() as tx:
        rows = tx.records(*HERE).list(Later, where={"added": True, "text": "x"})
        assert rows == [Later(name="n1", number=1, text="x")]
    again.close()


def test_a_changed_key_is_refused(store: Store, store_url: str) -> None:
    @record("items", key=("name", "number"))
    class Other(Record):
        name: str
        number: int

    store.close()
    again = Store.open(store_url)
    with pytest.raises(StoreError, match="key of items has changed"):
        again.prepare([Other])
    again.close()


def test_migrations_run_once_each_in_order_or_not_at_all(store: Store, store_url: str) -> None:
    def rename(tx: object) -> None:
        for account, region, row in tx.records("", "").everywhere(Item):
            tx.records(account, region).change(row, text=row.text + "1")

    def broken(tx: object) -> None:
        rename(tx)
        raise KeyError("broken")

    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
    for _ in range(2):
        with pytest.raises(KeyError):
            store.prepare([Item], [Migration("logs", 2, broken), Migration("logs", 1, rename)])
    with store.read() as tx:
        assert tx.records(*HERE).get(Item, "a").text == "1"
    store.prepare([Item], [Migration("logs", 1, rename), Migration("logs", 2, rename)])
    with store.read() as tx:
        assert tx.records(*HERE).get(Item, "a").text == "11"
    with pytest.raises(StoreError, match=r"written by a newer version of coldframe \(logs"):
        store.prepare([Item], [Migration("logs", 1, rename)])
    with pytest.raises(StoreError, match="written by a newer version"):
        store.prepare([Item])
    with pytest.raises(StoreError, match="not numbered"):
        store.prepare([Item], [Migration("logs", 1, rename), Migration("logs", 3, rename)])


def test_a_full_disk_refuses_writes_and_serves_reads(store: Store) -> None:
    """SQLite is limited in pages; PostgreSQL is made to raise the error of a full disk."""
    sqlite = store.statements._dialect.name == "sqlite"
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="before"))
        pages = tx.run("PRAGMA page_count").fetchone()[0] if sqlite else 0
    with pytest.raises(StoreFull, match="no space is left"), store.write() as tx:
        tx.records(*HERE).add(Item(name="lost"))
        if sqlite:
            tx.run(f"PRAGMA max_page_count={pages}")
            tx.records(*HERE).add(Item(name="big", text="x" * 1_000_000))
        else:
            tx.run("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$")
    assert names(store) == ["before"]
    if sqlite:
        with pytest.raises(StoreFull), store.write() as tx:
            tx.records(*HERE).add(Item(name="big", text="x" * 1_000_000))
    with store.write() as tx:
        if sqlite:
            tx.run("PRAGMA max_page_count=1000000")
        tx.records(*HERE).add(Item(name="big", text="x" * 1_000_000))
    assert names(store) == ["before", "big"]


def test_the_file_is_its_owners_alone_and_synced(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/new/coldframe.db")
    store.prepare([Item])
    assert {
        path.stat().st_mode & 0o077
        for path in (tmp_path / "new").glob("coldframe.db*")
        if "lock" not in path.name
    } == {0}
    with store.write() as tx:
        assert tx.run("PRAGMA synchronous").fetchone()[0] == 2
        assert tx.run("PRAGMA journal_mode").fetchone()[0] == "wal"
    store.close()
    with pytest.raises(StoreError, match="sqlite:////path"):
        Store.open("mysql://x/y")
    (tmp_path / "bad.db").write_text("no database at all" * 100)
    with pytest.raises(StoreError, match="damaged or no database"):
        Store.open(f"sqlite:///{tmp_path}/bad.db", exclusive=False).prepare([Item])


WRITER = """
import sys
from coldframe.core.records import Record, record
from coldframe.core.store import Store

@record("items", key=("name",), index=("number",))
class Item(Record):
    name: str
    number: int = 0
    text: str = ""

store = Store.open(sys.argv[1])
store.prepare([Item])
for n in range(int(sys.argv[2]), 10**9):
    with store.write() as tx:
        tx.records("123456789012", "eu-central-1").add(Item(name=f"{n:09}", text="x" * (n % 5000)))
        tx.records("123456789012", "eu-central-1").add(Item(name=f"{n:09}-twin"))
    print(n, flush=True)
"""


def test_a_killed_writer_loses_no_acknowledged_row(store: Store, store_url: str) -> None:
    store.close()
    start = 0
    for rounds in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, store_url, str(start)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": "src"},
        )
        acknowledged = [int(writer.stdout.readline()) for _ in range(7 + rounds * 9)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split("\n") if line]
        writer.wait()
        writer.stdout.close()
        found = names(reopened := _reopen(store_url))
        reopened.close()
        assert {f"{n:09}" for n in acknowledged} <= set(found)
        assert len(found) % 2 == 0, "half a transaction is there"
        start = len(found) // 2


def _reopen(url: str) -> Store:
    """Open again as soon as the database has noticed that the killed process is gone."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return Store.open(url)
        except StoreTaken:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


# What a program of its own begins with that opens the same store.
OTHER = """
import sys
from coldframe.core.records import Record, record
from coldframe.core.store import Store

@record("items", key=("name",), index=("number",))
class Item(Record):
    name: str
    number: int = 0
    text: str = ""

store = Store.open(sys.argv[1], exclusive=False)
store.prepare([Item])
"""
COUNTER = f"""{OTHER}
print("ready", flush=True)
sys.stdin.readline()
for n in range(100):
    with store.write() as tx:
        records = tx.records("123456789012", "eu-central-1")
        counter = records.get(Item, "counter")
        records.change(counter, number=counter.number + 1)
"""


def test_writers_of_two_processes_lose_nothing(store: Store, store_url: str) -> None:
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="counter"))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTER, store_url],
            env={**os.environ, "PYTHONPATH": "src"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * 2
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=30)
    assert [writer.returncode for writer in writers] == [0, 0]
    with store.read() as tx:
        assert tx.records(*HERE).get(Item, "counter").number == 200


VISITOR = f"""{OTHER}
with store.read() as tx:
    print(*[row.name for row in tx.records("123456789012", "eu-central-1").list(Item)])
store.close()
"""


def test_who_looks_into_the_store_takes_nothing_away(store: Store, store_url: str) -> None:
    """What `coldframe backup` does beside a server: what the server commits afterwards is there for everybody."""

    def seen() -> list[str]:
        words = [sys.executable, "-c", VISITOR, store_url]
        return subprocess.run(
            words, env={**os.environ, "PYTHONPATH": "src"}, stdout=subprocess.PIPE, text=True, check=True
        ).stdout.split()

    for number, name in enumerate(("first", "second", "third"), 1):
        with store.write() as tx:
            tx.records(*HERE).add(Item(name=name))
        # Readers have connections of their own, each opened when it is first needed.
        with store.read() as one, store.read() as another:
            assert one.records(*HERE).count(Item) == another.records(*HERE).count(Item) == number
        assert len(seen()) == number


def test_a_lost_connection_is_replaced(store: Store, store_url: str) -> None:
    """PostgreSQL ends all connections but the lock's; SQLite has none that could be lost."""
    if store_url.startswith("sqlite"):
        assert store.database.usable(None)
        return
    names(store)
    with store.write() as tx:
        tx.records(*HERE).add(Item(name="a"))
    import psycopg

    with psycopg.connect(store_url, autocommit=True) as killer:
        end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'coldframe %'"
        killer.execute(end)
        assert names(store) == ["a"]
        with store.write() as tx:
            tx.records(*HERE).add(Item(name="b"))
        with pytest.raises(StoreUnavailable, match="went away"), store.write() as tx:
            tx.records(*HERE).add(Item(name="c"))
            killer.execute(end)
            tx.records(*HERE).add(Item(name="d"))
    assert names(store) == ["a", "b"]
    with pytest.raises(StoreTaken):
        Store.open(store_url)
