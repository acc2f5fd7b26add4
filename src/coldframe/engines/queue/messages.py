"""What goes into the message store and comes out of it; all times are milliseconds since the epoch."""

from typing import NamedTuple


class Duplicate(NamedTuple):
    """What makes a message the same as an earlier one: an id within a scope, until a time."""

    scope: str
    id: str
    until: int


class New(NamedTuple):
    """A message to be kept; `body` means nothing to the store, `visible` is when it may first be read.

    `group` is empty in a queue without order; `unless` says of which earlier message it may be a repetition.
    """

    id: str
    body: bytes
    visible: int
    group: str = ""
    unless: Duplicate | None = None


class Sent(NamedTuple):
    """A kept message: its id and its place in the order of the store; those of the earlier one for a repetition."""

    id: str
    sequence: int
    repeated: bool = False


class Message(NamedTuple):
    """A message as one reader got it.

    `receives` counts how often it was read in this queue, and with `sequence` names this reading of it; `earlier`
    counts the readings in queues it was moved from, the last of which is `origin`, as DeadLetters named it.
    """

    sequence: int
    id: str
    group: str
    sent: int
    first_received: int
    receives: int
    earlier: int
    origin: str
    body: bytes


class DeadLetters(NamedTuple):
    """Where messages go that were read `most` times; `origin` is what they say of where they came from."""

    queue: str
    most: int
    origin: str
    keep_sent: bool = True


class Reading(NamedTuple):
    """How a queue is read: at most `limit` messages, hidden from others until `hidden_until`.

    Messages sent before `expired` are gone. `attempt` names the try, so that the same one, until `attempt_until`, gets
    the same messages. `most_in_flight` bounds how many may be hidden at once.
    """

    now: int
    hidden_until: int
    limit: int = 1
    ordered: bool = False
    expired: int = 0
    dead_letters: DeadLetters | None = None
    attempt: str = ""
    attempt_until: int = 0
    most_in_flight: int = 0


class Counts(NamedTuple):
    """How many messages a queue has: to be read, being read, and delayed; their bytes; when the oldest was sent."""

    available: int
    in_flight: int
    delayed: int
    size: int
    oldest: int
