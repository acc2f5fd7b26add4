"""Measures FilterLogEvents with limit 100 as the stored events grow: 10 thousand, 100 thousand, 1 million, 10 million.

Run: python -m bench.filter [--full] [--times 40] [--directory DIR]

Events are put straight into the store in batches of 10,000, spread over 100 streams and a week; the calls go over HTTP.
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from pathlib import Path

from bench import machine, servers
from bench.load import run, signed
from coldframe.core.config import Settings
from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore
from coldframe.server.assembly import assemble
from coldframe.server.files import read_root
from coldframe.services.logs.records import LogGroup

GROUP = "bench"
STREAMS = 100
BATCH = 10_000
WEEK = 7 * 86_400_000
SIZES = (10_000, 100_000, 1_000_000)


def lines(count: int) -> list[str]:
    """Log lines of about 110 bytes; one in a hundred has the word that the pattern looks for."""
    draw = random.Random(3)
    return [
        f"{'ERROR' if number % 100 == 7 else 'INFO'} request {draw.getrandbits(64):016x} path=/api/v1/items/"
        f"{draw.randrange(10**6)} status=200 latency_ms={draw.randrange(900)} host=node-{draw.randrange(64)}"
        for number in range(count)
    ]


def prepare(data: Path) -> None:
    """Make the log group and its streams."""
    with servers.coldframe(data) as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName=GROUP)
        for number in range(STREAMS):
            logs.create_log_stream(logGroupName=GROUP, logStreamName=f"stream-{number}")


def fill(data: Path, first: int, last: int, full: int, begin: int) -> float:
    """Append events `first` to `last` of `full`, whose times spread evenly over a week; returns the seconds."""
    texts = lines(BATCH)
    step = WEEK / full
    begun = time.perf_counter()
    with assemble(Settings(data)) as assembly:
        store = assembly.installation.parts.get(LogStore)
        account = read_root(data).account
        group = assembly.installation.store.cached(LogGroup, account, servers.REGION, GROUP)
        assert group is not None
        for base in range(first, last, BATCH):
            events = [Event(begin + int((base + i) * step), begin, text) for i, text in enumerate(texts)]
            store.append(group.id, f"stream-{base // BATCH % STREAMS}", events)
        store.flush()
    return time.perf_counter() - begun


def questions(begin: int, stored: int, full: int) -> dict[str, dict[str, object]]:
    """The calls: what they ask beside the group and the limit."""
    end = begin + int(stored * WEEK / full)
    middle = begin + (end - begin) // 2
    return {
        "first 100": {},
        "100 of the last minute of the data": {"startTime": end - 60_000},
        "100 from the middle on": {"startTime": middle},
        "100 that match ERROR (1 %)": {"filterPattern": "ERROR"},
        "100 of one stream": {"logStreamNames": ["stream-0"]},
    }


def ask(data: Path, begin: int, stored: int, full: int, times: int) -> dict[str, list[float]]:
    """Milliseconds of each call, one client, over HTTP."""
    head = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.FilterLogEvents"}
    taken = {}
    with servers.coldframe(data) as server:
        for name, extra in questions(begin, stored, full).items():
            body = json.dumps({"logGroupName": GROUP, "limit": 100, **extra}).encode()
            request = [signed(server, "logs", head, body)]
            run(server, request, 10, 3)
            taken[name] = run(server, request, 20, times).latencies
    return taken


def main() -> None:
    """Fill step by step and print a column for each size."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--full", action="store_true", help="go up to 10 million events (about 1.5 GB while it runs)"
    )
    options.add_argument("--times", type=int, default=40, help="calls of each kind")
    options.add_argument("--directory", type=Path, help="where the data lies")
    chosen = options.parse_args()
    sizes = (*SIZES, 10_000_000) if chosen.full else SIZES
    directory = Path(tempfile.mkdtemp(dir=chosen.directory, prefix="bench-filter-"))
    print(*machine.facts(directory), sep="\n")
    columns: list[dict[str, list[float]]] = []
    begin = int(time.time() * 1000) - WEEK
    try:
        data = directory / "data"
        data.mkdir()
        prepare(data)
        stored = 0
        for size in sizes:
            seconds = fill(data, stored, size, sizes[-1], begin)
            print(f"{size:,} events: filled in {seconds:.1f} s ({(size - stored) / seconds:,.0f} a second)")
            stored = size
            columns.append(ask(data, begin, stored, sizes[-1], chosen.times))
    finally:
        shutil.rmtree(directory)
    print()
    rows = []
    for name in columns[0]:
        middles = [machine.median(column[name]) for column in columns]
        rows.append([name, *(f"{middle:.2f}" for middle in middles), f"{middles[-1] / middles[0]:.2f}"])
    head = ["FilterLogEvents, p50 in ms", *(f"{size:,}" for size in sizes), "largest / smallest"]
    print(machine.table(head, rows))


if __name__ == "__main__":
    main()
