"""Log lines for the tour: where they come from, how they go in, and how they are read and queried."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coldframe.cli.tour.guide import Guide

_LOG_FILES = (
    "/var/log/*.log",
    "/var/log/apt/*.log",
    "/var/log/syslog",
    "/var/log/messages",
    "/var/log/*/*.log",
)
_MOST_LINES = 20_000
_BATCH = 500


def identifiers() -> list[str]:
    """Return the names of all managed data identifiers."""
    from coldframe.engines.detector import identifiers as known

    return sorted(known())


def policy(kinds: list[str], audit: str) -> str:
    """Return the data protection policy that audits some kinds to a log group and masks them."""
    arns = [f"arn:aws:dataprotection::aws:data-identifier/{kind}" for kind in kinds]
    statements = [
        {
            "Sid": "audit-policy",
            "DataIdentifier": arns,
            "Operation": {"Audit": {"FindingsDestination": {"CloudWatchLogs": {"LogGroup": audit}}}},
        },
        {"Sid": "redact-policy", "DataIdentifier": arns, "Operation": {"Deidentify": {"MaskConfig": {}}}},
    ]
    return json.dumps({"Name": "tour", "Version": "2021-06-01", "Statement": statements})


def machine_lines() -> Iterator[str]:
    """Give lines of the machine's own log files, as far as the user may read them."""
    left = _MOST_LINES
    for pattern in _LOG_FILES:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # not every log file of a machine is everybody's to read
            for line in text.splitlines():
                if line.strip() and left > 0:
                    left -= 1
                    yield line[:4000]


def batched_lines(lines: list[str]) -> Iterator[list[str]]:
    """Give the lines in batches that PutLogEvents takes."""
    for start in range(0, len(lines), _BATCH):
        yield lines[start : start + _BATCH]


def put(logs: Any, group: str, stream: str, lines: list[str]) -> None:
    """Put lines into a stream as events of now."""
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": line} for line in lines],
    )


def events(client: Any, group: str, stream: str, **more: Any) -> Iterator[str]:
    """Give the texts of a stream\'s events, oldest first."""
    token: dict[str, str] = {}
    while True:
        page = client.get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True, **token, **more
        )
        yield from (event["message"] for event in page["events"])
        if page["nextForwardToken"] == token.get("nextToken"):
            return
        token = {"nextToken": page["nextForwardToken"]}


def query(guide: Guide, client: Any, group: str, text: str) -> list[dict[str, str]]:
    """Run an Insights query over the last hour and return its rows; raises StoryBroken when it does not complete."""
    now = int(time.time())
    started = client.start_query(
        logGroupName=group, startTime=now - 3600, endTime=now + 60, queryString=text
    )["queryId"]
    while (answer := client.get_query_results(queryId=started))["status"] in {"Scheduled", "Running"}:
        guide.pause(0.05)
    guide.expect(answer["status"] == "Complete", f"the query ended: {answer['status']}")
    return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]
