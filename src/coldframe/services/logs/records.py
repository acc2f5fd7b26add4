"""What CloudWatch Logs remembers beside the events themselves; all times are milliseconds since the epoch."""

from typing import Any

from coldframe.core.records import Record, record
from coldframe.services.logs.anomaly_records import AnomalyPattern, LogAnomaly, LogAnomalyDetector
from coldframe.services.logs.delivery_records import WaitingPayload, WaitingRecipient
from coldframe.services.logs.policy_records import (
    AccountPolicy,
    IndexPolicy,
    LogTransformer,
    ResourcePolicy,
)
from coldframe.services.logs.query_records import (
    InsightsQuery,
    LookupTable,
    LookupTableBody,
    QueryDefinition,
)
from coldframe.services.logs.scheduled_records import ScheduledQuery, ScheduledRun

__all__ = [
    "TAGGED",
    "AccountPolicy",
    "AnomalyPattern",
    "Destination",
    "DroppedStream",
    "ExportTask",
    "IndexPolicy",
    "InsightsQuery",
    "LogAnomaly",
    "LogAnomalyDetector",
    "LogGroup",
    "LogStream",
    "LogTransformer",
    "LookupTable",
    "LookupTableBody",
    "MetricFilter",
    "QueryDefinition",
    "ResourcePolicy",
    "ScheduledQuery",
    "ScheduledRun",
    "SubscriptionFilter",
    "WaitingFindings",
    "WaitingOutlet",
    "WaitingPayload",
    "WaitingRecipient",
]

_GROUP_MISSING = ("ResourceNotFoundException", "The specified log group does not exist.")
_STREAM_MISSING = ("ResourceNotFoundException", "The specified log stream does not exist.")


@record(
    "logs_groups",
    key=("name",),
    index=("id", "created", "group_class"),
    missing=_GROUP_MISSING,
    duplicate=("ResourceAlreadyExistsException", "The specified log group already exists"),
)
class LogGroup(Record):
    """A log group; `id` names its events in the log store and is never used again after deletion."""

    name: str
    id: str
    created: int
    retention_days: int | None = None
    kms_key: str = ""
    group_class: str = "STANDARD"
    deletion_protection: bool = False
    tags: dict[str, str] = {}
    protection: str = ""
    protection_updated: int = 0
    protection_deleted: bool = False


@record("logs_group_covers", key=("group_id",), scope="partition")
class GroupCover(Record):
    """The keys that the events of a group are covered with: its ARN, and of each the KMS key and the wrapped data key.

    A key's number is its place in the lists. They stay for as long as events may be covered with them.
    """

    group_id: str
    arn: str
    kms_keys: list[str]
    wrapped: list[str]


@record(
    "logs_streams",
    key=("group", "name"),
    index=("created",),
    missing=_STREAM_MISSING,
    duplicate=("ResourceAlreadyExistsException", "The specified log stream already exists"),
)
class LogStream(Record):
    """A log stream of the group named `group`; what its events say of it comes from the log store."""

    group: str
    name: str
    created: int


@record(
    "logs_metric_filters",
    key=("group", "name"),
    index=("created",),
    missing=("ResourceNotFoundException", "The specified metric filter does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The specified metric filter already exists"),
)
class MetricFilter(Record):
    """A metric filter: events that match `pattern` become values of metrics."""

    group: str
    name: str
    pattern: str
    transformations: list[dict[str, Any]]
    created: int
    on_transformed: bool = False
    selection: str = ""
    system_dimensions: list[str] = []


@record(
    "logs_subscription_filters",
    key=("group", "name"),
    index=("created",),
    missing=("ResourceNotFoundException", "The specified subscription filter does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The specified subscription filter already exists"),
)
class SubscriptionFilter(Record):
    """A subscription filter: events that match `pattern` go on to `destination`, masked."""

    group: str
    name: str
    pattern: str
    destination: str
    created: int
    role: str = ""
    distribution: str = "ByLogStream"
    on_transformed: bool = False
    selection: str = ""
    system_fields: list[str] = []


@record(
    "logs_destinations",
    key=("name",),
    index=("created",),
    missing=("ResourceNotFoundException", "The specified destination does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The specified destination already exists"),
)
class Destination(Record):
    """A destination that other accounts may subscribe to, if its access policy lets them."""

    name: str
    target: str
    role: str
    created: int
    access_policy: str = ""
    tags: dict[str, str] = {}


@record("logs_dropped_streams", key=("group_id", "name"))
class DroppedStream(Record):
    """A deleted stream whose events are still to be dropped from the log store."""

    group_id: str
    name: str


@record(
    "logs_export_tasks",
    key=("id",),
    index=("created", "status"),
    missing=("ResourceNotFoundException", "The specified export task does not exist."),
)
class ExportTask(Record):
    """An export of a group's events to a bucket; `start` and `end` are the times of the events, both inclusive."""

    id: str
    group: str
    group_id: str
    start: int
    end: int
    bucket: str
    prefix: str
    created: int
    name: str = ""
    stream_prefix: str = ""
    status: str = "PENDING"
    message: str = ""
    completed: int = 0


@record("logs_waiting_outlets", key=("destination",))
class WaitingOutlet(Record):
    """The ARN of a bucket or a delivery stream that audit reports wait for."""

    destination: str


@record("logs_waiting_findings", key=("id",), index=("destination",))
class WaitingFindings(Record):
    """Audit reports of one batch that still have to go to an ARN; ids rise with the time they were `made`."""

    id: str
    destination: str
    reports: list[str]
    made: int


TAGGED: dict[str, type[Record]] = {
    "anomaly-detector": LogAnomalyDetector,
    "destination": Destination,
    "lookup-table": LookupTable,
    "scheduled-query": ScheduledQuery,
}
"""What has tags beside log groups, by the first part of the resource in its ARN; the key of each is the rest."""
