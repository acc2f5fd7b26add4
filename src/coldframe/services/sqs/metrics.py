"""The metrics of queues in AWS/SQS: what is counted as it happens, and what is looked at once a minute.

Source: SQS Developer Guide, Available CloudWatch metrics for Amazon SQS. They are there for queues that are active:
those with messages, and those that were used within the last six hours.
"""

from collections.abc import Iterable

from coldframe.core.call import Call
from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.engines.queue import Sent
from coldframe.services.sqs.lookup import Place
from coldframe.services.sqs.records import Queue
from coldframe.services.sqs.storage import QueueMessages

_NAMESPACE = "AWS/SQS"
_ACTIVE = 6 * 3600 * 1000
# An active queue says of these that there were none, too.
_COUNTED = (
    *("NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted"),
    "NumberOfEmptyReceives",
)


class QueueMetrics:
    """Writes the metrics of an installation's queues."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._sink = installation.parts.get(MetricSink)
        self._used: dict[str, int] = {}
        self._counted: set[tuple[str, str]] = set()
        self._started = False

    def used(self, queue: Queue, now: int) -> None:
        """Take note that a queue is active."""
        self._used[queue.id] = now

    def sent(
        self, call: Call, place: Place, queue: Queue, sizes: Iterable[int], sent: Iterable[Sent]
    ) -> None:
        """Count what was sent to a queue, with the size in bytes of each message."""
        kept: dict[int, int] = {}
        repeated = 0
        for size, one in zip(sizes, sent, strict=True):
            if one.repeated:
                repeated += 1
            else:
                kept[size] = kept.get(size, 0) + 1
        if repeated:
            self._count(call, place, queue, "NumberOfDeduplicatedSentMessages", repeated)
        if kept:
            self._count(call, place, queue, "NumberOfMessagesSent", sum(kept.values()))
        for size, times in kept.items():
            self._put(call, place, "SentMessageSize", size, "Bytes", times)

    def received(self, call: Call, place: Place, queue: Queue, number: int) -> None:
        """Count what a reader got, and the readers that got nothing."""
        if number:
            self._count(call, place, queue, "NumberOfMessagesReceived", number)
        else:
            self._count(call, place, queue, "NumberOfEmptyReceives", 1)

    def deleted(self, call: Call, place: Place, queue: Queue) -> None:
        """Count a deletion by a valid handle, also of a message that was gone."""
        self._count(call, place, queue, "NumberOfMessagesDeleted", 1)

    def look(self) -> None:
        """Write how many messages each active queue has, and how old its oldest is."""
        messages = self._installation.parts.get(QueueMessages)
        now = self._installation.clock.milliseconds()
        if not self._started:
            self._used = {**dict.fromkeys(messages.queues(), now), **self._used}
            self._started = True
        if not self._used:
            return
        with self._installation.store.read() as transaction:
            queues = transaction.records("", "").everywhere(Queue)
        counted, self._counted = self._counted, set()
        active = [row for row in queues if row[2].id in self._used]
        for account, region, queue in active:
            self._look_at((account, region), queue, messages, now, counted)
        known = {queue.id for _, _, queue in active}
        for gone in [each for each in list(self._used) if each not in known]:
            self._used.pop(gone, None)

    def _look_at(
        self,
        where: tuple[str, str],
        queue: Queue,
        messages: QueueMessages,
        now: int,
        counted: set[tuple[str, str]],
    ) -> None:
        counts = messages.counts(queue.id, now)
        if counts.oldest:
            self._used[queue.id] = now
        elif self._used.get(queue.id, 0) < now - _ACTIVE:
            self._used.pop(queue.id, None)
            return
        values = {
            "ApproximateNumberOfMessagesVisible": counts.available,
            "ApproximateNumberOfMessagesNotVisible": counts.in_flight,
            "ApproximateNumberOfMessagesDelayed": counts.delayed,
        }
        if queue.fifo:
            values["ApproximateNumberOfGroupsWithInflightMessages"] = messages.groups_in_flight(queue.id, now)
        values.update({name: 0 for name in _COUNTED if (queue.id, name) not in counted})
        dimensions = {"QueueName": queue.name}
        for name, value in values.items():
            self._sink.put(where, (_NAMESPACE, name), value, at=now, dimensions=dimensions, unit="Count")
        age = max(now - counts.oldest, 0) // 1000 if counts.oldest else 0
        metric = (_NAMESPACE, "ApproximateAgeOfOldestMessage")
        self._sink.put(where, metric, age, at=now, dimensions=dimensions, unit="Seconds")

    def _count(self, call: Call, place: Place, queue: Queue, name: str, value: int) -> None:
        self._used[queue.id] = call.now
        self._counted.add((queue.id, name))
        self._put(call, place, name, value, "Count")

    def _put(self, call: Call, place: Place, name: str, value: int, unit: str, times: int = 1) -> None:
        self._sink.put(
            (place.account, call.region),
            (_NAMESPACE, name),
            value,
            at=call.now,
            dimensions={"QueueName": place.name},
            unit=unit,
            count=times,
        )
