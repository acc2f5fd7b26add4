"""Moving dead letters back: the messages of one task, in portions, until none are left or somebody cancels it."""

from coldframe.core.arns import partition_of
from coldframe.core.clock import Clock
from coldframe.core.store import Store
from coldframe.jobs.run import Run
from coldframe.services.sqs.records import MoveTask, Queue
from coldframe.services.sqs.storage import QueueMessages

_PORTION = 100
# Recorded: tasks say the code that a deleted queue is answered with.
_GONE = "AWS.SimpleQueueService.NonExistentQueue"


class Mover:
    """Moves messages as the records of tasks say."""

    def __init__(self, store: Store, messages: QueueMessages, clock: Clock) -> None:
        self._store = store
        self._messages = messages
        self._clock = clock

    def move(self, run: Run, task_id: str) -> int:
        """Move all messages of a task; begun again after a restart, it goes on. Returns how many were moved in all."""
        while True:
            with self._store.read() as transaction:
                records = transaction.records(run.account, run.region)
                task = records.get(MoveTask, task_id)
                source = records.find(Queue, task.source)
                targets = self._targets(records.list(Queue), task, run)
            if task.status == "CANCELLING":
                return self._end(run, task_id, "CANCELLED")
            if source is None or not targets:
                return self._end(run, task_id, "FAILED", _GONE)
            portion = min(task.most_per_second or _PORTION, _PORTION)
            moved = self._messages.move(source.id, targets, self._clock.milliseconds(), portion)
            if moved.messages:
                self._count(run, task_id, moved.messages)
            if moved.messages + moved.left < portion or not moved.messages:
                return self._end(run, task_id, "COMPLETED")
            if task.most_per_second:
                run.pause(moved.messages / task.most_per_second)

    def _targets(self, queues: list[Queue], task: MoveTask, run: Run) -> dict[str, str]:
        """Return the ids of the queues to move to by the ARN of where messages came from; "" stands for any."""
        if task.destination:
            found = [queue.id for queue in queues if queue.name == task.destination]
            return {"": found[0]} if found else {}
        prefix = f"arn:{partition_of(run.region)}:sqs:{run.region}:{run.account}:"
        return {f"{prefix}{queue.name}": queue.id for queue in queues if queue.name != task.source}

    def _count(self, run: Run, task_id: str, more: int) -> None:
        with self._store.write() as transaction:
            records = transaction.records(run.account, run.region)
            task = records.get(MoveTask, task_id)
            records.change(task, moved=task.moved + more)

    def _end(self, run: Run, task_id: str, status: str, reason: str = "") -> int:
        with self._store.write() as transaction:
            records = transaction.records(run.account, run.region)
            return records.change(records.get(MoveTask, task_id), status=status, reason=reason).moved
