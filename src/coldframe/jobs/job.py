"""A job: a function of named steps that survives the end of the process, and the registry of all of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec

if TYPE_CHECKING:
    from coldframe.jobs.run import Run

P = ParamSpec("P")


class JobError(Exception):
    """A job went wrong; `hint` says what an operator can do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class StepFailed(JobError):
    """A step raised, now or before a restart; the text names the step and the cause."""


class JournalMismatch(JobError):
    """The job's code has changed since it began: its steps are no longer those of the journal."""


class Interrupted(BaseException):
    """The runner stops: unwind; the job goes on at the next start. Not an Exception, so that no job catches it."""


class Cancelled(BaseException):
    """The job was cancelled before its commit point: unwind and undo. Not an Exception, so that no job catches it."""


class TurnedBack(BaseException):
    """A replay has reached the point where the job turned back before a restart."""


@dataclass(frozen=True)
class Job(Generic[P]):
    """A function registered under a name that the journal remembers: renaming it abandons what is under way."""

    name: str
    function: "Callable[Concatenate[Run, P], object]"


def job(name: str) -> "Callable[[Callable[Concatenate[Run, P], object]], Job[P]]":
    """Declare a job. Its arguments are plain JSON values; what it does happens in `run.step` and its kin."""

    def declare(function: "Callable[Concatenate[Run, P], object]") -> Job[P]:
        return Job(name, function)

    return declare


class Registry:
    """The jobs of this server, by name."""

    def __init__(self, jobs: Iterable[Job[...]]) -> None:
        self._jobs: dict[str, Job[...]] = {}
        for each in jobs:
            if self._jobs.setdefault(each.name, each) is not each:
                raise ValueError(f"two jobs are called {each.name}")

    def find(self, name: str) -> Job[...] | None:
        """The job of this name."""
        return self._jobs.get(name)
