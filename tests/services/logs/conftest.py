"""What the tests of log events share: a group with a stream, and policies that protect it."""

import json
from types import SimpleNamespace

import pytest

from coldframe.services.logs.records import LogGroup, LogStream

ARN = "arn:aws:dataprotection::aws:data-identifier/"


def policy(*kinds: str, log_group: str | None = None) -> str:
    """A data protection policy that audits and masks some kinds."""
    identifiers = [kind if "/" in kind else ARN + kind for kind in kinds]
    destination = {"CloudWatchLogs": {"LogGroup": log_group}} if log_group else {}
    return json.dumps(
        {
            "Name": "protect",
            "Version": "2021-06-01",
            "Statement": [
                {
                    "Sid": "audit",
                    "DataIdentifier": identifiers,
                    "Operation": {"Audit": {"FindingsDestination": destination}},
                },
                {
                    "Sid": "mask",
                    "DataIdentifier": identifiers,
                    "Operation": {"Deidentify": {"MaskConfig": {}}},
                },
            ],
        }
    )


def add_group(server, name, *streams, **fields):
    """A group and its streams, as CreateLogGroup and CreateLogStream record them."""
    now = server.clock.milliseconds()
    with server.installation.store.write() as transaction:
        records = transaction.records(server.account, "us-east-1")
        records.add(LogGroup(name=name, id=f"id-of-{name}", created=now, **fields))
        for stream in streams:
            records.add(LogStream(group=name, name=stream, created=now))


@pytest.fixture
def logs(server):
    """A client, a group `app` with streams `one` and `two`, and `put(*messages)` into stream `one`."""
    add_group(server, "app", "one", "two")
    client = server.client("logs")

    def put(*messages, stream="one", group="app", at=None):
        now = server.clock.milliseconds()
        events = [
            {"timestamp": at if at is not None else now, "message": text} if isinstance(text, str) else text
            for text in messages
        ]
        return client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    return SimpleNamespace(client=client, put=put, server=server, now=server.clock.milliseconds)
