"""What CloudWatch Logs remembers of scheduled queries; all times are milliseconds since the epoch."""

from typing import Any

from coldframe.core.records import Record, record

NEVER = 253_402_300_799_999


@record(
    "logs_scheduled_queries",
    key=("name",),
    index=("due", "state"),
    missing=("ResourceNotFoundException", "The specified scheduled query does not exist."),
    duplicate=("ConflictException", "A scheduled query of this name already exists."),
)
class ScheduledQuery(Record):
    """A scheduled query; `due` is when it runs next, `anchor` what a rate counts from.

    The offsets are in seconds before a run; without a start the query begins where the run before left off.
    `triggered` and `status` are of the last run. `destinations` is as it was given.
    """

    name: str
    text: str
    groups: list[str]
    expression: str
    role: str
    due: int
    anchor: int
    created: int
    updated: int
    description: str = ""
    language: str = "CWLI"
    timezone: str = ""
    start_offset: int | None = None
    end_offset: int | None = None
    starts: int | None = None
    ends: int | None = None
    destinations: dict[str, Any] = {}
    state: str = "ENABLED"
    triggered: int = 0
    status: str = ""
    tags: dict[str, str] = {}


@record("logs_scheduled_runs", key=("name", "triggered", "id"), index=("made",))
class ScheduledRun(Record):
    """One run of the scheduled query `name`: for the time it was due, of events from `start` to `end`, both inclusive.

    `query` is the id of the Insights query, once there is one; `destinations` says how each delivery went.
    """

    name: str
    triggered: int
    id: str
    made: int
    start: int
    end: int
    query: str = ""
    status: str = "Running"
    error: str = ""
    destinations: list[dict[str, str]] = []
