"""The message store: queues of messages in one SQLite file, committed in groups, durable before they are acknowledged.

It keeps standard queues (any order, each message to one reader at a time) and ordered ones (groups of messages that
are read in the order in which they came, one reader a group), delays, deduplication, dead letters and expiry. It knows
queues by ids that the caller makes up, and times in milliseconds that the caller gives.
"""

from coldframe.engines.queue.errors import StoreBroken, StoreFull
from coldframe.engines.queue.messages import Counts, DeadLetters, Duplicate, Message, New, Reading, Sent
from coldframe.engines.queue.store import MessageStore

__all__ = [
    "Counts",
    "DeadLetters",
    "Duplicate",
    "Message",
    "MessageStore",
    "New",
    "Reading",
    "Sent",
    "StoreBroken",
    "StoreFull",
]
