"""An attempt at a job: what the journal knows of it, how a step ends, and the way back or forward after an error."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import msgspec

from coldframe.core.store import StoreUnavailable
from coldframe.jobs.holding import Gate
from coldframe.jobs.job import Cancelled, Interrupted, JobError, JournalMismatch, StepFailed, TurnedBack
from coldframe.jobs.journal import JobRow, Journal, Kind, Status, StepRow

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0


@dataclass(frozen=True)
class Timing:
    """The time in seconds since 1970, and waiting for an event for some seconds at most."""

    now: Callable[[], float]
    wait: Callable[[threading.Event, float], object] = threading.Event.wait


class Attempt:
    """One execution of a job, from its first step again; the runner's side of it."""

    def __init__(
        self,
        journal: Journal,
        timing: Timing,
        waiting: Callable[[int], object],
        gate: Callable[[str], Gate | None] = lambda _name: None,
    ) -> None:
        self.journal = journal
        self._gate = gate
        self.timing = timing
        self.row: JobRow
        self.compensations: list[tuple[StepRow, Callable[..., object], tuple[Any, ...]]] = []
        self._waiting = waiting
        self._wake = threading.Event()
        self._stopping = False
        self._cancelled = False
        self._ordinal = 0
        self._known: dict[int, StepRow] = {}

    def load(self) -> JobRow:
        """Read the journal; whoever wants to interrupt the run must know it before, or is not heard."""
        self.row, self._known = self.keep(self.journal.read)
        self._cancelled = self._cancelled or self.row.cancelling
        return self.row

    def interrupt(self, *, cancel: bool = False) -> None:
        """From another thread: stop at the next step, or be cancelled there."""
        if cancel:
            self._cancelled = True
        else:
            self._stopping = True
        self._wake.set()

    def begin(self) -> None:
        """Say that the job is running."""
        if self.row.status == "PENDING":
            self.keep(lambda: self.journal.update(status="RUNNING", updated=self.timing.now()))

    def finish(self, status: Status, **fields: Any) -> None:
        """Say how the job ended."""
        if "result" in fields:
            fields = {**fields, "result": plain(self.row.name, fields["result"]), "error": "", "hint": ""}
        self.keep(lambda: self.journal.finish(status=status, updated=self.timing.now(), **fields))

    def turn_back(self, error: str = "", hint: str = "") -> None:
        """Remember that the job failed (or was cancelled, without an error), undo, and finish it."""
        if not self.row.turned_back:
            self.row = self.keep(lambda: self.journal.update(turned_back=True, error=error, hint=hint))
        self._roll_back()
        self.finish("FAILED" if self.row.error else "CANCELLED")

    def show(self, error: str, hint: str) -> None:
        """Show an error that is not the end; while undoing, the job keeps the one that made it turn back."""
        fields = {"text": error} if self.row.turned_back else {"error": error, "hint": hint}
        self.keep(lambda: self.journal.update(**fields))

    def next(self, kind: Kind, name: str, *, deadline: float | None = None) -> tuple[StepRow, bool]:
        """The row of this call, and whether the journal has it done."""
        known = self._known.get(self._ordinal + 1)
        if known is not None and (known.kind, known.name) != (kind, name):
            raise JournalMismatch(
                f"step {known.ordinal} of job {self.row.name} was {known.kind} {known.name!r} and is now {kind} {name!r}:"
                " its code has changed since it began",
                "finish it with the version that began it, or put right by hand what it left",
            )
        done = known is not None and (known.ended is not None or kind == "undo")
        if not done:
            # Nothing new is begun on the way to the point where the job turned back.
            if self.row.turned_back:
                raise TurnedBack
            self._check()
        self._ordinal += 1
        if known is not None:
            return known, done
        now = self.timing.now()
        row = StepRow(
            job=self.journal.identifier,
            ordinal=self._ordinal,
            kind=kind,
            name=name,
            started=now,
            deadline=deadline,
        )
        if kind == "wait":
            # Kept before it ends, so that a restart does not begin the timeout again.
            self.keep(lambda: self.journal.record(row))
        return row, False

    def answer(self, row: StepRow) -> Any:
        """What a step that the journal knows came to."""
        if row.error:
            raise StepFailed(row.error, row.hint)
        return row.result

    def until_done(self, row: StepRow, act: Callable[[], Any], keep: Callable[[StepRow], None]) -> Any:
        """Do a step and keep its result: once before the commit point, until it succeeds after it."""
        if row.kind == "step":
            act = partial(self._through_gate, act)
        if self.row.committed:
            result = plain(row.name, self._insist(act, row.name))
        else:
            try:
                result = plain(row.name, act())
            except Exception as error:
                failed = StepFailed(f"{row.name}: {describe(error)}", getattr(error, "hint", ""))
                ended = msgspec.structs.replace(
                    row, error=str(failed), hint=failed.hint, ended=self.timing.now()
                )
                self.keep(lambda: self.journal.record(ended))
                raise failed from error
        done = msgspec.structs.replace(row, result=result, ended=self.timing.now())
        self.keep(lambda: keep(done))
        return result

    def pause(self, seconds: float) -> None:
        """Let time pass; raises at once when the runner stops or the job is cancelled."""
        self._check()
        self._waiting(1)
        try:
            self.timing.wait(self._wake, seconds)
        finally:
            self._waiting(-1)
        if not self._stopping:
            self._wake.clear()
        self._check()

    def keep(self, act: Callable[[], T]) -> T:
        """Write to the journal, also if that has to wait for space on the disk."""
        pause = FIRST_PAUSE
        while True:
            try:
                return act()
            except StoreUnavailable:
                self.timing.wait(self._wake, pause)
                if self._stopping:
                    raise Interrupted from None
                self._wake.clear()
                pause = min(pause * 2, LONGEST_PAUSE)

    def _roll_back(self) -> None:
        """Run the compensations in reverse order, each until it succeeds."""
        while self.compensations:
            row, act, args = self.compensations[-1]
            if row.ended is None:
                self._insist(partial(self._through_gate, partial(act, *args)), f"undo {row.name}")
                done = msgspec.structs.replace(row, ended=self.timing.now())
                self.keep(lambda done=done: self.journal.record(done))  # type: ignore[misc]
            self.compensations.pop()

    def _insist(self, act: Callable[[], T], name: str) -> T:
        """Repeat until it succeeds; the job shows the last error meanwhile."""
        pause, shown = FIRST_PAUSE, ""
        while True:
            try:
                result = act()
            except Exception as error:  # noqa: BLE001  whatever it is, there is no way back: it is shown and repeated
                text, hint = f"{name}: {describe(error)}", getattr(error, "hint", "")
                if text != shown:
                    self.show(text, hint)
                    shown = text
                self.pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                if shown:
                    self.show("", "")
                return result

    def _through_gate(self, act: Callable[[], T]) -> T:
        """Do something when whoever holds jobs between steps lets go."""
        gate = self._gate(self.row.name)
        with gate.step(self.pause) if gate is not None else nullcontext():
            return act()

    def _check(self) -> None:
        if self._stopping:
            raise Interrupted
        if self._cancelled and not self.row.committed and not self.row.turned_back:
            raise Cancelled


def describe(error: BaseException) -> str:
    """An error in one line, with its type where the text alone would say too little."""
    text = str(error).strip()
    return text if isinstance(error, JobError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def plain(name: str, result: object) -> Any:
    """The result as the journal gives it back after a restart, so that both times are alike."""
    try:
        return msgspec.json.decode(msgspec.json.encode(result))
    except TypeError as error:
        raise TypeError(f"the result of step {name!r} cannot be kept: {error}") from error
