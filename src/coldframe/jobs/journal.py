"""The journal: what is known of each job and of each of its steps, as records of the store."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

from coldframe.core.records import Record, Records, record
from coldframe.core.store import Store

T = TypeVar("T")
Status = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
Kind = Literal["step", "undo", "commit", "wait"]


@record(
    "jobs", key=("id",), index=("status", "created", "name"), missing=("JobNotFound", "There is no job {id}.")
)
class JobRow(Record):
    """A job. Times are seconds since 1970, UTC; `turned_back`: it failed or was cancelled, and undoes what it did."""

    id: str
    name: str
    status: Status
    created: float
    updated: float
    args: list[Any] = msgspec.field(default_factory=list)
    caller: str = ""
    result: Any = None
    error: str = ""
    hint: str = ""
    done: int = 0
    total: int = 0
    text: str = ""
    cancelling: bool = False
    committed: bool = False
    turned_back: bool = False


@record("job_steps", key=("job", "ordinal"))
class StepRow(Record):
    """A step, compensation, commit point or wait of a job, in the order of the calls."""

    job: str
    ordinal: int
    kind: Kind
    name: str
    started: float
    ended: float | None = None
    result: Any = None
    error: str = ""
    hint: str = ""
    deadline: float | None = None


@record("jobs_unfinished", key=("id",), scope="partition")
class UnfinishedJob(Record):
    """Where an unfinished job lies, so that a start need not look at every job there ever was."""

    id: str
    account: str
    region: str


TABLES: tuple[type[Record], ...] = (JobRow, StepRow, UnfinishedJob)


class Journal:
    """The journal of one job."""

    def __init__(self, store: Store, account: str, region: str, identifier: str) -> None:
        self.store = store
        self.account = account
        self.region = region
        self.identifier = identifier

    def read(self) -> tuple[JobRow, dict[int, StepRow]]:
        """The job and its steps by ordinal."""
        with self.store.read() as transaction:
            records = transaction.records(self.account, self.region)
            steps = records.list(StepRow, key_prefix=(self.identifier,))
            return records.get(JobRow, self.identifier), {step.ordinal: step for step in steps}

    def record(self, step: StepRow) -> None:
        """Keep a step."""
        self.together(lambda records: records.put(step))

    def update(self, **fields: Any) -> JobRow:
        """Change fields of the job."""
        return self.together(lambda records: records.change(records.get(JobRow, self.identifier), **fields))

    def finish(self, **fields: Any) -> None:
        """Change fields of the job and take it from the unfinished ones."""

        def change(records: Records) -> None:
            records.change(records.get(JobRow, self.identifier), **fields)
            if found := records.find(UnfinishedJob, self.identifier):
                records.remove(found)

        self.together(change)

    def together(self, act: Callable[[Records], T]) -> T:
        """Do several things in one transaction."""
        with self.store.write() as transaction:
            return act(transaction.records(self.account, self.region))
