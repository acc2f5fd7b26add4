"""Measures metrics: data taken in a second by the store and through the API, and three hours of 100 metrics read back.

Run: python -m bench.metrics [--seconds 5] [--directory DIR]
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import machine
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.store import MetricStore
from tests.server_fixtures import running_server

METRICS = 1000
NAMESPACE = "bench"


def batches(now: int, minutes: int) -> list[list[Sample]]:
    """Return a batch of one datum of each of 1,000 metrics for each minute."""
    metrics = [
        Metric("123456789012", "us-east-1", NAMESPACE, f"metric-{number % 10}", (("host", f"host-{number}"),))
        for number in range(METRICS)
    ]
    return [
        [
            Sample(metric, "Count", now - 60 * minute, values=(float((number * 7919 + minute) % 1000),))
            for number, metric in enumerate(metrics)
        ]
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


def api(directory: Path, seconds: float, table: Table) -> None:
    """The same through PutMetricData with signed requests, then GetMetricData."""
    with running_server(directory / "server") as server:
        client = server.client("cloudwatch")
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        names = [("metric", [{"Name": "host", "Value": f"host-{number}"}]) for number in range(METRICS)]
        for values, label in ((1, "1 value each"), (150, "150 values each")):
            data = [
                {"MetricName": name, "Dimensions": pairs, "Unit": "Count"}
                | ({"Value": 1.5} if values == 1 else {"Values": [float(value) for value in range(values)]})
                for name, pairs in names[: METRICS if values == 1 else 40]
            ]
            put, begun = 0, time.perf_counter()
            while time.perf_counter() < begun + seconds:
                client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
                put += len(data)
            taken = time.perf_counter() - begun
            table.add_row(
                f"PutMetricData: data and values a second, {label}, boto3 in the same process",
                f"{put / taken:,.0f} and {put * values / taken:,.0f}",
            )
        store = server.installation.parts.get(MetricStore)
        for minute in range(180):
            at = int(now.timestamp()) - 60 * minute
            store.put(
                [
                    Sample(
                        Metric(server.account, "us-east-1", "read", "m", (("host", f"{number}"),)),
                        "None",
                        at,
                        values=(float(minute),),
                    )
                    for number in range(100)
                ]
            )
        for where in ("memory", "blocks"):
            read(client, now, table, where)
            store.flush()


def read(client, now: datetime, table: Table, where: str) -> None:
    """GetMetricData of three hours of 100 metrics by the minute."""
    for stat in ("Average", "p99"):
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "read",
                        "MetricName": "m",
                        "Dimensions": [{"Name": "host", "Value": f"{number}"}],
                    },
                    "Period": 60,
                    "Stat": stat,
                },
            }
            for number in range(100)
        ]
        taken, server_side = [], []
        for _ in range(15):
            begun = time.perf_counter()
            answer = client.get_metric_data(
                MetricDataQueries=queries,
                StartTime=now - timedelta(hours=3),
                EndTime=now + timedelta(minutes=1),
            )
            taken.append((time.perf_counter() - begun) * 1000)
            server_side.append(sum(len(result["Values"]) for result in answer["MetricDataResults"]))
        table.add_row(
            f"GetMetricData, 3 hours of 100 metrics from {where}, {stat} ({server_side[-1]:,} points), p50, with boto3",
            f"{statistics.median(taken):.1f} ms",
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
    console = Console()
    for line in machine.facts(chosen.directory):
        console.print(line)
    table = Table("measured", "result")
    with tempfile.TemporaryDirectory(dir=chosen.directory, prefix="coldframe-metrics-") as place:
        store_rate(Path(place), chosen.seconds, table)
        api(Path(place), chosen.seconds, table)
    console.print(table)


if __name__ == "__main__":
    main()
