"""Changes that put messages into queues, move them, or take them away."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache

from coldframe.engines.queue.messages import New, Sent

_COLUMNS = "INSERT INTO messages (queue, visible, receives, sent, first_received, earlier, size, id, message_group, origin)"
_ROW = "(?, ?, 0, ?, 0, 0, ?, ?, ?, '')"
_INSERT = f"{_COLUMNS} VALUES {_ROW}"
# SQLite takes 32,766 values in a statement; a message has six.
_MOST_ROWS = 1000


class Batch:
    """Messages for a queue, none of which may be a repetition, as the rows that they become.

    Made by the sender's own thread, so that what is wrong with a message fails nobody else's.
    """

    __slots__ = ("bodies", "ids", "rows")

    def __init__(self, queue: str, messages: Iterable[New], now: int) -> None:
        self.ids: list[str] = []
        self.bodies: list[bytes] = []
        self.rows: list[tuple[str | int, ...]] = []
        for message in messages:
            self.ids.append(message.id)
            self.bodies.append(message.body)
            self.rows.append((queue, message.visible, now, len(message.body), message.id, message.group))


def send_batches(connection: sqlite3.Connection, batches: Sequence[Batch]) -> list[list[Sent]]:
    """Keep the messages of several senders in two statements for many; returns what `send` would for each."""
    rows = [row for batch in batches for row in batch.rows]
    bodies = [body for batch in batches for body in batch.bodies]
    sequences: list[int] = []
    for at in range(0, len(rows), _MOST_ROWS):
        sequences += _insert(connection, rows[at : at + _MOST_ROWS], bodies[at : at + _MOST_ROWS])
    order = iter(sequences)
    return [[Sent(identifier, next(order)) for identifier in batch.ids] for batch in batches]


def _insert(
    connection: sqlite3.Connection, rows: Sequence[tuple[str | int, ...]], bodies: Sequence[bytes]
) -> range:
    into_messages, into_bodies = _statements(len(rows))
    last = connection.execute(into_messages, [value for row in rows for value in row]).lastrowid
    assert last is not None, "an INSERT into a table with row ids has one"
    # One statement gives its rows numbers one after the other.
    first = last - len(rows) + 1
    connection.execute(into_bodies, [value for pair in enumerate(bodies, first) for value in pair])
    return range(first, last + 1)


@lru_cache(maxsize=64)
def _statements(rows: int) -> tuple[str, str]:
    many, bodies = ", ".join([_ROW] * rows), ", ".join(["(?, ?)"] * rows)
    return f"{_COLUMNS} VALUES {many}", f"INSERT INTO bodies VALUES {bodies}"  # noqa: S608 - no values in it


def send(connection: sqlite3.Connection, queue: str, messages: Iterable[New], now: int) -> list[Sent]:
    """Keep messages; a repetition is not kept, and answers with what was kept the first time."""
    return [_send(connection, queue, message, now) for message in messages]


def _send(connection: sqlite3.Connection, queue: str, message: New, now: int) -> Sent:
    unless = message.unless
    if unless is not None:
        earlier = connection.execute(
            "SELECT message, sequence FROM duplicates WHERE queue = ? AND scope = ? AND id = ? AND until > ?",
            (queue, unless.scope, unless.id, now),
        ).fetchone()
        if earlier is not None:
            return Sent(earlier[0], earlier[1], repeated=True)
    size = len(message.body)
    inserted = connection.execute(
        _INSERT, (queue, message.visible, now, size, message.id, message.group)
    ).lastrowid
    assert inserted is not None, "an INSERT into a table with row ids has one"
    connection.execute("INSERT INTO bodies VALUES (?, ?)", (inserted, message.body))
    if unless is not None:
        connection.execute(
            "INSERT OR REPLACE INTO duplicates VALUES (?, ?, ?, ?, ?, ?)",
            (queue, unless.scope, unless.id, unless.until, message.id, inserted),
        )
    return Sent(message.id, inserted)


def move(
    connection: sqlite3.Connection,
    sequence: int,
    target: str,
    visible: int,
    *,
    origin: str = "",
    sent: int | None = None,
) -> None:
    """Put a message at the end of another queue; it keeps the time it was sent at unless `sent` is given."""
    moved = connection.execute(
        "INSERT INTO messages (queue, visible, receives, sent, first_received, earlier, size, id, message_group, origin)"
        " SELECT ?, ?, 0, coalesce(?, sent), first_received, earlier + receives, size, id, message_group, ?"
        " FROM messages WHERE sequence = ?",
        (target, visible, sent, origin, sequence),
    ).lastrowid
    connection.execute("UPDATE bodies SET sequence = ? WHERE sequence = ?", (moved, sequence))
    connection.execute("DELETE FROM messages WHERE sequence = ?", (sequence,))


def delete(
    connection: sqlite3.Connection,
    queue: str,
    readings: Sequence[tuple[int, int]],
    unless_ended: int = 0,
    *,
    earlier_too: bool = False,
) -> list[bool]:
    """Delete messages by sequence and the reading they are known from; tells which were still of that reading.

    `unless_ended` is the time at which they still have to be hidden from others; 0 where that does not matter.
    With `earlier_too` a message is deleted as well that was read again since.
    """
    found, same = [], ">=" if earlier_too else "="
    for sequence, receives in readings:
        gone = connection.execute(
            f"DELETE FROM messages WHERE sequence = ? AND queue = ? AND receives {same} ? AND visible > ?",  # noqa: S608
            (sequence, queue, receives, unless_ended),
        ).rowcount
        if gone:
            connection.execute("DELETE FROM bodies WHERE sequence = ?", (sequence,))
        found.append(bool(gone))
    return found


def clear(connection: sqlite3.Connection, queue: str, before: int | None = None) -> int:
    """Delete the messages of a queue and what they would make repetitions of, or those sent before a time; returns how many."""
    condition, values = ("", (queue,)) if before is None else (" AND sent < ?", (queue, before))
    if before is None:
        connection.execute("DELETE FROM duplicates WHERE queue = ?", (queue,))
    connection.execute(
        f"DELETE FROM bodies WHERE sequence IN (SELECT sequence FROM messages WHERE queue = ?{condition})",  # noqa: S608
        values,
    )
    return connection.execute(f"DELETE FROM messages WHERE queue = ?{condition}", values).rowcount  # noqa: S608


def drop(connection: sqlite3.Connection, queue: str) -> None:
    """Delete a queue's messages and all that is remembered of it."""
    clear(connection, queue)
    connection.execute("DELETE FROM attempts WHERE queue = ?", (queue,))


def delay(connection: sqlite3.Connection, queue: str, milliseconds: int) -> None:
    """Delay the messages of a queue that nobody has read yet so long, counted from when each was sent."""
    connection.execute(
        "UPDATE messages SET visible = sent + ? WHERE queue = ? AND receives = 0", (milliseconds, queue)
    )


def forget(connection: sqlite3.Connection, now: int) -> None:
    """Forget what was sent and tried too long ago to be a repetition."""
    connection.execute("DELETE FROM duplicates WHERE until <= ?", (now,))
    connection.execute("DELETE FROM attempts WHERE until <= ?", (now,))
