"""What CloudWatch Logs remembers of anomaly detectors and what they found; times are milliseconds since the epoch."""

from typing import Any

from coldframe.core.records import Record, record

INFINITE = -1


@record(
    "logs_anomaly_detectors",
    key=("id",),
    index=("created", "due"),
    missing=("ResourceNotFoundException", "The specified anomaly detector does not exist."),
)
class LogAnomalyDetector(Record):
    """An anomaly detector of the log group `group`; `due` is when it looks next, at the time since `evaluated`.

    `intervals` is how many evaluations the counts of its patterns are of; 0 until it has been trained.
    """

    id: str
    name: str
    group: str
    frequency: str
    pattern: str
    visibility_days: int
    created: int
    modified: int
    due: int
    enabled: bool = True
    evaluated: int = 0
    intervals: float = 0.0
    failed: bool = False
    tags: dict[str, str] = {}


@record("logs_anomaly_patterns", key=("detector", "id"))
class AnomalyPattern(Record):
    """A pattern that a detector has seen: its template, and how many events while it was `known` as usual.

    `suppressed_until` is 0 where it is not suppressed, INFINITE without an end.
    """

    detector: str
    id: str
    template: str
    count: float
    known: bool
    first_seen: int
    suppressed: int = 0
    suppressed_until: int = 0


@record(
    "logs_anomalies",
    key=("detector", "id"),
    index=("pattern", "last_seen"),
    missing=("ResourceNotFoundException", "The specified anomaly does not exist."),
)
class LogAnomaly(Record):
    """An anomaly: events of a pattern that is new, or more frequent than usual. All of its texts are masked.

    `histogram` has how many there were at the times of evaluations, `tokens` what was found for each varying token.
    """

    detector: str
    id: str
    pattern: str
    template: str
    kind: str
    priority: str
    description: str
    first_seen: int
    last_seen: int
    histogram: dict[str, int]
    samples: list[dict[str, Any]]
    tokens: list[dict[str, int]]
    names: list[str]
    active: bool = True
    baseline: bool = False
    suppressed: int = 0
    suppressed_until: int = 0
