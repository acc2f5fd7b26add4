"""The runner: takes jobs as they are committed, runs them on a bounded number of threads, and finishes them."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.core.store import Store
from coldframe.jobs.attempt import FIRST_PAUSE, LONGEST_PAUSE, Attempt, Timing, describe
from coldframe.jobs.holding import Gate
from coldframe.jobs.job import Cancelled, Interrupted, Job, JobError, JournalMismatch, Registry, TurnedBack
from coldframe.jobs.journal import JobRow, Journal, UnfinishedJob
from coldframe.jobs.recovery import unfinished
from coldframe.jobs.run import Run

Place = tuple[str, str, str]
MOST_WAITING = 200


def no_clients(service: str) -> Any:
    """In place of the server's clients where there are none."""
    raise JobError(f"no client for {service} here")


def no_parts(kind: type[Any]) -> Any:
    """In place of the installation's engines where there are none."""
    raise JobError(f"no {kind.__name__} here")


class Runner:
    """Runs the jobs of one store. No thread exists while there is nothing to do.

    `workers` jobs work at a time; those in `run.wait` do not count. `gate` has, by the name of a job, what its steps pass.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        timing: Timing,
        new_id: Callable[[], str],
        clients: Callable[[str], Any] = no_clients,
        parts: Callable[[type[Any]], Any] = no_parts,
        workers: int = 8,
    ) -> None:
        self._store = store
        self._registry = registry
        self._timing = timing
        self._new_id = new_id
        self._clients = clients
        self._parts = parts
        self.gate: Callable[[str], Gate | None] = lambda _name: None
        self._workers = workers
        self._changed = threading.Condition()
        self._queue: deque[Place] = deque()
        self._taken: set[Place] = set()
        self._threads: set[threading.Thread] = set()
        self._waiting = 0
        self._runs: dict[str, Attempt] = {}
        self._open = False

    def start(self, records: Records, job: Job[...], *args: Any, caller: str = "") -> str:
        """Write a job into the caller's transaction and run it once that is committed; answers its id.

        `caller` is the ARN on whose behalf it runs. Arguments are plain JSON values.
        """
        if self._registry.find(job.name) is not job:
            raise JobError(f"job {job.name} is not registered")
        identifier, now = self._new_id(), self._timing.now()
        place = (records.account, records.region, identifier)
        records.add(
            JobRow(
                id=identifier,
                name=job.name,
                status="PENDING",
                created=now,
                updated=now,
                args=list(args),
                caller=caller,
            )
        )
        records.add(UnfinishedJob(id=identifier, account=records.account, region=records.region))
        records.after_commit(lambda: self._take(place))
        return identifier

    def cancel(self, records: Records, identifier: str) -> bool:
        """Ask a job to stop and undo; False if it is over or past its commit point. Raises JobNotFound."""
        row = records.get(JobRow, identifier)
        if row.committed or row.status not in {"PENDING", "RUNNING"} or row.turned_back:
            return False
        records.change(row, cancelling=True)

        def tell() -> None:
            if run := self._runs.get(identifier):
                run.interrupt(cancel=True)

        records.after_commit(tell)
        return True

    def open(self) -> None:
        """Begin to run jobs: first those that an earlier process left unfinished, oldest first."""
        # Open before looking, so that a job committed in between is not missed.
        with self._changed:
            self._open = True
        for place in unfinished(self._store):
            self._take(place)

    def close(self, timeout: float = 10.0) -> bool:
        """Interrupt all jobs between steps; answers whether the last step ended within the timeout, in seconds."""
        with self._changed:
            self._open = False
            self._taken.difference_update(self._queue)
            self._queue.clear()
            runs = list(self._runs.values())
        for run in runs:
            run.interrupt()
        return self.idle(timeout)

    def idle(self, timeout: float) -> bool:
        """Wait until no job is running or queued; False if that took longer than the timeout, in seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._threads and not (self._queue and self._open), timeout
            )

    def _take(self, place: Place) -> None:
        with self._changed:
            if not self._open or place in self._taken:
                return
            self._taken.add(place)
            self._queue.append(place)
        self._man()

    def _man(self) -> None:
        """Start threads for what is queued, as far as allowed."""
        with self._changed:
            room = self._workers + min(self._waiting, MOST_WAITING) - len(self._threads)
            for _ in range(min(room, len(self._queue))):
                thread = threading.Thread(target=self._work, name=f"jobs-{self._queue[0][2]}", daemon=True)
                self._threads.add(thread)
                thread.start()

    def _work(self) -> None:
        try:
            while True:
                with self._changed:
                    if not self._queue or not self._open:
                        return
                    place = self._queue.popleft()
                try:
                    self._execute(place)
                finally:
                    with self._changed:
                        self._taken.discard(place)
        finally:
            with self._changed:
                self._threads.discard(threading.current_thread())
                self._changed.notify_all()
            # A job may have been queued between the last look and the end of this thread.
            self._man()

    def _wait(self, change: int) -> None:
        with self._changed:
            self._waiting += change
        self._man()

    def _execute(self, place: Place) -> None:
        pause = FIRST_PAUSE
        try:
            while not self._run(place, pause):
                pause = min(pause * 2, LONGEST_PAUSE)
        except Interrupted:
            return
        except ServiceFault as fault:
            # The store was emptied under the job: there is nobody left to tell.
            if fault.code != "JobNotFound":
                raise

    def _run(self, place: Place, pause: float) -> bool:
        """Run the job once, and let `pause` seconds pass if it has to be run again."""
        run = Attempt(Journal(self._store, *place), self._timing, self._wait, self.gate)
        with self._changed:
            if not self._open:
                raise Interrupted
            self._runs[place[2]] = run
        try:
            if run.load().status not in {"PENDING", "RUNNING"}:
                return True
            done = self._attempt(run)
            if not done:
                run.pause(pause)
            return done
        finally:
            with self._changed:
                del self._runs[place[2]]

    def _attempt(self, run: Attempt) -> bool:
        """Run the job once; False if it has to be run again because there is no way back."""
        job = self._registry.find(run.row.name)
        if job is None:
            run.finish(
                "FAILED",
                error=f"this version has no job called {run.row.name}",
                hint="start the version that had it",
            )
            return True
        try:
            run.begin()
            run.finish("SUCCEEDED", result=job.function(Run(run, self._clients, self._parts), *run.row.args))
        except JournalMismatch as error:
            run.finish("FAILED", error=str(error), hint=error.hint)
        except (Cancelled, TurnedBack):
            run.turn_back()
        except Exception as error:  # noqa: BLE001  whatever a job raises ends in its row, for whoever asks
            if run.row.committed:
                run.show(describe(error), getattr(error, "hint", ""))
                return False
            run.turn_back(error=describe(error), hint=getattr(error, "hint", ""))
        return True
