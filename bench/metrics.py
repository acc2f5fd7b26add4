"""Measures metrics: data taken in a second by the store and through the API, and three hours of 100 metrics read back.

Run: python -m bench.metrics [--seconds 5] [--directory DIR]
"""

import argparse
import gc
import gzip
import http.client
import itertools
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import botocore.parsers
import cbor2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from rich.console import Console
from rich.table import Table

from bench import machine
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.store import MetricStore
from tests.server_fixtures import running_server

METRICS = 1000
NAMESPACE = "bench"


def batches(now: int, minutes: int) -> list[list[Sample]]:
    """Return four batches of one datum of each of 1,000 metrics for each minute, each with values of its own."""
    metrics = [
        Metric("123456789012", "us-east-1", NAMESPACE, f"metric-{number % 10}", (("host", f"host-{number}"),))
        for number in range(METRICS)
    ]
    return [
        [
            Sample(metric, "Count", now - 60 * minute, values=(float((number * 7919 + turn) % 1000),))
            for number, metric in enumerate(metrics)
        ]
        for turn in range(4)
        for minute in range(minutes)
    ]


def store_rate(directory: Path, seconds: float, table: Table) -> None:
    """Data put into the store itself, durable before the next batch, from one thread and from four."""
    now = int(time.time())
    ready = batches(now, 60)
    for threads in (1, 4):
        store = MetricStore(directory / f"store-{threads}", time.time)
        counts = [0] * threads
        ends = time.perf_counter() + seconds

        def put(
            slot: int, store: MetricStore = store, counts: list[int] = counts, ends: float = ends
        ) -> None:
            number = slot
            while time.perf_counter() < ends:
                store.put(ready[number % len(ready)])
                counts[slot] += METRICS
                number += 1

        begun = time.perf_counter()
        workers = [threading.Thread(target=put, args=(slot,)) for slot in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        rate = sum(counts) / (time.perf_counter() - begun)
        table.add_row(f"store: data a second, batches of 1,000, {threads} thread(s), durable", f"{rate:,.0f}")
        begun = time.perf_counter()
        store.flush()
        table.add_row("  moving what was put to blocks", f"{time.perf_counter() - begun:.2f} s")
        store.close()


class Caller:
    """Sends one signed request again and again over one connection, so that the client costs next to nothing.

    As boto3 sends it when `cbor`: CBOR, packed with gzip where the operation allows it and it is worth it.
    """

    def __init__(self, server, operation: str, parameters: dict, *, cbor: bool = False) -> None:
        self.path = "/"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"GraniteServiceVersion20100801.{operation}",
        }
        self.body = json.dumps(parameters).encode()
        if cbor:
            self.path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
            headers = {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}
            self.body = cbor2.dumps(parameters)
            if operation == "PutMetricData" and len(self.body) > 10_240:
                headers["Content-Encoding"] = "gzip"
                self.body = gzip.compress(self.body)
        request = AWSRequest("POST", server.endpoint + self.path, data=self.body, headers=headers)
        keys = Credentials(server.access_key_id, server.secret_access_key)
        SigV4Auth(keys, "monitoring", "us-east-1").add_auth(request)
        self.headers = dict(request.prepare().headers)
        self.connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"))

    def __call__(self) -> bytes:
        """Send it once; returns the answer's body."""
        self.connection.request("POST", self.path, self.body, self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body[:500]
        return body


def api(directory: Path, seconds: float, table: Table) -> None:
    """PutMetricData with a signed request of many data, then GetMetricData."""
    with running_server(directory / "server") as server:
        for values, metrics in ((1, METRICS), (150, 100)):
            content = {"Value": 1.5} if values == 1 else {"Values": [float(value) for value in range(values)]}
            data = [
                {
                    "MetricName": "metric",
                    "Dimensions": [{"Name": "host", "Value": f"host-{number}"}],
                    **content,
                }
                for number in range(metrics)
            ]
            for form in ("JSON", "CBOR, gzip"):
                put = Caller(
                    server,
                    "PutMetricData",
                    {"Namespace": NAMESPACE, "MetricData": data},
                    cbor=form != "JSON",
                )
                times, begun, used = 0, time.perf_counter(), time.process_time()
                while time.perf_counter() < begun + seconds:
                    put()
                    times += 1
                rate = times * metrics / (time.perf_counter() - begun)
                used = (time.process_time() - used) / (times * metrics) * 1_000_000
                table.add_row(
                    f"PutMetricData as {form}, {metrics:,} data of {values} value(s) a request: data (values) a second",
                    f"{rate:,.0f} ({rate * values:,.0f}), {used:.1f} us a datum",
                )
        store = server.installation.parts.get(MetricStore)
        now = int(time.time()) // 60 * 60
        rng = random.Random(1)
        for values in (1, 50, 200):
            for minute in range(180):
                store.put(
                    [
                        Sample(
                            Metric(
                                server.account, "us-east-1", "read", f"of {values}", (("host", f"{number}"),)
                            ),
                            "None",
                            now - 60 * minute,
                            values=tuple(rng.lognormvariate(3, 1) for _ in range(values)),
                        )
                        for number in range(100)
                    ]
                )
        for where in ("memory", "blocks"):
            read(server, now, table, where)
            store.flush()
        client(server, now, table)


def question(now: int, values: int, stat: str) -> dict:
    """Return what asks for three hours of 100 metrics by the minute."""
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "read",
                    "MetricName": f"of {values}",
                    "Dimensions": [{"Name": "host", "Value": f"{number}"}],
                },
                "Period": 60,
                "Stat": stat,
            },
        }
        for number in range(100)
    ]
    return {"MetricDataQueries": queries, "StartTime": now - 179 * 60, "EndTime": now + 60}


def client(server, now: int, table: Table) -> None:
    """The same question as boto3 asks it: the server's part, and what botocore takes to read 18,000 points and times."""
    ask = Caller(server, "GetMetricData", question(now, 1, "Average"), cbor=True)
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor")
    shape = server.client("cloudwatch").meta.service_model.operation_model("GetMetricData").output_shape
    asked, parsed = [], []
    for _ in range(15):
        begun = time.perf_counter()
        body = ask()
        asked.append((time.perf_counter() - begun) * 1000)
        answer = {"status_code": 200, "headers": {"smithy-protocol": "rpc-v2-cbor"}, "body": body}
        begun = time.perf_counter()
        found = parser.parse(answer, shape)
        parsed.append((time.perf_counter() - begun) * 1000)
    assert sum(len(result["Values"]) for result in found["MetricDataResults"]) == 18_000
    table.add_row(
        "GetMetricData as CBOR, 3 hours of 100 metrics from blocks, Average of 1 value a minute: p50, least",
        f"{statistics.median(asked):.1f} ms, {min(asked):.1f} ms",
    )
    table.add_row(
        "  botocore's own work to read that answer, which is in none of the times above: p50",
        f"{statistics.median(parsed):.1f} ms",
    )


def read(server, now: int, table: Table, where: str) -> None:
    """GetMetricData of three hours of 100 metrics by the minute: of one value, of 50, and of sketches of 200."""
    for values, stat in itertools.product((1, 50, 200), ("Average", "p99")):
        ask = Caller(server, "GetMetricData", question(now, values, stat))
        taken = []
        for _ in range(15):
            begun = time.perf_counter()
            body = ask()
            taken.append((time.perf_counter() - begun) * 1000)
        points = sum(len(result["Values"]) for result in json.loads(body)["MetricDataResults"])
        table.add_row(
            f"GetMetricData, 3 hours of 100 metrics from {where}, {stat} of {values} value(s) a minute"
            f" ({points:,} points): first, p50, least",
            f"{taken[0]:.1f} ms, {statistics.median(taken):.1f} ms, {min(taken):.1f} ms",
        )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument(
        "--directory", type=Path, default=Path(os.environ.get("TMPDIR", tempfile.gettempdir()))
    )
    chosen = options.parse_args()
    sys.setswitchinterval(0.0005)  # as `coldframe up` does, and the next line too
    gc.set_threshold(5000, 20, 100)
    console = Console()
    for line in machine.facts(chosen.directory):
        console.print(line)
    table = Table("measured", "result")
    with tempfile.TemporaryDirectory(dir=chosen.directory, prefix="coldframe-metrics-") as place:
        syncs = machine.sync_times(Path(place), bytes(100_000), 50, allocated=False)
        table.add_row("the disk: write and fdatasync of 100 kB, p50", f"{statistics.median(syncs):.1f} ms")
        # First, because a million samples in memory make every collection of garbage slower.
        api(Path(place), chosen.seconds, table)
        store_rate(Path(place), chosen.seconds, table)
    console.print(table)


if __name__ == "__main__":
    main()
