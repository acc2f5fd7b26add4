"""Measures Logs Insights over a full log store: time and answer of each query; moto's answers beside ours if it is there.

Run: python bench/insights.py [--events 10000000] [--directory DIR] [--keep]
"""

import argparse
import os
import platform
import random
import resource
import shutil
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from coldframe.engines.logstore.errors import StorageFull
from coldframe.engines.logstore.rows import Event
from coldframe.engines.logstore.store import LogStore, Settings
from coldframe.engines.query.engine import QueryEngine
from coldframe.services.logs.insights.expressions import Times
from coldframe.services.logs.insights.results import shown
from coldframe.services.logs.insights.sources import Group, Sources
from coldframe.services.logs.insights.translation import read, translate

START = 1_700_000_000_000
SPACING = 8  # milliseconds between events: ten million of them span 22 hours
GROUP = Group("bench", "bench", "111122223333:bench", 0)
QUERIES = [
    ("newest 20", "fields @timestamp, @message | sort @timestamp desc | limit 20", 0.05),
    ("text filter, count", "filter @message like 'ERROR' | stats count(*)", 2.0),
    ("regex filter, count", r"filter @message like /status=5\d\d/ | stats count(*)", 2.0),
    ("regex filter, newest 20", r"filter @message like /ERROR.*status=500/ | limit 20", None),
    ("stats by bin(5m)", "stats count(*) by bin(5m)", 3.0),
    (
        "parse, avg and pct by bin(5m)",
        (
            "parse @message 'status=* latency_ms=* ' as status, latency"
            " | stats avg(latency), pct(latency, 95) by bin(5m)"
        ),
        None,
    ),
    ("pattern", "pattern @message", None),
    (
        "parse, top 5",
        r"parse @message /path=(?<path>\S+)/ | stats count(*) as n by path | sort n desc | limit 5",
        None,
    ),
]


def lines(count: int) -> list[str]:
    """Return log lines of about 190 bytes with the variety of a web service's log."""
    draw = random.Random(1)
    return [
        f"{draw.choice(('INFO', 'INFO', 'INFO', 'WARN', 'ERROR'))} request {draw.getrandbits(64):016x}"
        f" path=/api/v1/items/{draw.randrange(10**4)} status={draw.choice((200, 200, 200, 404, 500))}"
        f" latency_ms={draw.randrange(2000)} client=10.{draw.randrange(256)}.{draw.randrange(256)}."
        f"{draw.randrange(256)} user=********* trace={draw.getrandbits(128):032x}"
        for _ in range(count)
    ]


def fill(store: LogStore, events: int) -> None:
    """Append the events in batches of 10,000, lines drawn from 200,000 different ones."""
    known = lines(200_000)
    for first in range(0, events, 10_000):
        at = first % len(known)
        part = known[at : at + 10_000]
        batch = [
            Event(START + (first + n) * SPACING, START + (first + n) * SPACING, line)
            for n, line in enumerate(part[: events - first])
        ]
        stream = f"stream-{first // 10_000 % 8}"
        try:
            store.append(GROUP.id, stream, batch)
        except StorageFull:  # appends outran the writing of segments
            store.flush()
            store.append(GROUP.id, stream, batch)


def answer(store: LogStore, engine: QueryEngine, text: str, events: int) -> list[tuple[object, ...]]:
    """Return the rows of a query over everything, as results show them; this is what the runner does."""
    times = Times(START, START + events * SPACING, START + events * SPACING)
    plan = translate(read(text, times), [GROUP.label], (0,), lambda _: (0,), None)
    with (
        engine.session() as session,
        Sources(store, session).open(plan.readings, [GROUP], newest=plan.newest, originals=None),
    ):
        for statement in plan.prepared:
            session.run(statement.sql, statement.values)
        rows = session.run(plan.result.sql, plan.result.values)
        if plan.matched is not None:
            session.run(plan.matched.sql, plan.matched.values)
    kinds = [kind for _, kind in plan.columns]
    return [tuple(shown(value, kind) for value, kind in zip(row, kinds, strict=False)) for row in rows]


def measure(directory: Path, events: int, console: Console) -> None:
    """Print the time of each query, best and median of three, after one that is not counted."""
    store = LogStore.open(
        directory, master_key=bytes(32), now=lambda: time.time_ns() // 1_000_000, settings=Settings()
    )
    begun = time.perf_counter()
    if not store.streams(GROUP.id):
        fill(store, events)
        store.flush()
    console.print(
        f"{events:,} events in {time.perf_counter() - begun:.0f} s, {size(directory) / 1e6:,.0f} MB on disk"
    )
    engine = QueryEngine(directory / "segments")
    table = Table(
        "query", "rows", "best", "median", "target", title=f"{events:,} events, {os.cpu_count()} cores"
    )
    for name, text, target in QUERIES:
        answer(store, engine, text, events)
        taken = []
        for _ in range(3):
            begun = time.perf_counter()
            rows = answer(store, engine, text, events)
            taken.append(time.perf_counter() - begun)
        taken.sort()
        wanted = f"{target * 1000:.0f} ms" if target else ""
        table.add_row(name, f"{len(rows)}", f"{taken[0] * 1000:.0f} ms", f"{taken[1] * 1000:.0f} ms", wanted)
    console.print(table)
    console.print(f"most memory used: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    engine.close()
    store.close()


def size(directory: Path) -> int:
    """Return the bytes of the files below a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def beside_moto(directory: Path, console: Console, events: int = 5_000) -> None:
    """Print what moto answers to the same queries over the same few events."""
    try:
        import boto3
        from moto import mock_aws
    except ImportError:
        console.print("moto is not installed: pip install 'moto[logs]' to see its answers here")
        return
    store = LogStore.open(directory, master_key=bytes(32), now=lambda: 0)
    fill(store, events)
    engine = QueryEngine(directory / "segments")
    table = Table("query", "ours: rows, first", "moto: rows, first", title=f"{events:,} events, both")
    with mock_aws():
        client = boto3.client("logs", region_name="us-east-1")
        client.create_log_group(logGroupName="bench")
        client.create_log_stream(logGroupName="bench", logStreamName="s")
        now = int(time.time() * 1000) - events * SPACING
        known = lines(200_000)[:events]
        for first in range(0, events, 1000):
            batch = [
                {"timestamp": now + (first + n) * SPACING, "message": line}
                for n, line in enumerate(known[first : first + 1000])
            ]
            client.put_log_events(logGroupName="bench", logStreamName="s", logEvents=batch)
        for name, text, _ in QUERIES:
            ours = answer(store, engine, text, events)
            asked = client.start_query(
                logGroupName="bench", startTime=now // 1000 - 60, endTime=now // 1000 + 3600, queryString=text
            )
            theirs = client.get_query_results(queryId=asked["queryId"])["results"]
            first_row = {field["field"]: field["value"][:30] for field in theirs[0]} if theirs else {}
            table.add_row(
                name, f"{len(ours)}: {ours[0] if ours else ''}"[:60], f"{len(theirs)}: {first_row}"[:90]
            )
    console.print(table)
    engine.close()
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the store, and use it again if it is there")
    options = parser.parse_args()
    console = Console(width=150)
    console.print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start")
    directory = options.directory or Path(tempfile.mkdtemp(prefix="coldframe-insights-"))
    try:
        measure(directory / "large", options.events, console)
        beside_moto(directory / "small", console)
    finally:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
