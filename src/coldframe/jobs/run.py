"""What a job's function gets: steps, of which those that the journal knows are not done again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import msgspec

from coldframe.core.records import Records
from coldframe.jobs.attempt import Attempt, plain
from coldframe.jobs.job import Cancelled, JobError
from coldframe.jobs.journal import JobRow

T = TypeVar("T")


class Run:
    """What a job's function gets.

    Before `commit_point` a failing step fails the job, and the compensations run in reverse order. After it, steps,
    waits and writes are repeated until they succeed. Results are plain JSON values, or what msgspec makes JSON of.
    """

    def __init__(
        self, attempt: Attempt, clients: Callable[[str], Any], parts: Callable[[type[Any]], Any]
    ) -> None:
        self._attempt = attempt
        self.client = clients
        self._parts = parts
        self.id = attempt.journal.identifier
        self.account = attempt.journal.account
        self.region = attempt.journal.region

    def part(self, kind: type[T]) -> T:
        """An engine of the installation, by its type."""
        return cast("T", self._parts(kind))

    @property
    def caller(self) -> str:
        """The ARN on whose behalf the job runs."""
        return self._attempt.row.caller

    def step(self, name: str, act: Callable[..., T], *args: Any) -> T:
        """Do this, unless the journal says that it was done, and answer its result; it may happen twice, never thrice over."""
        row, known = self._attempt.next("step", name)
        if known:
            return cast("T", self._attempt.answer(row))
        return cast("T", self._attempt.until_done(row, lambda: act(*args), self._attempt.journal.record))

    def write(self, name: str, act: Callable[..., T], *args: Any) -> T:
        """Call `act(records, *args)` in a transaction that also records the step: it happens exactly once."""
        row, known = self._attempt.next("step", name)
        if known:
            return cast("T", self._attempt.answer(row))

        def both() -> T:
            def change(records: Records) -> T:
                result = act(records, *args)
                records.put(
                    msgspec.structs.replace(row, result=plain(name, result), ended=self._attempt.timing.now())
                )
                return result

            return self._attempt.journal.together(change)

        return cast("T", self._attempt.until_done(row, lambda: self._attempt.keep(both), lambda _row: None))

    @contextmanager
    def read(self) -> Iterator[Records]:
        """The records of the job's account and region, to look only."""
        with self._attempt.journal.store.read() as transaction:
            yield transaction.records(self.account, self.region)

    def undo(self, name: str, act: Callable[..., object], *args: Any) -> None:
        """Register a compensation for what follows: it must bear that nothing, or only half, has been done.

        Register it before the step that it undoes.
        """
        row, known = self._attempt.next("undo", name)
        if not known:
            self._attempt.keep(lambda: self._attempt.journal.record(row))
        if not self._attempt.row.committed:
            self._attempt.compensations.append((row, act, args))

    def commit_point(self) -> None:
        """From here on the job only goes forward: nothing is undone, and it cannot be cancelled any more."""
        row, known = self._attempt.next("commit", "commit point")
        if not known:

            def commit(records: Records) -> JobRow:
                job = records.get(JobRow, self.id)
                if job.cancelling:
                    raise Cancelled
                records.put(msgspec.structs.replace(row, ended=self._attempt.timing.now()))
                return records.change(job, committed=True)

            self._attempt.row = self._attempt.keep(lambda: self._attempt.journal.together(commit))
        self._attempt.compensations.clear()

    def wait(
        self, condition: Callable[[], object], *, timeout: float, poll: float = 0.5, name: str = ""
    ) -> None:
        """Wait until the condition holds; the timeout, in seconds, counts from the first start of the wait."""
        name = name or f"wait for {getattr(condition, '__name__', 'condition')}"
        row, known = self._attempt.next("wait", name, deadline=self._attempt.timing.now() + timeout)
        if known:
            self._attempt.answer(row)
            return

        def until() -> None:
            while not condition():
                left = (row.deadline or 0) - self._attempt.timing.now()
                if left <= 0:
                    raise JobError(f"it did not happen within {timeout:g} s")
                self._attempt.pause(min(poll, left))

        self._attempt.until_done(row, until, self._attempt.journal.record)

    def wait_until(self, moment: float) -> None:
        """Wait for a moment, in seconds since 1970; after a restart the moment given at first is meant."""
        row, known = self._attempt.next("wait", "wait until", deadline=moment)
        if known:
            return
        end = moment if row.deadline is None else row.deadline

        def until() -> None:
            while (left := end - self._attempt.timing.now()) > 0:
                self._attempt.pause(left)

        self._attempt.until_done(row, until, self._attempt.journal.record)

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Say how far the job is."""
        self._attempt.keep(
            lambda: self._attempt.journal.update(
                done=done, total=total, text=text, updated=self._attempt.timing.now()
            )
        )

    def pause(self, seconds: float) -> None:
        """Let time pass within a step; leaves the job at once when the runner stops or the job is cancelled."""
        self._attempt.pause(seconds)
