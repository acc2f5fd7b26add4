"""Looking at the message store without changing it: on a connection of its own, so that nobody who writes waits."""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from coldframe.engines.queue.commits import connect, explain
from coldframe.engines.queue.messages import Counts


class Looking:
    """What can be seen of the queues in the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = connect(path)
        self._reading = threading.Lock()

    def close(self) -> None:
        """Close the connection; what is under way ends first."""
        with self._reading:
            self._reader.close()

    def counts(self, queue: str, now: int) -> Counts:
        """How many messages a queue has."""
        (row,) = self._look(
            "SELECT coalesce(sum(visible <= ?), 0), coalesce(sum(visible > ? AND receives > 0), 0),"
            " coalesce(sum(visible > ? AND receives = 0), 0), coalesce(sum(size), 0), coalesce(min(sent), 0)"
            " FROM messages WHERE queue = ?",
            (now, now, now, queue),
        )
        return Counts(*row)

    def next_visible(self, queue: str, now: int) -> int | None:
        """When the next hidden message of a queue can be read; None when there is none."""
        sql = "SELECT min(visible) FROM messages WHERE queue = ? AND visible > ?"
        found: int | None = self._look(sql, (queue, now))[0][0]
        return found

    def groups_in_flight(self, queue: str, now: int) -> int:
        """How many message groups of a queue have a message that is being read."""
        sql = (
            "SELECT count(DISTINCT message_group) FROM messages"
            " WHERE queue = ? AND visible > ? AND receives > 0 AND message_group != ''"
        )
        return self._look(sql, (queue, now))[0][0]

    def has(self, queue: str, sequence: int) -> bool:
        """Tell whether a message is in a queue."""
        sql = "SELECT 1 FROM messages WHERE sequence = ? AND queue = ?"
        return bool(self._look(sql, (sequence, queue)))

    def queues(self) -> set[str]:
        """The ids of the queues that have messages."""
        return {str(row[0]) for row in self._look("SELECT DISTINCT queue FROM messages", ())}

    def _look(self, sql: str, values: Iterable[int | str]) -> list[tuple[int, ...]]:
        with self._reading:
            try:
                return self._reader.execute(sql, tuple(values)).fetchall()
            except sqlite3.Error as error:
                raise explain(error, self._path) from error
