"""Compares coldframe with moto_server and ministack over HTTP: GetCallerIdentity and PutLogEvents of 100 events.

Run: python -m bench.gateway [--rounds 3] [--seconds 3] [--directory DIR]

coldframe verifies signatures, asks IAM, masks and makes durable before it answers; moto and ministack do none of the
four. They run from a virtual environment of their own, by default ~/.cache/coldframe-bench/peers (or where
COLDFRAME_BENCH_PEERS says); without it coldframe is measured alone.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from bench import machine, servers
from bench.load import Measured, run, signed
from coldframe.engines.detector import identifiers

PEERS = ("ministack", "moto")
FEW = ("EmailAddress", "CreditCardNumber", "Ssn-US", "IpAddress", "AwsSecretKey")
CLIENTS = 8
MOST = 40_000
GOALS = {"GetCallerIdentity": "ratio >= 2", "PutLogEvents": "ratio >= 2, p50 <= 1.5 fdatasync"}
_ARN = "arn:aws:dataprotection::aws:data-identifier/"
Results = dict[tuple[str, str, int], list[Measured]]


def batch() -> list[str]:
    """100 messages of 12 kB as JSON; one of them carries an e-mail address."""
    lines = [
        f"INFO request {number * 2654435761 % 2**32:08x} GET /api/v1/items/{number} status=200 ms={number * 7 % 90}"
        for number in range(100)
    ]
    lines[50] = "WARN login of user jane.doe@example.com failed: wrong password, second attempt"
    return lines


def put_body(group: str, stream: str) -> bytes:
    """A PutLogEvents request of now."""
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(batch())]
    return json.dumps({"logGroupName": group, "logStreamName": stream, "logEvents": events}).encode()


def policy(kinds: list[str]) -> str:
    """A data protection policy that masks these kinds."""
    names = [_ARN + kind for kind in kinds]
    return json.dumps(
        {
            "Name": "bench",
            "Version": "2021-06-01",
            "Statement": [
                {"DataIdentifier": names, "Operation": {"Audit": {"FindingsDestination": {}}}},
                {"DataIdentifier": names, "Operation": {"Deidentify": {"MaskConfig": {}}}},
            ],
        }
    )


def variants(name: str) -> dict[str, list[str] | None]:
    """What is measured of PutLogEvents on a server: a label, and the kinds that its log group masks."""
    if name != "coldframe":
        return {"PutLogEvents": None}
    every = sorted(identifiers())
    patterns = [kind for kind in every if kind not in {"Name", "Address"}]
    return {
        "PutLogEvents": None,
        "PutLogEvents, 5 identifiers": sorted(FEW),
        f"PutLogEvents, {len(patterns)} identifiers": patterns,
        f"PutLogEvents, all {len(every)} identifiers": every,
    }


def measure(server: servers.Server, results: Results, seconds: float) -> None:
    """One round of one server."""
    logs = server.client("logs")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    identity = signed(server, "sts", form, b"Action=GetCallerIdentity&Version=2011-06-15")
    calls = {"GetCallerIdentity": [identity] * CLIENTS}
    head = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.PutLogEvents"}
    for number, (label, kinds) in enumerate(variants(server.name).items()):
        group = f"bench-{number}"
        logs.create_log_group(logGroupName=group)
        if kinds is not None:
            logs.put_data_protection_policy(logGroupIdentifier=group, policyDocument=policy(kinds))
        for client in range(CLIENTS):
            logs.create_log_stream(logGroupName=group, logStreamName=f"s{client}")
        calls[label] = [signed(server, "logs", head, put_body(group, f"s{n}")) for n in range(CLIENTS)]
    for label, requests in calls.items():
        run(server, requests, 0.5, MOST)
        for clients in (1, CLIENTS):
            results[server.name, label, clients].append(run(server, requests[:clients], seconds, MOST))


def rows(results: Results, names: list[str], sync: float) -> list[list[str]]:
    """One row a server and call: medians of the rounds, the ratio to the best peer's same call, and to one sync in ms."""
    best: dict[str, float] = defaultdict(float)
    for (name, label, clients), rounds in results.items():
        if name != "coldframe" and clients == CLIENTS:
            best[label] = max(best[label], machine.median([one.rate for one in rounds]))
    lines = []
    for name in names:
        for label in ["GetCallerIdentity", *variants(name)]:
            alone, many = results[name, label, 1], results[name, label, CLIENTS]
            rate = machine.median([one.rate for one in many])
            call = label.partition(",")[0]
            ratio = f"{rate / best[call]:.2f}" if best[call] else ""
            p50 = machine.median([machine.percentile(one.latencies, 0.5) for one in alone])
            goal = GOALS.get(call, "") if name == "coldframe" else ""
            lines.append(
                [
                    f"{name}: {label}",
                    f"{p50:.2f}",
                    f"{machine.median([machine.percentile(one.latencies, 0.99) for one in alone]):.2f}",
                    f"{rate:,.0f}",
                    f"{machine.median([one.cpu_each for one in many]):,.0f}",
                    ratio,
                    f"{p50 / sync:.2f}" if call == "PutLogEvents" else "",
                    goal,
                ]
            )
    return lines


def main() -> None:
    """Measure every server in turn, in another order each round, and print the table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    options.add_argument(
        "--directory", type=Path, help="where the data lies: a directory on the disk to be measured"
    )
    options.add_argument("--alone", action="store_true", help="leave the peers out")
    chosen = options.parse_args()
    directory = Path(tempfile.mkdtemp(dir=chosen.directory, prefix="bench-gateway-"))
    names = ["coldframe", *(name for name in PEERS if not chosen.alone and servers.present(name))]
    print(*machine.facts(directory), sep="\n")
    print(f"coldframe: {machine.installed(Path(sys.executable), 'granian', 'botocore', 'msgspec')}")
    if len(names) > 1:
        print(f"peers: {machine.installed(servers.PEERS / 'bin' / 'python', *names[1:])}")
    for name in set(PEERS) - set(names):
        print(f"{name}: not installed")
    results: Results = defaultdict(list)
    syncs: dict[bool, list[float]] = {False: [], True: []}
    try:
        for number in range(chosen.rounds):
            for name in names if number % 2 == 0 else reversed(names):
                for allocated, taken in syncs.items():
                    content = put_body("g", "s")
                    taken += machine.sync_times(directory, content, 200, allocated=allocated)
                place = directory / f"{name}-{number}"
                place.mkdir()
                serving = servers.coldframe(place) if name == "coldframe" else servers.peer(name, place)
                with serving as server:
                    measure(server, results, chosen.seconds)
    finally:
        shutil.rmtree(directory)
    print()
    head = [
        "",
        "p50 ms, 1 client",
        "p99 ms",
        f"requests/s, {CLIENTS} clients",
        "CPU us/request",
        "ratio to best peer",
        "p50 / fdatasync",
        "goal",
    ]
    grown, there = (machine.median(syncs[allocated]) for allocated in (False, True))
    print(machine.table(head, rows(results, names, grown)))
    print()
    print(
        f"one write + fdatasync of the same 12 kB, p50: {grown:.2f} ms to a growing file (the fdatasync of the table),"
        f" {there:.2f} ms in place"
    )


if __name__ == "__main__":
    main()
