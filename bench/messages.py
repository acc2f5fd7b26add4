"""Measures Amazon SQS over HTTP: SendMessage at one and at eight clients, each message durable before it is answered.

Run as `python -m bench.messages --directory DIR` with DIR on the disk to be measured.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from bench import machine, servers
from bench.load import Measured, run, signed

CLIENTS = 8
MOST = 200_000
HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}


def measure(directory: Path, seconds: float) -> dict[str, Measured]:
    """SendMessage of 200 bytes to a standard queue, by the number of clients."""
    with servers.coldframe(directory / "data") as server:
        url = server.client("sqs").create_queue(QueueName="bench")["QueueUrl"]
        body = json.dumps({"QueueUrl": url, "MessageBody": "x" * 200}).encode()
        requests = [signed(server, "sqs", HEADERS, body) for _ in range(CLIENTS)]
        run(server, requests, 0.5, MOST)
        return {
            f"SendMessage, {count} clients": run(server, requests[:count], seconds, MOST)
            for count in (1, CLIENTS)
        }


def main() -> None:
    """Measure and print the table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    options.add_argument("--directory", type=Path, help="where the data lies")
    chosen = options.parse_args()
    directory = Path(tempfile.mkdtemp(dir=chosen.directory, prefix="bench-messages-"))
    try:
        print(*machine.facts(directory), sep="\n")
        for label, measured in measure(directory, chosen.seconds).items():
            median, late = (machine.percentile(measured.latencies, part) for part in (0.5, 0.99))
            print(
                f"{label}: {measured.rate:,.0f}/s, p50 {median:.2f} ms, p99 {late:.2f} ms,"
                f" {measured.cpu_each:,.0f} us of the server's processor a request"
            )
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
