"""Moving messages back from a queue of dead letters to where they came from, or to another queue."""

import sqlite3
from typing import NamedTuple

from coldframe.engines.queue.sending import move


class Moved(NamedTuple):
    """How many messages were moved, to which queues, and how many had no place to go."""

    messages: int
    queues: frozenset[str]
    left: int


def move_some(
    connection: sqlite3.Connection, queue: str, targets: dict[str, str], now: int, limit: int
) -> Moved:
    """Move up to `limit` messages that nobody is reading, the oldest first, each to the queue for its origin.

    `targets` maps origins to queues; "" is for those that no other entry names. Messages without a target stay.
    """
    rows = connection.execute(
        "SELECT sequence, origin FROM messages WHERE queue = ? AND visible <= ? ORDER BY visible, sequence LIMIT ?",
        (queue, now, limit),
    ).fetchall()
    reached = set()
    count = 0
    for sequence, origin in rows:
        target = targets.get(origin) or targets.get("")
        if target:
            move(connection, sequence, target, now, sent=now)
            reached.add(target)
            count += 1
    return Moved(count, frozenset(reached), len(rows) - count)
