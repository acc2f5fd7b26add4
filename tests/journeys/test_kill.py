"""kill -9 at random moments under load: what was acknowledged is there once, and the server is ready again at once."""

import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import emptied_database
from tests.journeys.process import ServerProcess, events_of, until

CLIENTS = 4


class Writer(threading.Thread):
    """One client that makes groups and streams and puts events; `acknowledged` is what it was told is safe."""

    def __init__(self, server, number, turn):
        super().__init__(daemon=True)
        self.logs = server.client("logs")
        self.name = f"{turn}-{number}"
        self.groups, self.acknowledged, self.sent = [], {}, {}
        self.failure = None

    def run(self):
        group = stream = ""
        for step in range(100_000):
            try:
                if step % 20 == 0:
                    group, stream = f"group-{self.name}-{step}", f"stream-{self.name}-{step}"
                    self.logs.create_log_group(logGroupName=group)
                    self.groups.append(group)
                    self.logs.create_log_stream(logGroupName=group, logStreamName=stream)
                    self.acknowledged[group, stream] = []
                messages = [f"{self.name} {step} {number} x@example.com" for number in range(1 + step % 7)]
                self.sent.setdefault((group, stream), []).extend(messages)
                self.logs.put_log_events(
                    logGroupName=group,
                    logStreamName=stream,
                    logEvents=[{"timestamp": int(time.time() * 1000), "message": text} for text in messages],
                )
                self.acknowledged[group, stream] += messages
            except ClientError as error:
                self.failure = error
                return
            except BotoCoreError:
                return  # the server is gone


def told(writers):
    """How many events the writers were told are safe."""
    return sum(len(messages) for writer in writers for messages in list(writer.acknowledged.values()))


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_what_was_acknowledged_survives_kill(tmp_path, request, store):
    data = tmp_path / "data"
    options = []
    if store == "postgresql":
        url = emptied_database(request.getfixturevalue("postgresql"))
        options = ["--store", url]
    writers = []
    chance = random.Random(store)
    for turn in range(2):
        with ServerProcess(data, *options) as server:
            here = [Writer(server, number, turn) for number in range(CLIENTS)]
            writers += here
            for writer in here:
                writer.start()
            until(lambda here=here: told(here) > 60)
            time.sleep(chance.random())
            server.kill()
            for writer in here:
                writer.join(30)
    started = time.monotonic()
    with ServerProcess(data, *options) as server:
        assert time.monotonic() - started < 15
        logs = server.client("logs")
        pages = logs.get_paginator("describe_log_groups").paginate()
        groups = {group["logGroupName"] for page in pages for group in page["logGroups"]}
        for writer in writers:
            assert writer.failure is None
            assert groups.issuperset(writer.groups)
            for (group, stream), messages in writer.acknowledged.items():
                found = events_of(logs, group, stream)
                assert len(found) == len(set(found))
                assert set(messages) <= set(found) <= set(writer.sent[group, stream])
        assert told(writers) > 100
        assert server.stop() == 0
