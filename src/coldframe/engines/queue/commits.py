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
Item = TypeVar("Item")
Change = Callable[[sqlite3.Connection], Any]
Together = Callable[[sqlite3.Connection, list[Any]], list[Any]]
_MOST_TOGETHER = 64


class _Entry:
    """A change that waits for its turn, and then what came of it.

    With `together`, the change is an item of a kind that is done for all entries of the group at once. `wake` is locked until its thread is to go on: because the change is done, or because it is the thread's turn.
    """

    __slots__ = ("change", "done", "error", "result", "together", "wake")

    def __init__(self, change: Any, together: Together | None = None) -> None:
        self.change = change
        self.together = together
        self.done = False
        self.error: BaseException | None = None
        self.result: Any = None
        self.wake = threading.Lock()
        self.wake.acquire()


class Commits:
    """Runs changes one after the other and commits all that are waiting at once.

    There is no thread of its own: whoever has the turn does the work of all who wait, so that a single caller pays for
    no switch of threads. The turn then goes to one who has come meanwhile, and nobody whose change is done waits for it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._waiting: deque[_Entry] = deque()
        self._taken = False
        self._connection = connect(path)

    def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `change` returns once it is durable; raises what it raises, and nothing of it is kept then."""
        return cast("T", self._run(_Entry(change)))

    def run_together(self, item: Item, together: Callable[[sqlite3.Connection, list[Item]], list[T]]) -> T:
        """Return what `together` has for the item, once it is durable: it gets the items of all who wait with the same.

        It must only fail when the file does. A statement for all costs one switch of threads, one for each as many.
        """
        return cast("T", self._run(_Entry(item, together)))

    def _run(self, entry: _Entry) -> Any:
        with self._lock:
            self._waiting.append(entry)
            waits, self._taken = self._taken, True
        if waits:
            entry.wake.acquire()
        if not entry.done:
            self._take_turn()
        if entry.error is not None:
            raise entry.error
        return entry.result

    def close(self) -> None:
        """Close the file once the changes under way are done."""
        self.run(lambda _: None)
        self._connection.close()

    def _take_turn(self) -> None:
        """Commit what waits, this thread's own change first of all, and hand the turn on."""
        with self._lock:
            entries = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_TOGETHER))]
        try:
            self._commit(entries)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._taken = following is not None
            if following is not None:
                following.wake.release()
            for entry in entries[1:]:
                entry.wake.release()

    def _commit(self, entries: list[_Entry]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for together in dict.fromkeys(entry.together for entry in entries if entry.together is not None):
                chosen = [entry for entry in entries if entry.together is together]
                results = together(self._connection, [entry.change for entry in chosen])
                for entry, result in zip(chosen, results, strict=True):
                    entry.result = result
            for entry in entries:
                if entry.together is None:
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
        # Moving the journal into the file syncs both, so it is done for some megabytes at once.
        pragmas = ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "wal_autocheckpoint=8000")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except (sqlite3.Error, OSError) as error:
        raise StoreBroken(f"{path} cannot be opened: {error}") from error
    return connection


def explain(error: sqlite3.Error, path: Path) -> StoreBroken:
    """Say what SQLite's error means for the operator."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return StoreFull(f"no space is left for {path}; nothing was kept")
    return StoreBroken(f"{path} cannot be read or written: {error}")
