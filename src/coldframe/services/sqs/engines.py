"""The engines of SQS: where messages are kept, what makes receipt handles, what moves dead letters back."""

from coldframe.core.installation import Installation
from coldframe.services.sqs.metrics import QueueMetrics
from coldframe.services.sqs.moves import Mover
from coldframe.services.sqs.receipts import Receipts
from coldframe.services.sqs.records import Queue
from coldframe.services.sqs.storage import QueueMessages


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts = installation.parts
    path = installation.settings.data_dir / "queues" / "messages.sqlite3"
    parts.provide(QueueMessages, lambda: QueueMessages(path))
    parts.provide(Receipts, lambda: Receipts(installation.seal))
    parts.provide(QueueMetrics, lambda: QueueMetrics(installation))
    parts.provide(Mover, lambda: Mover(installation.store, parts.get(QueueMessages), installation.clock))


def empty(installation: Installation) -> None:
    """Forget every message (dev mode's reset)."""
    with installation.store.read() as transaction:
        queues = transaction.records("", "").everywhere(Queue)
    for _, _, queue in queues:
        installation.parts.get(QueueMessages).drop(queue.id)
