"""Work of SQS that outlives a call: dropping deleted queues, moving dead letters back, expiry."""

from collections.abc import Iterator
from functools import partial

from coldframe.core.installation import Installation
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.jobs.schedule import Periodic
from coldframe.services.sqs import attributes
from coldframe.services.sqs.metrics import QueueMetrics
from coldframe.services.sqs.moves import Mover
from coldframe.services.sqs.records import Queue
from coldframe.services.sqs.storage import QueueMessages

_EVERY = 300.0
_EVERY_MINUTE = 60.0


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""
    yield Periodic("sqs.expire-messages", partial(expire_messages, installation), every=_EVERY)
    yield Periodic("sqs.metrics", partial(write_metrics, installation), every=_EVERY_MINUTE)


@job("sqs.drop-messages")
def drop_messages(run: Run, queue_id: str) -> None:
    """Drop the messages of a deleted queue; its id is never used again, so it does not matter when."""
    run.commit_point()
    run.step("drop the messages", run.part(QueueMessages).drop, queue_id)


@job("sqs.move-messages")
def move_messages(run: Run, task_id: str) -> None:
    """Move messages out of a queue of dead letters."""
    run.commit_point()
    run.step("move the messages", run.part(Mover).move, run, task_id)


def write_metrics(installation: Installation) -> None:
    """Write the metrics that are looked at once a minute, if there ever was a queue."""
    kept = (installation.settings.data_dir / "queues" / "messages.sqlite3").exists()
    if kept or installation.parts.made(QueueMetrics) is not None:
        installation.parts.get(QueueMetrics).look()


def expire_messages(installation: Installation) -> None:
    """Delete what queues no longer keep, and forget what was sent too long ago to be a repetition."""
    now = installation.clock.milliseconds()
    with installation.store.read() as transaction:
        queues = transaction.records("", "").everywhere(Queue)
    if not queues:
        return
    messages = installation.parts.get(QueueMessages)
    messages.forget(now)
    for _, _, queue in queues:
        keeps = 1000 * attributes.number(queue, "MessageRetentionPeriod")
        # Looking is a read; deleting is a write to the disk.
        if 0 < messages.counts(queue.id, now).oldest < now - keeps:
            messages.clear(queue.id, before=now - keeps)
