"""A disk that refuses: nothing is acknowledged that is not stored, reads go on, and appends work again afterwards."""

import errno
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.errors import StorageFailed, StorageFull, StoreClosed
from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore, Settings


class Refusing(Disk):
    """Refuses writes (after some bytes) or syncs while told to."""

    def __init__(self) -> None:
        self.write_error = 0
        self.sync_error = 0
        self.let_through = 0

    def write(self, descriptor: int, data: bytes) -> None:
        if self.write_error:
            super().write(descriptor, data[: self.let_through])
            raise OSError(self.write_error, os.strerror(self.write_error))
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        if self.sync_error:
            raise OSError(self.sync_error, os.strerror(self.sync_error))
        super().sync(descriptor)


def texts(store: LogStore) -> list[str]:
    return [row.message for row in store.scan("g")]


def take_a_spare_file(store: LogStore, directory: Path) -> None:
    """Append to another group until the log goes on in a file that was laid in before."""
    ends = time.monotonic() + 20
    while not (directory / "spare.zeros").exists():
        assert time.monotonic() < ends
        store.append("another", "s", [Event(1, 1, "x" * 60)])
        time.sleep(0.01)
    while max(directory.glob("*.wal")).stat().st_size != 6400:
        assert time.monotonic() < ends
        store.append("another", "s", [Event(1, 1, "x")])


@pytest.mark.parametrize("let_through", [0, 1, 25, 60, 10_000])
@pytest.mark.parametrize("log", [0, 6400])
def test_a_full_disk_refuses_serves_and_recovers(
    open_store, event, tmp_path, let_through: int, log: int
) -> None:
    disk = Refusing()
    store = open_store(disk=disk, log=log)
    if log:
        take_a_spare_file(store, tmp_path / "store" / "wal")
    store.append("g", "s", [event(1, "before")])
    disk.write_error, disk.let_through = errno.ENOSPC, let_through
    for _ in range(3):
        with pytest.raises(StorageFull, match="not stored"):
            store.append("g", "s", [event(2, "refused")])
    assert texts(store) == ["before"]
    disk.write_error = 0
    store.append("g", "s", [event(3, "after")])
    assert texts(store) == ["before", "after"]
    store.close()
    assert texts(open_store()) == ["before", "after"]


def test_a_failed_sync_is_never_believed_and_the_batch_does_not_come_back(open_store, event) -> None:
    disk = Refusing()
    store = open_store(disk=disk)
    store.append("g", "s", [event(1, "before")])
    disk.sync_error = errno.EIO
    with pytest.raises(StorageFailed, match="not stored"):
        store.append("g", "s", [event(2, "refused")])
    disk.sync_error = 0
    store.append("g", "s", [event(3, "after")])
    assert texts(store) == ["before", "after"]
    store.close()
    assert texts(open_store()) == ["before", "after"]


def test_a_drop_the_disk_refuses_is_not_done(open_store, event) -> None:
    disk = Refusing()
    store = open_store(disk=disk)
    store.append("g", "s", [event(1, "stays")])
    disk.write_error = errno.ENOSPC
    with pytest.raises(StorageFull):
        store.drop_group("g")
    disk.write_error = 0
    assert texts(store) == ["stays"]


def test_a_flush_without_space_keeps_the_rows_and_is_done_later(open_store, event) -> None:
    class NoSegments(Refusing):
        def publish(self, temporary, final) -> None:
            if self.sync_error and final.suffix == ".parquet":
                raise OSError(errno.ENOSPC, "No space left on device")
            super().publish(temporary, final)

        def sync(self, descriptor: int) -> None:
            Disk.sync(self, descriptor)

    disk = NoSegments()
    store = open_store(disk=disk)
    store.append("g", "s", [event(1, "one")])
    disk.sync_error = errno.ENOSPC
    with pytest.raises(StorageFailed, match="segments"):
        store.flush()
    store.append("g", "s", [event(2, "two")])
    assert texts(store) == ["one", "two"]
    disk.sync_error = 0
    store.flush()
    with store.view("g") as view:
        assert len(view.recent()) == 0
        assert sum(segment.rows for segment in view.segments_between(0, 9)) == 2
    assert texts(store) == ["one", "two"]


def test_memory_is_bounded_when_segments_cannot_be_written(open_store, event, monkeypatch) -> None:
    class NoSegments(Disk):
        def publish(self, temporary, final) -> None:
            if final.suffix == ".parquet":
                raise OSError(errno.ENOSPC, "No space left on device")
            super().publish(temporary, final)

    store = open_store(disk=NoSegments(), memory=1000, memory_limit=5000)
    with pytest.raises(StorageFull, match="memory"):
        for at in range(300):
            store.append("g", "s", [event(at, "x" * 100)])
    assert 30 < len(texts(store)) < 200


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_real_limit_on_file_size_refuses_and_recovers(tmp_path) -> None:
    """In a child process, because the limit is the process's own."""
    child = os.fork()
    if not child:
        status = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            store = LogStore.open(
                tmp_path / "s", master_key=bytes(32), now=lambda: 0, settings=Settings(log=0)
            )
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            stored = []
            with pytest.raises(StorageFull):
                for at in range(100):
                    store.append("g", "s", [Event(at, 0, f"{at:04d}" + "x" * 5000)])
                    stored.append(at)
            assert [row.timestamp for row in store.scan("g")] == stored
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            store.append("g", "s", [Event(1000, 0, "after")])
            assert [row.timestamp for row in store.scan("g")] == [*stored, 1000]
            status = 0 if len(stored) > 10 else 2
        finally:
            sys.stderr.flush()
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with_again = LogStore.open(tmp_path / "s", master_key=bytes(32), now=lambda: 0, settings=Settings(log=0))
    assert [row.timestamp for row in with_again.scan("g")][-1] == 1000
    with_again.close()


def test_callers_share_syncs_and_a_refused_round_refuses_each_of_them(open_store, event) -> None:
    class Slow(Refusing):
        syncs = 0

        def sync(self, descriptor: int) -> None:
            self.syncs += 1
            time.sleep(0.02)
            super().sync(descriptor)

    disk = Slow()
    store = open_store(disk=disk)
    store.append("g", "s", [event(0)])
    outcomes: list[str] = []

    def work(number: int) -> None:
        for at in range(5):
            try:
                store.append("g", f"s{number}", [event(at)])
                outcomes.append("stored")
            except StorageFailed:
                outcomes.append("refused")

    for refused in (False, True):
        outcomes.clear()
        disk.syncs, disk.sync_error = 0, errno.EIO if refused else 0
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == ["refused" if refused else "stored"] * 40
        assert disk.syncs < 30, "forty appends were to share syncs"
    assert len(texts(store)) == 41


def test_a_closed_store_says_so(open_store, event) -> None:
    store = open_store()
    store.close()
    store.close()
    with pytest.raises(StoreClosed):
        store.append("g", "s", [event(1)])
