"""Switchovers under load, again and again: how long writers pause, and whether anything is lost, doubled or refused.

Run: python -m bench.switchover [--rounds 10] [--writers 16] [--seed N] [--kills] [--engine NAME] [--directory DIR].
Writers are processes of their own; each transaction is an insert and an update of a counter. In every round a new copy (of the newest version that is
here) is made, its tables are changed while it follows, and it becomes the primary. With `--kills` something that the seed chooses dies in every second
round: the job after one of its steps, the primary, or the copy. A writer's pause is its longest time from one acknowledged transaction to the next in
the round; rounds in which something died are reported apart.
"""

import argparse
import contextlib
import itertools
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import machine
from coldframe.engines import switchover
from coldframe.engines.database import DatabaseError
from coldframe.engines.endpoint import EndpointSpec
from coldframe.engines.switchover import Switchover
from tests.engines.databases import switchover_job
from tests.engines.databases.kits import KITS, MASTER, loopback, until
from tests.engines.databases.writers import TABLES, Writers

PROCESSES = 4


def write(name, where, numbers, ending, results):
    """Run some of the writers until told to end, and say what they were told."""
    writers = Writers(KITS[name](), where, len(numbers))
    for writer, number in zip(writers.all, numbers, strict=True):
        writer.number = number
    writers.begin()
    ending.wait()
    writers.end()
    results.put([(w.number, w.acknowledged, w.unknown, w.errors) for w in writers.all])


class Bench:
    """A primary, its endpoint and the writers' processes."""

    def __init__(self, kit, folder, chosen):
        self.kit, self.folder, self.chosen = kit, folder, chosen
        self.made = []
        self.blue = self.spec("blue-0", kit.versions[0])
        kit.engine.create(self.blue, MASTER, "app")
        socket = kit.engine.start(self.blue).socket
        for statement in TABLES:
            kit.rows(socket, statement)
        for number in range(chosen.writers):
            kit.rows(socket, "INSERT INTO counters VALUES (%s, 0)", number)
        self.where = loopback()
        self.endpoint = EndpointSpec("bench", kit.name, *self.where, folder / "endpoint")
        kit.endpoints.start(self.endpoint, socket)
        context = multiprocessing.get_context("spawn")
        self.ending, self.results = context.Event(), context.Queue()
        shares = [list(range(chosen.writers))[part::PROCESSES] for part in range(PROCESSES)]
        self.processes = [
            context.Process(target=write, args=(kit.name, self.where, share, self.ending, self.results))
            for share in shares
            if share
        ]
        for process in self.processes:
            process.start()

    def spec(self, name, version):
        self.made.append(self.kit.spec(self.folder, name, version=version))
        return self.made[-1]

    def copy(self, number):
        """Make a copy and change its tables while it follows."""
        began = time.monotonic()
        green = self.spec(f"green-{number}", self.kit.versions[-1])
        engine = self.kit.engine
        engine.copies.copy(self.blue, green, self.kit.copy_kind)
        socket = engine.start(green).socket
        engine.copies.follow(self.blue, green)
        ready = time.monotonic() - began
        engine.set_read_only(green, on=False)
        self.kit.rows(socket, f"ALTER TABLE written ADD COLUMN extra_{number} INT DEFAULT 7")
        engine.set_read_only(green, on=True)

        def close():
            following = engine.copies.following(self.blue, green)
            return following.running and following.behind is not None and following.behind < 100

        until(close, what="the copy follows closely")
        return green, ready

    def round(self, number, kill):
        """Switch over; returns when that began and how long the copy took to be ready."""
        green, ready = self.copy(number)
        change = Switchover(self.kit.engine, self.kit.endpoints, self.endpoint, self.blue, green, drain=5)
        began = time.monotonic()
        journal = self.folder / f"{number}.journal"
        if kill in switchover_job.STEPS:
            told = self.folder / f"{number}.json"
            told.write_bytes(switchover_job.written(change))
            command = [sys.executable, "-m", "tests.engines.databases.switchover_job", self.kit.name]
            subprocess.run([*command, told, journal, kill], check=False, capture_output=True)
            switched = switchover_job.recover(change, journal)
        elif kill:
            switched = self.round_with_a_death(change, journal, kill)
        else:
            switchover_job.run(change, journal)
            switched = True
        if not switched:
            self.kit.engine.start(green)
            self.kit.engine.copies.follow(self.blue, green)
            switchover_job.run(change, journal)
        old, self.blue = self.blue, green
        time.sleep(0.5)
        self.kit.engine.stop(old, at_once=True)
        return began, ready

    def round_with_a_death(self, change, journal, kill):
        switchover.hold(change)
        os.kill(
            self.kit.engine.reattach(change.blue if kill == "primary" else change.green).pid, signal.SIGKILL
        )
        with contextlib.suppress(DatabaseError):
            position = switchover.fence(change)
            switchover.catch_up(change, position, patience=30)
            raise AssertionError("a dead database caught up")
        return switchover_job.recover(change, journal)

    def end(self):
        """End the writers and return them with what they were told."""
        self.ending.set()
        told = [entry for _ in self.processes for entry in self.results.get()]
        for process in self.processes:
            process.join()
        writers = Writers(self.kit, self.where, self.chosen.writers)
        for number, acknowledged, unknown, errors in told:
            writers.all[number].acknowledged = acknowledged
            writers.all[number].unknown, writers.all[number].errors = unknown, errors
        return writers

    def close(self):
        self.ending.set()
        self.kit.endpoints.stop(self.endpoint)
        for spec in self.made:
            with contextlib.suppress(FileNotFoundError):
                self.kit.engine.stop(spec, at_once=True)


def longest(writer, begin, end):
    """A writer's longest pause in seconds within a span of time."""
    moments = [at for _, at in writer.acknowledged if begin - 1 <= at <= end]
    return max((after - before for before, after in itertools.pairwise(moments)), default=end - begin)


def measure(kit, folder, chosen):
    chance = random.Random(chosen.seed)
    bench = Bench(kit, folder, chosen)
    spans, readies = [], []
    try:
        time.sleep(1)
        for number in range(1, chosen.rounds + 1):
            kill = ""
            if chosen.kills and number % 2 == 0:
                kill = chance.choice([*switchover_job.STEPS, "primary", "copy"])
            began, ready = bench.round(number, kill)
            spans.append((kill, began, time.monotonic()))
            readies.append(ready)
        time.sleep(0.5)
        writers = bench.end()
        balance = writers.balance(bench.blue)
    finally:
        bench.close()
    print(
        f"\n{kit.name} {kit.versions[0]} to {kit.versions[-1]}, {chosen.writers} writers, seed {chosen.seed}"
    )
    for name, wanted in (("undisturbed", False), ("with a death in the midst", True)):
        pauses = sorted(
            longest(writer, begin, end) * 1000
            for kill, begin, end in spans
            if bool(kill) is wanted
            for writer in writers.all
        )
        if pauses:
            ninety_five = pauses[min(len(pauses) - 1, round(len(pauses) * 0.95))]
            rounds = sum(bool(kill) is wanted for kill, _, _ in spans)
            print(
                f"  {rounds:3} switchovers {name}: pause of a writer p50 {statistics.median(pauses):.0f} ms,"
                f" p95 {ninety_five:.0f} ms, max {pauses[-1]:.0f} ms"
            )
    print(f"  copy ready in {statistics.median(readies):.1f} s (median)")
    counts = ", ".join(f"{what} {count}" for what, count in balance.items())
    print(f"  acknowledged {writers.acknowledged()}, errors at clients {len(writers.errors)}, {counts}")
    if any(balance.values()) or writers.errors:
        sys.exit("rows or clients were harmed: " + "; ".join(writers.errors[:5]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", action="store_true")
    parser.add_argument("--engine", choices=sorted(KITS), default=None)
    parser.add_argument("--directory", default=None)
    chosen = parser.parse_args()
    for line in machine.facts(Path(chosen.directory or tempfile.gettempdir())):
        print(line)
    for name in [chosen.engine] if chosen.engine else sorted(KITS):
        with tempfile.TemporaryDirectory(prefix="coldframe-bench-", dir=chosen.directory) as folder:
            measure(KITS[name](), Path(folder), chosen)


if __name__ == "__main__":
    main()
