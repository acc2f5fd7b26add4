"""Work of CloudWatch that outlives a call: moving metrics to their blocks, alarms and their actions, old history."""

from collections.abc import Iterator

from coldframe.core.installation import Installation
from coldframe.engines.metricstore.store import MetricStore
from coldframe.jobs.schedule import DAY, Periodic
from coldframe.services.cloudwatch.alarm_actions import act
from coldframe.services.cloudwatch.alarm_evaluator import AlarmEvaluator
from coldframe.services.cloudwatch.alarm_history import KEPT
from coldframe.services.cloudwatch.alarm_records import HistoryItem
from coldframe.services.cloudwatch.metric_streamer import MetricStreamer

__all__ = ["act", "periodic"]

_EVERY = 600.0
_EVALUATION = 10.0
_STREAMING = 15.0


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""

    def flush() -> None:
        # A store that nobody has used since the start has nothing in memory.
        store = installation.parts.made(MetricStore)
        if store is not None:
            store.flush()

    yield Periodic("cloudwatch.store-metrics", flush, every=_EVERY)
    yield Periodic(
        "cloudwatch.evaluate-alarms",
        lambda: installation.parts.get(AlarmEvaluator).run_due(),
        every=_EVALUATION,
    )
    yield Periodic(
        "cloudwatch.stream-metrics",
        lambda: installation.parts.get(MetricStreamer).run_due(),
        every=_STREAMING,
    )
    yield Periodic("cloudwatch.forget-history", lambda: forget_history(installation), every=DAY)


def forget_history(installation: Installation) -> None:
    """Delete what happened to alarms longer ago than history is kept."""
    before = installation.clock.milliseconds() - KEPT
    with installation.store.write() as transaction:
        for account, region, item in transaction.records("", "").everywhere(
            HistoryItem, below=("at", before)
        ):
            transaction.records(account, region).remove(item)
