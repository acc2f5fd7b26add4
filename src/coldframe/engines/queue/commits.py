"""Group commit over one SQLite connection: changes that come at the same time share one write to the disk."""

import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from coldframe.engines.queue.errors import StoreBroken, StoreFull

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], Any]
_MOST_TOGETHER = 64


class _Entry:
    """A change that waits for its turn, and then what came of it."""

    __slots__ = ("change", "done", "error", "result")

    def __init__(self, change: Change) -> None:
        self.change = change
        self.done = False
        self.error: BaseException | None = None
        self.result: Any = None


class Commits:
    """Runs changes one after the other and commits all that are waiting at once.

    There is no thread of its own: whoever gets the turn does the work of all who wait, so that a single caller pays for
    no switch of threads.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: deque[_Entry] = deque()
        self._turn = threading.Lock()
        self._connection = connect(path)

    def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `change` returns once it is durable; raises what it raises, and nothing of it is kept then."""
        entry = _Entry(change)
        self._waiting.append(entry)
        with self._turn:
            while not entry.done:
                self._commit_waiting()
        if entry.error is not None:
            raise entry.error
        return cast("T", entry.result)

    def close(self) -> None:
        """Close the file once the change under way is done."""
        with self._turn:
            self._connection.close()

    def _commit_waiting(self) -> None:
        entries = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_TOGETHER))]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for entry in entries:
                self._apply(entry)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(entries, explain(error, self._path))
        except BaseException:
            # Nobody may be told that the change was kept, nor wait for ever.
            self._fail(entries, StoreBroken(f"{self._path}: the change was interrupted"))
            raise
        finally:
            for entry in entries:
                entry.done = True

    def _fail(self, entries: list[_Entry], error: StoreBroken) -> None:
        for entry in entries:
            entry.error = error
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def _apply(self, entry: _Entry) -> None:
        """Do one change; its own failure undoes it alone, one of the file all of the group."""
        self._connection.execute("SAVEPOINT change")
        try:
            entry.result = entry.change(self._connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - raised again in the thread whose change it is
            entry.error = error
            self._connection.execute("ROLLBACK TO change")
        self._connection.execute("RELEASE change")


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for use from any thread, one at a time; raises StoreBroken."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        path.chmod(0o600)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
    except (sqlite3.Error, OSError) as error:
        raise StoreBroken(f"{path} cannot be opened: {error}") from error
    return connection


def explain(error: sqlite3.Error, path: Path) -> StoreBroken:
    """Say what SQLite's error means for the operator."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return StoreFull(f"no space is left for {path}; nothing was kept")
    return StoreBroken(f"{path} cannot be read or written: {error}")
