"""Optimized Writes and Optimized Reads, each against the same instance without: what they save, as ratios of one run.

Run: python -m bench.optimized [--seconds 5] [--rounds 3] [--rows N] [--cap MB] [--local DIR] [--directory DIR].
One instance of each engine is made, and started anew for every measurement; the two ways take turns, and a ratio is the median of those of the rounds.
Bytes are `write_bytes` of /proc/PID/io, summed over the engine's processes: what they caused to be written to storage. The counters of
the block device would have what everybody else writes, too. Both are also measured with the disk capped by a control group, where this machine lets us.
"""

import argparse
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import machine
from bench.disk_cap import limited
from bench.optimized_load import CLASS, CLIENTS, Instance
from coldframe.services.rds.untorn_pages import probe
from tests.engines.databases.kits import KITS, Kit


def measure(kit: Kit, folder: Path, local: Path, chosen: argparse.Namespace, console: Console) -> None:
    """Make an instance of one engine and print its two tables."""
    writes = Table(
        title=f"{kit.name} {kit.versions[0]}, Optimized Writes: {CLIENTS} clients, 2 rows updated a transaction"
    )
    for name in (
        "pages written",
        "transactions/s",
        "kB written/transaction",
        "pages again/transaction",
    ):
        writes.add_column(name, justify="left" if name == "pages written" else "right")
    reads = Table(
        title=f"{kit.name} {kit.versions[0]}, Optimized Reads: GROUP BY, ORDER BY over {chosen.rows:,} rows"
    )
    for name in ("temporary tables", "seconds", "MB put on the data disk", "MB of it unwritten"):
        reads.add_column(name, justify="left" if name == "temporary tables" else "right")
    instance = Instance(kit, folder, local, chosen.rows)
    try:
        instance.fill()
        with limited(folder, chosen.cap * 1_000_000) as (cap, said):
            print(f"\n{kit.name} {kit.versions[0]}; the cap: {said}", flush=True)
            ways = {"": None, ", disk capped": cap} if cap is not None else {"": None}
            for how, limit in ways.items():
                found = turns(chosen.rounds, partial(instance.read, limit))
                labels = f"data disk{how}", f"local storage{how}"
                add(reads, labels, found, "{:.2f}", "{:,.1f}", "{:,.1f}")
            for how, limit in ways.items():
                found = turns(chosen.rounds, partial(instance.write, chosen.seconds, limit))
                add(writes, (f"twice{how}", f"once{how}"), found, "{:,.0f}", "{:,.1f}", "{:,.2f}")
    finally:
        instance.close()
    console.print(writes)
    console.print(reads)


def turns(rounds: int, one: Callable[[bool], tuple[float, ...]]) -> tuple[list[tuple[float, ...]], ...]:
    """What was measured without and with the optimisation, by round; the order is turned around every round."""
    found: tuple[list[tuple[float, ...]], ...] = ([], [])
    for number in range(rounds):
        for way in (False, True) if number % 2 == 0 else (True, False):
            found[way].append(one(way))
    return found


def add(
    table: Table, labels: tuple[str, str], found: tuple[list[tuple[float, ...]], ...], *shapes: str
) -> None:
    """Add the medians of the rounds without and with, and the median of the rounds' ratios."""
    for label, rounds in zip(labels, found, strict=True):
        medians = [statistics.median(values) for values in zip(*rounds, strict=True)]
        table.add_row(label, *(shape.format(value) for shape, value in zip(shapes, medians, strict=True)))
    ratios = []
    for column in range(len(shapes)):
        each = [
            after[column] / before[column] for before, after in zip(*found, strict=True) if before[column]
        ]
        spread = f" ({min(each):.2f}-{max(each):.2f})" if len(each) > 1 and min(each) < max(each) else ""
        ratios.append(f"{statistics.median(each):.2f}{spread}" if each else "-")
    table.add_row("  second to first", *ratios, end_section=True)


def main() -> None:
    """Measure every engine and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=5.0, help="of each measurement of writes")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", type=int, default=300_000)
    options.add_argument("--cap", type=int, default=16, help="MB a second of the capped disk")
    options.add_argument(
        "--local", type=Path, default=Path("/dev/shm"), help="the local storage (default: %(default)s)"
    )
    options.add_argument("--directory", type=Path, help="where the data lies")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    console = Console(width=110)
    directory = chosen.directory or Path(tempfile.gettempdir())
    print(*machine.facts(directory), f"local storage: {machine.disk(chosen.local)}", sep="\n")
    storage = probe(directory)
    print(f"Optimized Writes: the probe of the data disk says: {storage.said}.")
    if not storage.trusted:
        print(
            "A server would write pages twice here, with --untorn-storage, too: FORCED for this measurement only,"
        )
        print("by untorn_writes in the specification that the engine gets. Nothing here is kept.")
    print("Pages again: through the doublewrite buffer of InnoDB, or in full in the log of PostgreSQL.")
    print(
        f"Optimized Reads: with the memory, the placement and the quota of {CLASS}; the table is in memory."
    )
    print("MB unwritten: those files were removed before the kernel had written so much of them to the disk.")
    for make in KITS.values():
        with (
            tempfile.TemporaryDirectory(prefix="coldframe-bench-", dir=directory) as folder,
            tempfile.TemporaryDirectory(prefix="coldframe-bench-", dir=chosen.local) as local,
        ):
            measure(make(), Path(folder), Path(local), chosen, console)


if __name__ == "__main__":
    main()
