"""Recovery: which jobs a start takes up again, and when finished ones are forgotten."""

from coldframe.core.store import Store
from coldframe.jobs.journal import JobRow, StepRow, UnfinishedJob


def unfinished(store: Store) -> list[tuple[str, str, str]]:
    """Account, region and id of every job that is neither succeeded, failed nor cancelled, oldest first."""
    found = []
    with store.read() as transaction:
        records = transaction.records("", "")
        for row in records.list(UnfinishedJob):
            job = records.elsewhere(account=row.account, region=row.region).find(JobRow, row.id)
            if job is not None:
                found.append((job.created, row.account, row.region, row.id))
    return [(account, region, identifier) for _, account, region, identifier in sorted(found)]


KEPT_SECONDS = 30 * 86_400
"""How long a finished job stays in the journal, counted from when it was started: 30 days."""


def forget_finished(store: Store, before: float, *, at_once: int = 200) -> int:
    """Delete finished jobs created before a moment (seconds since 1970), with their steps; answers how many.

    Works in small transactions, so that it does not hold up other writers.
    """
    forgotten = 0
    while True:
        with store.write() as transaction:
            records = transaction.records("", "")
            old = records.everywhere(
                JobRow,
                below=("created", before),
                where={"status": ["SUCCEEDED", "FAILED", "CANCELLED"]},
                limit=at_once,
            )
            for account, region, job in old:
                place = records.elsewhere(account=account, region=region)
                for step in place.list(StepRow, key_prefix=(job.id,)):
                    place.remove(step)
                place.remove(job)
        forgotten += len(old)
        if len(old) < at_once:
            return forgotten
