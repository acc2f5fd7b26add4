"""What CloudWatch Logs remembers beside the events themselves; all times are milliseconds since the epoch."""

from typing import Any

from coldframe.core.records import Record, record

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
    """A log group; `id` names its events in the log store and is never used again after deletion.

    `expired_before`: events of earlier times were deleted by retention, and none can be stored any more.
    """

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
    expired_before: int = 0


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
    index=("id", "created"),
    missing=_STREAM_MISSING,
    duplicate=("ResourceAlreadyExistsException", "The specified log stream already exists"),
)
class LogStream(Record):
    """A log stream of the group named `group`; what its events say of it comes from the log store."""

    group: str
    name: str
    id: str
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


@record(
    "logs_resource_policies",
    key=("resource", "name"),
    missing=("ResourceNotFoundException", "Policy with name [{name}] does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The resource policy already exists"),
)
class ResourcePolicy(Record):
    """A policy that lets services and accounts write here; `resource` is empty for the account's own."""

    resource: str
    name: str
    document: str
    updated: int
    revision: str = ""


@record(
    "logs_account_policies",
    key=("kind", "name"),
    missing=("ResourceNotFoundException", "The specified account policy does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The specified account policy already exists"),
)
class AccountPolicy(Record):
    """A policy for every log group of the account and region, of one kind (DATA_PROTECTION_POLICY, ...)."""

    kind: str
    name: str
    document: str
    updated: int
    scope: str = "ALL"
    selection: str = ""


@record("logs_dropped_streams", key=("group_id", "name"))
class DroppedStream(Record):
    """A deleted stream whose events are still to be dropped from the log store."""

    group_id: str
    name: str


@record(
    "logs_queries",
    key=("id",),
    index=("created", "status"),
    missing=("ResourceNotFoundException", "The specified query does not exist."),
)
class InsightsQuery(Record):
    """A query that was started: `groups` by name, `duration` in milliseconds, `error` for whoever asks why it failed.

    Its status is Scheduled until it has ended; whether it runs by now is known to the process alone.
    """

    id: str
    text: str
    groups: list[str]
    created: int
    caller: str
    language: str = "CWLI"
    unmasks: bool = False
    status: str = "Scheduled"
    duration: int = 0
    matched: float = 0.0
    scanned: float = 0.0
    bytes: float = 0.0
    results: int = 0
    error: str = ""


@record(
    "logs_query_definitions",
    key=("id",),
    index=("name", "token"),
    missing=("ResourceNotFoundException", "The specified query definition does not exist."),
)
class QueryDefinition(Record):
    """A saved query; `token` is the idempotency token it was made with."""

    id: str
    name: str
    text: str
    updated: int
    language: str = "CWLI"
    groups: list[str] = []
    parameters: list[dict[str, str]] = []
    token: str = ""


@record(
    "logs_transformers",
    key=("group",),
    missing=("ResourceNotFoundException", "The specified log group has no transformer of its own."),
)
class LogTransformer(Record):
    """The transformer of the log group named `group`; `config` is its transformerConfig as JSON."""

    group: str
    config: str
    created: int
    modified: int


@record(
    "logs_index_policies",
    key=("group",),
    missing=("ResourceNotFoundException", "The specified log group has no field index policy of its own."),
)
class IndexPolicy(Record):
    """The field index policy of the log group named `group`."""

    group: str
    document: str
    updated: int


@record(
    "logs_lookup_tables",
    key=("name",),
    missing=("ResourceNotFoundException", "The specified lookup table does not exist."),
    duplicate=("ResourceAlreadyExistsException", "The specified lookup table already exists."),
)
class LookupTable(Record):
    """A lookup table as it is described; its text is in the LookupTableBody of its name. `size` is in bytes."""

    name: str
    columns: list[str]
    rows: int
    size: int
    updated: int
    description: str = ""
    tags: dict[str, str] = {}


@record(
    "logs_lookup_table_bodies",
    key=("name",),
    missing=("ResourceNotFoundException", "The specified lookup table does not exist."),
)
class LookupTableBody(Record):
    """The CSV text of a lookup table."""

    name: str
    text: str


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
