"""kill -9 under load: metric data that were acknowledged are there once, also across flushes of the store."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from tests.journeys.process import ServerProcess

CLIENTS = 3


class Writer(threading.Thread):
    """One client that puts its metric again and again; `acknowledged` and `sent` count its values."""

    def __init__(self, server, name):
        super().__init__(daemon=True)
        self.cloudwatch = server.client("cloudwatch")
        self.name = name
        self.acknowledged = self.sent = 0
        self.failure = None

    def run(self):
        for _ in range(100_000):
            self.sent += 1
            try:
                self.cloudwatch.put_metric_data(
                    Namespace="kill", MetricData=[{"MetricName": self.name, "Value": 1.0}]
                )
            except ClientError as error:
                self.failure = error
                return
            except BotoCoreError:
                return  # the server is gone
            self.acknowledged += 1


def test_acknowledged_metric_data_survive_kill(tmp_path):
    data = tmp_path / "data"
    writers = []
    chance = random.Random(5)
    for turn in range(2):
        with ServerProcess(data) as server:
            here = [Writer(server, f"metric-{turn}-{number}") for number in range(CLIENTS)]
            writers += here
            for writer in here:
                writer.start()
            time.sleep(0.5 + chance.random())
            server.kill()
            for writer in here:
                writer.join(30)
    with ServerProcess(data) as server:
        cloudwatch = server.client("cloudwatch")
        now = datetime.now(UTC)
        for writer in writers:
            points = cloudwatch.get_metric_statistics(
                Namespace="kill",
                MetricName=writer.name,
                StartTime=now - timedelta(minutes=10),
                EndTime=now + timedelta(minutes=2),
                Period=60,
                Statistics=["SampleCount"],
            )["Datapoints"]
            counted = sum(point["SampleCount"] for point in points)
            assert writer.failure is None
            assert writer.acknowledged > 0
            assert writer.acknowledged <= counted <= writer.sent
