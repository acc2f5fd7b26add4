"""Says where the time of one PutLogEvents of 100 events goes, step by step, in one thread and without sockets.

Run: python -m bench.put_path [--times 3000] [--directory DIR]

Each row is what a step takes itself, without the steps inside it: medians of the wall clock and of processor time. What
a request over HTTP takes beyond the sum (bench.gateway) is sockets, changes of threads, and the client.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import gateway as requests
from bench import machine, servers
from bench.load import signed
from coldframe.core.config import Settings
from coldframe.core.wire import WireRequest
from coldframe.engines.detector import identifiers
from coldframe.engines.logstore import store
from coldframe.engines.logstore.commit import GroupCommit
from coldframe.engines.logstore.disk import Disk
from coldframe.engines.logstore.tables import Tables
from coldframe.gateway import answer, app
from coldframe.identity import bootstrap
from coldframe.server.assembly import Assembly, assemble
from coldframe.server.http1 import head
from coldframe.services.logs import ingestion, limits
from coldframe.services.logs.operations import log_events

Taken = tuple[float, float]
HEADERS = {"Content-Type": "application/x-amz-json-1.1"}


class Steps:
    """Times functions, each without those that it calls."""

    def __init__(self) -> None:
        self.taken: dict[str, list[Taken]] = defaultdict(list)
        self._inside: list[list[float]] = []

    def of(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed under a label."""

        def timed(*given: Any, **named: Any) -> Any:
            inside = [0.0, 0.0]
            self._inside.append(inside)
            wall, used = time.perf_counter(), time.thread_time()
            try:
                return function(*given, **named)
            finally:
                used, wall = time.thread_time() - used, time.perf_counter() - wall
                self._inside.pop()
                self.taken[label].append((wall - inside[0], used - inside[1]))
                if self._inside:
                    self._inside[-1][0] += wall
                    self._inside[-1][1] += used

        return timed

    def put_into(self, owner: Any, name: str, label: str) -> None:
        """Have a function of a module or class timed."""
        setattr(owner, name, self.of(label, getattr(owner, name)))


def instrument(steps: Steps) -> None:
    """Time what one PutLogEvents goes through."""
    head.parse = steps.of("HTTP: parse the head", head.parse)
    steps.put_into(app.Gateway, "_route", "find service and operation")
    names = (
        "check the signature",
        "read and check the parameters",
        "ask IAM",
        "hand to the operation, commit",
    )
    app.STEPS = tuple(steps.of(label, step) for label, step in zip(names, app.STEPS, strict=True))
    steps.put_into(answer, "result", "write the answer")
    steps.put_into(log_events, "ingest", "ingest: rules, generations, the rest")
    steps.put_into(limits, "check", "PutLogEvents: limits")
    steps.put_into(ingestion, "protect", "mask")
    steps.put_into(ingestion, "_embed", "look for embedded metrics")
    steps.put_into(ingestion, "_report", "report findings")
    steps.put_into(ingestion, "_count", "count for AWS/Logs")
    steps.put_into(store.LogStore, "append", "store: columns, sequences")
    steps.put_into(store.LogStore, "_sealed", "store: seal originals")
    steps.put_into(store, "encode", "store: record")
    steps.put_into(store, "frame", "store: frame, checksum")
    steps.put_into(GroupCommit, "submit", "store: group commit")
    steps.put_into(Disk, "write", "store: write")
    steps.put_into(Disk, "sync", "store: fdatasync")
    steps.put_into(Tables, "apply", "store: memory table")


def call(assembly: Assembly, server: servers.Server, operation: str, body: bytes) -> bytes:
    """Make a call; the request's bytes."""
    raw = signed(server, "logs", {**HEADERS, "X-Amz-Target": f"Logs_20140328.{operation}"}, body)
    answered = once(assembly, raw)
    if answered.status != 200:
        raise RuntimeError(f"{operation}: {answered}")
    return raw


def once(assembly: Assembly, raw: bytes) -> Any:
    """Handle one request as the server does."""
    first, _, body = raw.partition(b"\r\n\r\n")
    found = head.parse(first)
    request = WireRequest(found.method, found.path, found.query, found.headers, body)
    return assembly.gateway.inline(request) or assembly.gateway.handle(request)


def measure(directory: Path, kinds: list[str] | None, times: int) -> dict[str, list[Taken]]:
    """Each step's times with a log group that masks these kinds."""
    with assemble(Settings(directory)) as assembly:
        made: list[tuple[str, ...]] = []
        bootstrap.set_up(assembly.installation, lambda *key: made.append(key))
        _, key, secret = made[0]
        server: Any = servers.Server("coldframe", 1, None, key, secret)  # type: ignore[arg-type]
        call(assembly, server, "CreateLogGroup", b'{"logGroupName":"g"}')
        call(assembly, server, "CreateLogStream", b'{"logGroupName":"g","logStreamName":"s"}')
        if kinds is not None:
            policy = {"logGroupIdentifier": "g", "policyDocument": requests.policy(kinds)}
            call(assembly, server, "PutDataProtectionPolicy", json.dumps(policy).encode())
        raw = call(assembly, server, "PutLogEvents", requests.put_body("g", "s"))
        for _ in range(300):
            once(assembly, raw)
        steps = Steps()
        kept = [(owner, dict(vars(owner))) for owner in OWNERS]
        instrument(steps)
        whole = steps.of("the request, what is left", once)
        try:
            for _ in range(times):
                whole(assembly, raw)
        finally:
            for owner, names in kept:
                for name, value in names.items():
                    if getattr(owner, name, None) is not value and not name.startswith("__"):
                        setattr(owner, name, value)
        return steps.taken


OWNERS = (
    head, app, app.Gateway, answer, log_events, limits, ingestion, store, store.LogStore, GroupCommit, Disk, Tables,
)  # fmt: skip


def main() -> None:
    """Measure without and with masking, and print the table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--times", type=int, default=3000)
    options.add_argument("--directory", type=Path, help="where the data lies")
    chosen = options.parse_args()
    directory = Path(tempfile.mkdtemp(dir=chosen.directory, prefix="bench-put-path-"))
    every = sorted(identifiers())
    print(*machine.facts(directory), sep="\n")
    try:
        plain = measure(directory / "plain", None, chosen.times)
        masked = measure(directory / "masked", every, chosen.times)
    finally:
        shutil.rmtree(directory)
    rows = [
        [
            label,
            *(f"{middle(taken.get(label, []), at):.0f}" for taken in (plain, masked) for at in (0, 1)),
        ]
        for label in sorted({*plain, *masked}, key=lambda label: -middle(plain.get(label, []), 0))
    ]
    sums = [sum(middle(each, at) for each in taken.values()) for taken in (plain, masked) for at in (0, 1)]
    rows.append(["sum", *(f"{value:.0f}" for value in sums)])
    columns = ["us", "of them processor", f"all {len(every)} identifiers, us", "of them processor"]
    print()
    print(machine.table(["one PutLogEvents of 100 events", *columns], rows))
    print("\nmedians; each step timed costs about 1 us of its own, in the row around it")


def middle(taken: list[Taken], which: int) -> float:
    """The median in microseconds of the wall clock (0) or of processor time (1)."""
    return machine.median([each[which] for each in taken]) * 1e6 if taken else 0.0


if __name__ == "__main__":
    main()
