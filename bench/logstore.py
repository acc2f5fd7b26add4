"""Measures the log store against the disk it stands on: append latency, ingest, first-100 latency, size, memory.

Run: python bench/logstore.py [--events 5000000] [--directory DIR]
"""

import argparse
import os
import platform
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore

START = 1_700_000_000_000
LEVELS = ("INFO", "INFO", "INFO", "WARN", "ERROR")


def messages(count: int, seed: int = 1) -> list[str]:
    """Return log lines of about 190 bytes with the variety of a web service's log."""
    draw = random.Random(seed)
    return [
        f"{draw.choice(LEVELS)} request {draw.getrandbits(64):016x} path=/api/v1/items/{draw.randrange(10**6)} "
        f"status={draw.choice((200, 200, 200, 404, 500))} latency_ms={draw.randrange(2000)} "
        f"client=10.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(256)} user=********* "
        f"trace={draw.getrandbits(128):032x}"
        for _ in range(count)
    ]


def milliseconds(call: Callable[[], object], times: int) -> list[float]:
    """Return the time of each call."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def percentiles(taken: list[float]) -> str:
    """Return p50 and p99 in words."""
    return f"{statistics.median(taken):.2f} / {sorted(taken)[int(len(taken) * 0.99)]:.2f} ms"


def resident() -> float:
    """Return the megabytes of memory this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def open_store(directory: Path) -> LogStore:
    return LogStore.open(directory, master_key=bytes(32), now=lambda: time.time_ns() // 1_000_000)


def appends(directory: Path, table: Table, rounds: int = 400) -> None:
    """One fdatasync of the same bytes and an append of 100 events, in turns; then eight threads."""
    store = open_store(directory / "append")
    lines = messages(100)
    batch = [Event(START + i, START, line) for i, line in enumerate(lines)]
    while not (directory / "append" / "wal" / "spare.zeros").exists():
        store.append("g", "warm", batch)  # a store in use lays in its spare log file; then it is measured
    plain = os.open(directory / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    content = "".join(lines).encode()

    def write_and_sync() -> None:
        os.write(plain, content)
        os.fdatasync(plain)

    zeroed = os.open(directory / "zeroed", os.O_RDWR | os.O_CREAT)
    os.write(zeroed, bytes(len(content) * rounds))
    os.fsync(zeroed)
    os.lseek(zeroed, 0, os.SEEK_SET)

    def overwrite_and_sync() -> None:
        os.write(zeroed, content)
        os.fdatasync(zeroed)

    overwrites: list[float] = []
    syncs: list[float] = []
    appended: list[float] = []
    for _ in range(rounds):
        syncs += milliseconds(write_and_sync, 1)
        overwrites += milliseconds(overwrite_and_sync, 1)
        appended += milliseconds(lambda: store.append("g", "s", batch), 1)
    table.add_row("write + fdatasync of the same 100 lines, 1 thread (p50 / p99)", percentiles(syncs))
    table.add_row("the same over zeros written before (p50 / p99)", percentiles(overwrites))
    table.add_row("append of 100 events, 1 thread (p50 / p99)", percentiles(appended))
    ratio = statistics.median(appended) / statistics.median(syncs)
    over = statistics.median(appended) / statistics.median(overwrites)
    table.add_row("  ratio of the p50s to the growing and to the zeroed file", f"{ratio:.2f} and {over:.2f}")
    taken: list[list[float]] = [[] for _ in range(8)]

    def work(number: int) -> None:
        taken[number] = milliseconds(lambda: store.append("g", f"s{number}", batch), rounds // 4)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    every = [one for part in taken for one in part]
    table.add_row("append of 100 events, 8 threads (p50 / p99)", percentiles(every))
    table.add_row(
        "  appends a second, 1 and 8 threads",
        f"{1000 / statistics.mean(appended):,.0f} and {len(every) / seconds:,.0f}",
    )
    os.close(plain)
    os.close(zeroed)
    store.close()


def ingest(store: LogStore, count: int, first: int, lines: list[str], streams: int) -> float:
    """Append count events in batches of 10,000 and return the seconds."""
    begun = time.perf_counter()
    for number in range(count // 10_000):
        at = START + first + number * 10_000
        batch = [Event(at + i, START, line) for i, line in enumerate(lines)]
        store.append("big", f"stream-{number % streams}", batch)
    return time.perf_counter() - begun


def firsts(store: LogStore, table: Table, label: str) -> None:
    """The first and the last hundred rows of everything, and of one stream."""

    def read(**chosen: object) -> Callable[[], object]:
        def call() -> None:
            rows = store.scan("big", **chosen)
            for _, _ in zip(range(100), rows, strict=False):
                pass

        return call

    for what, chosen in (
        ("first 100", {}),
        ("last 100", {"descending": True}),
        ("last 100 of a stream", {"descending": True, "streams": {"stream-0"}}),
    ):
        read(**chosen)()
        table.add_row(f"{what}, {label} (p50 / p99)", percentiles(milliseconds(read(**chosen), 50)))


def interleaved(store: LogStore, table: Table) -> None:
    """One stream among 2,000 whose events all mix: a hundred of its rows lie in every block there is."""
    lines = messages(100)
    for number in range(2000):
        batch = [Event(START + i * 2000 + number, START, line) for i, line in enumerate(lines)]
        store.append("many", f"stream-{number}", batch)
    store.flush()
    taken = milliseconds(lambda: list(store.scan("many", streams={"stream-77"}, descending=True)), 20)
    table.add_row("100 rows of one stream among 2,000 that mix evenly (p50 / p99)", percentiles(taken))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=5_000_000)
    options.add_argument("--directory", type=Path, default=None)
    chosen = options.parse_args()
    directory = Path(tempfile.mkdtemp(dir=chosen.directory, prefix="bench-logstore-"))
    cpu = next(
        (
            x.split(":")[1].strip()
            for x in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in x
        ),
        "",
    )
    table = Table(
        "measure", "value", title=f"log store on {cpu}, {os.cpu_count()} cores, {platform.platform()}"
    )
    try:
        table.add_row("resident at start, store not opened", f"{resident():.0f} MB")
        appends(directory, table)
        table.add_row("resident after the appends, no segment written", f"{resident():.0f} MB")
        store = open_store(directory / "big")
        lines = messages(10_000)
        ingest(store, 10_000, 0, lines, 1)
        store.flush()
        firsts(store, table, "10,000 events")
        seconds = ingest(store, chosen.events, 10_000, lines, 1000)
        table.add_row("ingest in batches of 10,000", f"{chosen.events / seconds:,.0f} events/s")
        firsts(store, table, f"{chosen.events:,} events, while compaction runs")
        begun = time.perf_counter()
        store.flush()
        table.add_row("flush and compaction after the ingest", f"{time.perf_counter() - begun:.1f} s")
        firsts(store, table, f"{chosen.events:,} events")
        begun = time.perf_counter()
        found = sum(len(part) for part in store.scan_batches("big", contains="ERROR"))
        table.add_row(f"rows containing ERROR ({found:,})", f"{time.perf_counter() - begun:.2f} s")
        begun = time.perf_counter()
        found = sum(len(part) for part in store.scan_batches("big"))
        table.add_row(f"every row as columns ({found:,})", f"{time.perf_counter() - begun:.2f} s")
        raw = store.group_bytes("big")
        stored = sum(path.stat().st_size for path in (directory / "big" / "segments").iterdir())
        table.add_row("bytes of segments for a byte of text", f"{stored / raw:.3f}")
        interleaved(store, table)
        table.add_row("resident at the end", f"{resident():.0f} MB")
        table.add_row("problems", str(store.problems()))
        for number in range(12):
            store.append("late", "s", [Event(START + number, START, line) for line in lines])
        store.close()
        begun = time.perf_counter()
        store = open_store(directory / "big")
        table.add_row(
            "open with 120,000 events to recover from the log",
            f"{(time.perf_counter() - begun) * 1000:.0f} ms",
        )
        store.close()
    finally:
        shutil.rmtree(directory)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
