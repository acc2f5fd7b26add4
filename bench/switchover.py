"""Switchovers under load, again and again: how long writers pause, and whether anything is lost, doubled or refused.

Run: python -m bench.switchover [--rounds 10] [--writers 16] [--seed N] [--kills] [--engine NAME] [--directory DIR] [--report FILE] [--plan].
Writers are processes of their own; each transaction is an insert and an update of a counter. In every round a new copy (of the newest version that is
here) is made, its tables are changed while it follows, and it becomes the primary. With `--kills` something that the seed chooses goes wrong in every
second round, at a step and a moment that it chooses too (bench/mishaps.py): the job, a database or the endpoint is killed, a disk is full (as root), the
copy is too late. `--plan` prints what a seed chooses and ends. A writer's pause is its longest time from one acknowledged transaction to the next in the
round; rounds in which something went wrong are reported apart, and clients may see errors in them, but no row lost or doubled. `--report` is a JSON file.
"""

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import machine, mishaps
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
        self.made, self.disks = [], {}
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
        folder = self.folder
        if self.chosen.disks:
            self.disks[name] = mishaps.Disk(self.folder / f"{name}-disk")
            folder = self.disks[name].folder
        self.made.append(self.kit.spec(folder, name, version=version))
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

        until(lambda: self.close_behind(green), what="the copy follows closely")
        return green, ready

    def close_behind(self, green):
        """Whether a copy runs and follows closely."""
        with contextlib.suppress(DatabaseError):
            following = self.kit.engine.copies.following(self.blue, green)
            return following.running and following.behind is not None and following.behind < 100
        return False

    def until_written(self):
        """Wait until the primary has taken another hundred rows of the writers."""
        count = "SELECT count(*) FROM written"
        socket = self.kit.engine.reattach(self.blue).socket
        before = self.kit.rows(socket, count)[0][0]
        until(lambda: self.kit.rows(socket, count)[0][0] > before + 100, what="writers go on", seconds=180)

    def round(self, number, mishap):
        """Switch over; returns when that began, how long the copy took to be ready, how it ended, and what each step took."""
        green, ready = self.copy(number)
        change = Switchover(self.kit.engine, self.kit.endpoints, self.endpoint, self.blue, green, drain=5)
        began = time.monotonic()
        journal = self.folder / f"{number}.journal"
        outcome, took = "done", {}
        if mishap is None:
            took = switchover_job.run(change, journal)
        else:
            disks = {"blue": self.disks.get(self.blue.name), "green": self.disks.get(green.name)}
            here = {name: disk for name, disk in disks.items() if disk is not None}
            forward = mishaps.switch(self.kit, change, journal, mishap, here)
            outcome = "rolled forward" if forward else "rolled back"
            for disk in here.values():
                disk.free()
            if not forward:
                self.kit.engine.start(green)
                self.kit.engine.copies.follow(self.blue, green)
                until(lambda: self.close_behind(green), what="the copy follows again", seconds=120)
                switchover_job.run(change, journal)
        old, self.blue = self.blue, green
        self.until_written()
        self.kit.engine.stop(old, at_once=True)
        self.kit.engine.destroy(old)
        return began, ready, outcome, took

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
        for disk in self.disks.values():
            disk.close()


def longest(writer, begin, end):
    """A writer's longest pause in seconds of those that end within a span of time: not one while green was made before."""
    moments = [at for _, at in writer.acknowledged if at <= end]
    pauses = (after - before for before, after in itertools.pairwise(moments) if after >= begin)
    return max(pauses, default=end - begin)


def slowest(writers, rounds):
    """What each step took in the undisturbed round with the longest pause; clients wait from `hold` to `release`."""
    found = []
    for number, (mishap, begin, end, _, _, took) in enumerate(rounds, 1):
        if mishap is None:
            pauses = [longest(writer, begin, end) for writer in writers.all]
            found.append((max(pauses), statistics.median(pauses), number, took))
    _, half, number, took = max(found)
    steps = ", ".join(f"{step} {seconds * 1000:.0f}" for step, seconds in took.items())
    return f"  slowest undisturbed: round {number}, p50 {half * 1000:.0f} ms; in ms: {steps}"


def measure(kit, folder, chosen):
    plan = mishaps.planned(chosen.seed, chosen.rounds, disks=chosen.disks) if chosen.kills else {}
    bench = Bench(kit, folder, chosen)
    rounds = []
    try:
        time.sleep(1)
        for number in range(1, chosen.rounds + 1):
            mishap = plan.get(number)
            began, ready, outcome, took = bench.round(number, mishap)
            rounds.append((mishap, began, time.monotonic(), ready, outcome, took))
        time.sleep(0.5)
        writers = bench.end()
        balance = writers.balance(bench.blue)
    finally:
        bench.close()
    title = (
        f"{kit.name} {kit.versions[0]} to {kit.versions[-1]}, {chosen.writers} writers, seed {chosen.seed}"
    )
    print(f"\n{title}")
    for name, wanted in (("undisturbed", False), ("with a mishap in the midst", True)):
        pauses = sorted(
            longest(writer, begin, end) * 1000
            for mishap, begin, end, _, _, _ in rounds
            if (mishap is not None) is wanted
            for writer in writers.all
        )
        if pauses:
            ninety_five = pauses[min(len(pauses) - 1, round(len(pauses) * 0.95))]
            count = sum((mishap is not None) is wanted for mishap, *_ in rounds)
            print(
                f"  {count:3} switchovers {name}: pause of a writer p50 {statistics.median(pauses):.0f} ms,"
                f" p95 {ninety_five:.0f} ms, max {pauses[-1]:.0f} ms"
            )
    for mishap, _, _, _, outcome, _ in rounds:
        if mishap is not None:
            print(f"  round {mishap.round:3}: {mishap}: {outcome}")
    print(slowest(writers, rounds))
    print(f"  copy ready in {statistics.median(ready for _, _, _, ready, _, _ in rounds):.1f} s (median)")
    counts = ", ".join(f"{what} {count}" for what, count in balance.items())
    print(f"  acknowledged {writers.acknowledged()}, errors at clients {len(writers.errors)}, {counts}")
    report = {
        "what": title,
        "rounds": [
            {
                "round": number,
                **mishaps.told(mishap),
                "outcome": outcome,
                "ready": ready,
                "steps": took,
                "pauses": [longest(writer, begin, end) for writer in writers.all],
            }
            for number, (mishap, begin, end, ready, outcome, took) in enumerate(rounds, 1)
        ],
        "acknowledged": writers.acknowledged(),
        "errors": writers.errors,
        **balance,
    }
    # What dies takes its sessions with it, and a client that waits too long is told so: that is no harm to a row.
    harmed = any(balance.values()) or (writers.errors and not plan)
    return report, "rows or clients were harmed: " + "; ".join(writers.errors[:5]) if harmed else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", action="store_true")
    parser.add_argument("--engine", choices=sorted(KITS), default=None)
    parser.add_argument("--directory", default=None)
    parser.add_argument("--report", type=Path, default=None)
    parser.add_argument("--plan", action="store_true")
    chosen = parser.parse_args()
    chosen.disks = chosen.kills and os.geteuid() == 0
    if chosen.plan:
        for mishap in mishaps.planned(chosen.seed, chosen.rounds, disks=os.geteuid() == 0).values():
            print(f"round {mishap.round:3}: {mishap}")
        return
    for line in machine.facts(Path(chosen.directory or tempfile.gettempdir())):
        print(line)
    reports, harms = [], []
    for name in [chosen.engine] if chosen.engine else sorted(KITS):
        with tempfile.TemporaryDirectory(prefix="coldframe-bench-", dir=chosen.directory) as folder:
            report, harm = measure(KITS[name](), Path(folder), chosen)
            reports.append(report)
            harms += [harm] if harm else []
    if chosen.report:
        chosen.report.write_text(json.dumps(reports, indent=1), encoding="utf-8")
    if harms:
        sys.exit("; ".join(harms))


if __name__ == "__main__":
    main()
