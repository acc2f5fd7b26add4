"""Audit findings of data protection: the report of an event, in AWS's JSON, and the metric of how many there are."""

from datetime import UTC, datetime

import msgspec

from coldframe.core.offers import MetricSink
from coldframe.engines.detector import Findings


def report(group_arn: str, findings: Findings, now: int) -> str:
    """Return one event's report: kinds with their counts and character offsets, never the data itself.

    Source: Amazon CloudWatch Logs user guide, Audit findings reports.
    """
    detections: dict[str, list[dict[str, int]]] = {}
    for start, end, kind in findings:
        detections.setdefault(kind, []).append({"start": start, "end": end})
    content = {
        "auditTimestamp": datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resourceArn": group_arn,
        "dataIdentifiers": [
            {"name": kind, "count": len(spans), "detections": spans} for kind, spans in detections.items()
        ],
    }
    return msgspec.json.encode(content).decode()


def count(sink: MetricSink, place: tuple[str, str], group: str, events: int, now: int) -> None:
    """Record LogEventsWithFindings for a group: how many events of a batch had findings."""
    metric = ("AWS/Logs", "LogEventsWithFindings")
    for more in ({}, {"DataProtectionOperation": "Audit"}):
        sink.put(place, metric, events, at=now, dimensions={"LogGroupName": group, **more})
