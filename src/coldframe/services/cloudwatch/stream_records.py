"""What CloudWatch remembers of metric streams; times are milliseconds, but for `sent_until`."""

from typing import Any

from coldframe.core.records import Record, record

RUNNING, STOPPED = "running", "stopped"


@record(
    "cloudwatch_metric_streams",
    key=("name",),
    missing=("ResourceNotFoundException", "MetricStream {name} not found"),
)
class MetricStream(Record):
    """A metric stream; every minute that ended before `sent_until` (seconds since 1970) has been sent."""

    name: str
    arn: str
    firehose: str
    role: str
    format: str
    state: str
    created: int
    updated: int
    sent_until: int
    include: list[dict[str, Any]] = []
    exclude: list[dict[str, Any]] = []
    statistics: list[dict[str, Any]] = []
    linked: bool = False
    tags: dict[str, str] = {}
