"""A process killed at any moment: every acknowledged event is there exactly once and in order after the next start."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coldframe.engines.logstore.check import verify
from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore, Settings

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
MASTER = bytes(32)
SMALL = Settings(memory=20_000, memory_limit=10**6, log=30_000)
DAY = 86_400_000


class Deadly(Disk):
    """Kills its process when the named step is reached for the n-th time."""

    def __init__(self, point: str = "", times: int = 1) -> None:
        self.point = point
        self.times = times

    def reached(self, point: str) -> None:
        if point == self.point:
            self.times -= 1
            if not self.times:
                os.kill(os.getpid(), signal.SIGKILL)


def opened(directory: Path, disk: Disk | None = None) -> LogStore:
    return LogStore.open(directory, master_key=MASTER, now=lambda: 0, disk=disk, settings=SMALL)


def in_child(work: Callable[[Callable[[str], None]], None]) -> tuple[int, Callable[[], list[str]]]:
    """Run work in a child; it tells what was acknowledged through a pipe. Returns its pid and what reads the pipe."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        try:
            work(lambda word: os.write(writing, f"{word}\n".encode()) and None)
        finally:
            os._exit(0)
    os.close(writing)

    def told() -> list[str]:
        with os.fdopen(reading) as pipe:
            lines = pipe.read().split("\n")
        os.waitpid(pid, 0)
        return lines[:-1]

    return pid, told


def append_numbers(store: LogStore, first: int, tell: Callable[[str], None], count: int = 10**6) -> None:
    for number in range(first, first + count):
        text = f"n {number} {'*' * 60}"
        original = text.replace("*" * 60, "secret" * 10)
        store.append(
            "g", f"s{number % 3}", [Event(number, 0, text, ((len(text) - 60, len(text), 1),), original)]
        )
        tell(str(number))


def test_killed_at_random_moments_nothing_acknowledged_is_lost_or_doubled(tmp_path) -> None:
    draw = random.Random(5)
    acknowledged = 0
    for _ in range(12):
        first = acknowledged

        def work(tell: Callable[[str], None], first: int = first) -> None:
            append_numbers(opened(tmp_path), first, tell)

        pid, told = in_child(work)
        time.sleep(0.05 + draw.random() * 0.15)
        os.kill(pid, signal.SIGKILL)
        lines = told()
        acknowledged = int(lines[-1]) + 1 if lines else acknowledged
        store = opened(tmp_path)
        rows = list(store.scan("g"))
        numbers = [int(row.message.split()[1]) for row in rows]
        # One append may have become durable without its acknowledgement being heard.
        assert numbers in ([*range(acknowledged)], [*range(acknowledged + 1)])
        assert all("secretsecret" in store.unseal("g", row) for row in rows[-3:])
        acknowledged = len(numbers)
        assert store.problems() == []
        store.close()
        assert verify(tmp_path) == []
    assert acknowledged > 30


POINTS = [
    "segment: written",
    "flush: segments written",
    "flush: published",
    "flush: log removed",
    "compaction: written",
    "catalog: segments taken out",
    "compaction: done",
]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_killed_between_two_states_of_flush_or_compaction(tmp_path, point: str, times: int) -> None:
    def work(tell: Callable[[str], None]) -> None:
        store = opened(tmp_path, Deadly(point, times))
        for number in range(0, 10_000, 5):
            append_numbers(store, number, tell, 5)
            store.flush()

    _, told = in_child(work)
    acknowledged = len(told())
    assert acknowledged > 4
    store = opened(tmp_path)
    for _ in range(2):
        assert [row.timestamp for row in store.scan("g")] == [*range(acknowledged)]
        assert store.streams("g")["s0"].events == (acknowledged + 2) // 3
        store.flush()
    store.close()
    assert verify(tmp_path) == []


@pytest.mark.parametrize(
    ("removal", "left"),
    [
        (lambda store: store.drop_group("g"), lambda row: False),
        (lambda store: store.drop_stream("g", "s1"), lambda row: row.stream != "s1"),
        (lambda store: store.expire("g", 25), lambda row: row.timestamp >= 25),
    ],
    ids=["drop group", "drop stream", "expire"],
)
@pytest.mark.parametrize(
    "point", ["", "sweep: before removal", "catalog: segments taken out", "sweep: removed"]
)
def test_killed_during_a_removal_what_was_removed_stays_removed(tmp_path, removal, left, point: str) -> None:
    store = opened(tmp_path)
    for number in range(0, 30, 10):
        append_numbers(store, number, lambda word: None, 10)
        store.flush()
    append_numbers(store, 30, lambda word: None, 10)
    expected = [row for row in store.scan("g") if left(row)]
    store.close()

    def work(tell: Callable[[str], None]) -> None:
        store = opened(tmp_path, Deadly(point))
        removal(store)
        tell("removed")
        if not point:
            os.kill(os.getpid(), signal.SIGKILL)
        store.flush()

    _, told = in_child(work)
    removed = told()
    store = opened(tmp_path)
    for _ in range(2):
        if removed:
            assert list(store.scan("g")) == expected
        store.flush()
    if removed:
        store.close()
        files = list((tmp_path / "segments").iterdir())
        assert bool(files) == bool(expected)
    store.close()
    assert verify(tmp_path) == []


def test_files_a_crash_left_behind_are_removed_at_start(tmp_path) -> None:
    store = opened(tmp_path)
    append_numbers(store, 0, lambda word: None, 5)
    store.close()
    (tmp_path / "segments" / "000000000077.parquet").write_bytes(b"half")
    (tmp_path / "segments" / "000000000078.tmp").write_bytes(b"half")
    store = opened(tmp_path)
    assert list((tmp_path / "segments").iterdir()) == []
    assert len(list(store.scan("g"))) == 5
    store.close()
