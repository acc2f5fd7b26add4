"""What SQS remembers beside the messages; all times are milliseconds since the epoch."""

from coldframe.core.records import Record, record

_MISSING = ("QueueDoesNotExist", "The specified queue does not exist.")


@record(
    "sqs_queues",
    key=("name",),
    index=("id", "dead_letters"),
    missing=_MISSING,
    duplicate=("QueueNameExists", "A queue already exists with the same name."),
)
class Queue(Record):
    """A queue; `id` names its messages in the message store and is never used again.

    `attributes` are those that were set; `dead_letters` is the name of the queue its dead letters go to. `former_scope` is
    what DeduplicationScope was until `scope_changed`.
    """

    name: str
    id: str
    created: int
    modified: int
    fifo: bool = False
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    dead_letters: str = ""
    purged: int = 0
    former_scope: str = ""
    scope_changed: int = 0


@record("sqs_deleted_queues", key=("name",))
class DeletedQueue(Record):
    """A queue that was deleted a short while ago, so that none of its name may be made yet."""

    name: str
    deleted: int


@record(
    "sqs_move_tasks",
    key=("id",),
    index=("source", "started", "status"),
    missing=("ResourceNotFoundException", "Task does not exist."),
)
class MoveTask(Record):
    """A task that moves messages out of a queue of dead letters; `destination` is empty for back to where they came from."""

    id: str
    source: str
    started: int
    destination: str = ""
    most_per_second: int = 0
    to_move: int = 0
    moved: int = 0
    status: str = "RUNNING"
    reason: str = ""
