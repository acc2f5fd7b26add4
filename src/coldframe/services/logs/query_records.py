"""What CloudWatch Logs remembers of queries and lookup tables; all times are milliseconds since the epoch."""

from coldframe.core.records import Record, record


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
