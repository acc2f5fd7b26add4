"""Measures the start of `coldframe up`: time to the ready line and to the first answer, and memory before and after work.

Run: python -m bench.start [--times 5] [--directory DIR]
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench import gateway, machine, servers
from bench.load import run, signed
from coldframe.server.files import read_root

GOALS = {"exec to the ready line": "<= 1,000", "memory, ready and idle": "<= 90"}


def prepare(data: Path) -> None:
    """Start once on an empty directory, so that accounts, databases and caches are there; put a masked batch."""
    with servers.coldframe(data) as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName="bench")
        logs.put_data_protection_policy(
            logGroupIdentifier="bench", policyDocument=gateway.policy(sorted(gateway.identifiers()))
        )
        logs.create_log_stream(logGroupName="bench", logStreamName="s")
        put(server)


def put(server: servers.Server) -> None:
    """One batch of 100 events, masked by a policy of all identifiers."""
    head = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.PutLogEvents"}
    run(server, [signed(server, "logs", head, gateway.put_body("bench", "s"))], 0.01, 1)


def identity(server: servers.Server) -> None:
    """One GetCallerIdentity."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    run(server, [signed(server, "sts", form, b"Action=GetCallerIdentity&Version=2011-06-15")], 0.01, 1)


def once(data: Path) -> dict[str, float]:
    """Start warm, call, and stop; milliseconds and megabytes."""
    port = servers.free_port()
    root = read_root(data)
    # What imports the client needs is done by now, and does not count as the server's time.
    begun = time.perf_counter()
    process = subprocess.Popen(
        servers.coldframe_command(data, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=servers.environment(),
    )
    with servers.stopped(process):
        ready = servers.wait_for_line(process, b"ready ", 60)
        found = {"exec to the ready line": (ready - begun) * 1000}
        server = servers.Server("coldframe", port, process, root.access_key_id, root.secret_access_key)
        found["processor time of the start"] = server.cpu_seconds() * 1000
        idle = servers.memory(process.pid)
        called = time.perf_counter()
        identity(server)
        found["first GetCallerIdentity"] = (time.perf_counter() - called) * 1000
        after_call = servers.memory(process.pid)
        called = time.perf_counter()
        put(server)
        found["first PutLogEvents, all identifiers"] = (time.perf_counter() - called) * 1000
        after_put = servers.memory(process.pid)
    for when, (resident, proportional) in (
        ("ready and idle", idle),
        ("after GetCallerIdentity", after_call),
        ("after PutLogEvents, masked", after_put),
    ):
        found[f"memory, {when}"] = resident
        found[f"  proportional, {when}"] = proportional
    return found


def main() -> None:
    """Start several times and print the medians."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--directory", type=Path, help="where the data lies")
    chosen = options.parse_args()
    directory = Path(tempfile.mkdtemp(dir=chosen.directory, prefix="bench-start-"))
    print(*machine.facts(directory), sep="\n")
    print()
    try:
        data = directory / "data"
        data.mkdir()
        prepare(data)
        runs = [once(data) for _ in range(chosen.times)]
    finally:
        shutil.rmtree(directory)
    rows = []
    for name in runs[0]:
        values = [one[name] for one in runs]
        unit = "MB" if "memory" in name or "proportional" in name else "ms"
        rows.append(
            [
                f"{name}, {unit}",
                f"{machine.median(values):,.0f}",
                f"{min(values):,.0f}",
                f"{max(values):,.0f}",
                GOALS.get(name, ""),
            ]
        )
    print(machine.table([f"warm start, {chosen.times} times", "median", "least", "most", "goal"], rows))


if __name__ == "__main__":
    main()
