"""Changes by which readers get messages: choosing them, hiding them from others, moving dead letters away."""

import sqlite3
from collections.abc import Iterator
from itertools import islice

import msgspec

from coldframe.engines.queue.messages import Message, Reading
from coldframe.engines.queue.sending import move

# How far an ordered queue is searched for a group that nobody is reading.
_FARTHEST = 120_000

_COLUMNS = "sequence, receives, sent, message_group"
_STANDARD = (
    f"SELECT {_COLUMNS} FROM messages WHERE queue = ? AND visible <= ? ORDER BY visible, sequence LIMIT ?"  # noqa: S608
)
_TURNS = "SELECT sequence, message_group FROM messages WHERE queue = ? AND visible <= ? ORDER BY visible, sequence LIMIT ?"
_GROUP = (
    f"SELECT {_COLUMNS}, visible FROM messages INDEXED BY messages_by_group"  # noqa: S608
    " WHERE queue = ? AND message_group = ? AND message_group != '' ORDER BY sequence"
)
_READ = (
    "SELECT m.sequence, m.id, m.message_group, m.sent, m.first_received, m.receives, m.earlier, m.origin, b.body"
    " FROM messages m JOIN bodies b USING (sequence) WHERE m.sequence = ?"
)


class TooManyInFlight(Exception):
    """As many messages as are allowed are being read and have not been deleted."""


def receive(connection: sqlite3.Connection, queue: str, reading: Reading) -> list[Message]:
    """Read messages and hide them; dead letters and expired messages met on the way are moved and deleted."""
    if reading.attempt:
        repeated = _repeated(connection, queue, reading)
        if repeated is not None:
            return repeated
    if reading.most_in_flight and in_flight(connection, queue, reading.now, reading.most_in_flight):
        raise TooManyInFlight
    chosen: list[int] = []
    while len(chosen) < reading.limit:
        passed = 0
        for sequence, receives, sent, _ in _candidates(connection, queue, reading, len(chosen)):
            if sent < reading.expired:
                _remove(connection, sequence)
            elif reading.dead_letters is not None and receives >= reading.dead_letters.most:
                dead = reading.dead_letters
                kept = None if dead.keep_sent else reading.now
                move(connection, sequence, dead.queue, reading.now, origin=dead.origin, sent=kept)
            else:
                chosen.append(sequence)
                _hide(connection, sequence, reading)
                continue
            passed += 1
        if not passed:
            break
    messages = [Message(*connection.execute(_READ, (sequence,)).fetchone()) for sequence in chosen]
    if reading.attempt:
        _remember(connection, queue, reading, messages)
    return messages


def _candidates(
    connection: sqlite3.Connection, queue: str, reading: Reading, have: int
) -> list[tuple[int, int, int, str]]:
    wanted = reading.limit - have
    if not reading.ordered:
        return connection.execute(_STANDARD, (queue, reading.now, wanted)).fetchall()
    return list(islice(_in_order(connection, queue, reading.now), wanted))


def _in_order(connection: sqlite3.Connection, queue: str, now: int) -> Iterator[tuple[int, int, int, str]]:
    """Give what may be read of an ordered queue: group after group, as many of each as there are.

    A group has its turn when its first message can be read, so that one that was read and came back stands behind those
    that wait. Messages behind one that is being read have to wait for it.
    """
    firsts: dict[str, int] = {}
    for sequence, group in connection.execute(_TURNS, (queue, now, _FARTHEST)):
        if group not in firsts:
            (firsts[group], *_) = connection.execute(_GROUP, (queue, group)).fetchone()
        if firsts[group] != sequence:
            continue
        for *row, visible in connection.execute(_GROUP, (queue, group)):
            if visible > now:
                break
            yield row[0], row[1], row[2], row[3]


def _hide(connection: sqlite3.Connection, sequence: int, reading: Reading) -> None:
    # Also what is not to be hidden at all must not be found twice by one reader.
    until = max(reading.hidden_until, reading.now + 1)
    connection.execute(
        "UPDATE messages SET visible = ?, receives = receives + 1,"
        " first_received = CASE first_received WHEN 0 THEN ? ELSE first_received END WHERE sequence = ?",
        (until, reading.now, sequence),
    )


def _remove(connection: sqlite3.Connection, sequence: int) -> None:
    connection.execute("DELETE FROM messages WHERE sequence = ?", (sequence,))
    connection.execute("DELETE FROM bodies WHERE sequence = ?", (sequence,))


def _repeated(connection: sqlite3.Connection, queue: str, reading: Reading) -> list[Message] | None:
    """Return what an attempt got before, hidden anew; None when it is a new one or its messages have changed."""
    row = connection.execute(
        "SELECT readings FROM attempts WHERE queue = ? AND id = ? AND until > ?",
        (queue, reading.attempt, reading.now),
    ).fetchone()
    if row is None:
        return None
    messages = []
    for sequence, receives in msgspec.json.decode(row[0], type=list[tuple[int, int]]):
        found = connection.execute(_READ, (sequence,)).fetchone()
        if found is None or found[5] != receives:
            return None
        messages.append(Message(*found))
    for message in messages:
        connection.execute(
            "UPDATE messages SET visible = ? WHERE sequence = ?", (reading.hidden_until, message.sequence)
        )
    return messages


def _remember(connection: sqlite3.Connection, queue: str, reading: Reading, messages: list[Message]) -> None:
    if messages:
        readings = msgspec.json.encode([(message.sequence, message.receives) for message in messages])
        connection.execute(
            "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)",
            (queue, reading.attempt, reading.attempt_until, readings.decode()),
        )


def in_flight(connection: sqlite3.Connection, queue: str, now: int, most: int) -> bool:
    """Tell whether `most` messages or more are being read."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM messages WHERE queue = ? AND visible > ? AND receives > 0 LIMIT ?)"
    return bool(connection.execute(sql, (queue, now, most)).fetchone()[0] >= most)


def change_visibility(
    connection: sqlite3.Connection, queue: str, reading: tuple[int, int], until: int, unless_ended: int = 0
) -> bool:
    """Hide a message that was read until another time; tells whether it was there.

    `unless_ended` is the time at which it still has to be hidden from others by this very reading; 0 for any reading.
    """
    sequence, receives = reading
    condition, values = (
        ("", ()) if not unless_ended else (" AND receives = ? AND visible > ?", (receives, unless_ended))
    )
    changed = connection.execute(
        f"UPDATE messages SET visible = ? WHERE sequence = ? AND queue = ?{condition}",  # noqa: S608
        (until, sequence, queue, *values),
    )
    return bool(changed.rowcount)
