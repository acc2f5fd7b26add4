"""Periodic work: what is due when; runs that were missed are caught up with once.

The rhythm of rare work is kept in the store, so that restarts do not disturb it. Frequent work begins anew with each
start, at once, and is written down only when what goes wrong with it changes: a server that has nothing to do writes
nothing.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from coldframe.core.database import StoreError
from coldframe.core.records import Record, record
from coldframe.core.store import Store
from coldframe.jobs.attempt import Timing, describe

LOG = logging.getLogger("coldframe.jobs")
DAY = 86_400.0
_RARE = 3600.0


@dataclass(frozen=True)
class Periodic:
    """Work of a name, every so many seconds, or every day `at` so many seconds after midnight, UTC.

    It runs on the schedule's one thread, so whatever takes long starts a job. Work that is due `at_close` is done once
    more when the server stops.
    """

    name: str
    work: Callable[[], object]
    every: float = DAY
    at: float | None = None
    at_close: bool = False

    def __post_init__(self) -> None:
        """Refuse what can never be due."""
        if self.every <= 0 or (self.at is not None and not 0 <= self.at < DAY):
            raise ValueError(f"{self.name}: every {self.every} s at {self.at} is no schedule")

    @property
    def rare(self) -> bool:
        """Whether a restart must not change when it is due next."""
        return self.at is not None or self.every >= _RARE

    def due_after(self, moment: float) -> float:
        """The first time it is due after a moment (seconds since 1970)."""
        if self.at is None:
            return moment + self.every
        midnight = moment - moment % DAY
        today = midnight + self.at
        return today if today > moment else today + DAY


@record("schedule", key=("name",), scope="partition")
class ScheduleRow(Record):
    """When a piece of periodic work was last due and run, and what went wrong then; of frequent work, the last change."""

    name: str
    due: float
    ran: float | None = None
    error: str = ""


class Schedule:
    """Runs periodic work when it is due, on a thread of its own."""

    def __init__(self, store: Store, periodic: Iterable[Periodic], timing: Timing) -> None:
        self._store = store
        self._timing = timing
        self._periodic = {each.name: each for each in periodic}
        self._stop = threading.Event()
        # When frequent work was last due.
        self._due: dict[str, float] = {}
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Begin; what was due while nothing ran is run once, now."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, name="schedule", daemon=True)
        self._thread.start()

    def close(self, timeout: float = 10.0) -> bool:
        """Stop; answers whether the work under way ended within the timeout, in seconds."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)
        if self._thread is not None and self._thread.is_alive():
            return False
        if self._thread is not None:
            now = self._timing.now()
            for each in self._periodic.values():
                if each.at_close:
                    self._run(each, now, now)
        self._thread = None
        return True

    def run_due(self) -> float | None:
        """Run everything that is due; answers the time of the next, None if there is nothing at all."""
        for each in self._periodic.values():
            due, now = self._next(each), self._timing.now()
            if due <= now and not self._stop.is_set():
                self._run(each, due, now)
        return min((self._next(each) for each in self._periodic.values()), default=None)

    def _work(self) -> None:
        while not self._stop.is_set():
            following = self.run_due()
            if following is None:
                return
            self._timing.wait(self._stop, max(following - self._timing.now(), 0.0))

    def _next(self, each: Periodic) -> float:
        if not each.rare:
            return each.due_after(self._due.setdefault(each.name, self._timing.now() - each.every))
        row = self._store.cached(ScheduleRow, "", "", each.name)
        if row is None:
            row = ScheduleRow(name=each.name, due=self._timing.now())
            self._keep(row)
        # What could not be written down is not done again at once.
        return each.due_after(max(row.due, self._due.get(each.name, row.due)))

    def _run(self, each: Periodic, due: float, now: float) -> None:
        # All the times that have passed are one: the last of them counts, so that the rhythm stays.
        while (later := each.due_after(due)) <= now:
            missed = (now - later) // each.every
            due = later + missed * each.every if each.at is None else later
        error = ""
        try:
            each.work()
        except Exception as failure:  # noqa: BLE001  one piece of work must not stop the others; its row tells
            error = describe(failure)
        self._due[each.name] = due
        if each.rare or error != self._error(each.name):
            self._keep(ScheduleRow(name=each.name, due=due, ran=now, error=error))

    def _error(self, name: str) -> str:
        row = self._store.cached(ScheduleRow, "", "", name)
        return row.error if row is not None else ""

    def _keep(self, row: ScheduleRow) -> None:
        try:
            with self._store.write() as transaction:
                transaction.records("", "").put(row)
        except StoreError as error:
            # A store that is full or away for a while must not end all periodic work for good.
            LOG.warning("%s could not be written down: %s", row.name, error)
