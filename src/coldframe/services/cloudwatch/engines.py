"""The engines of CloudWatch: where metrics are stored, and the sink that other services write theirs to."""

from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch.alarm_actions import AlarmActions
from coldframe.services.cloudwatch.alarm_evaluator import AlarmEvaluator
from coldframe.services.cloudwatch.anomaly_models import AnomalyModels
from coldframe.services.cloudwatch.hooks import Hooks
from coldframe.services.cloudwatch.metric_reader import MetricReader
from coldframe.services.cloudwatch.metric_streamer import MetricStreamer
from coldframe.services.cloudwatch.offers import MetricWriter


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts = installation.parts
    parts.provide(MetricStore, lambda: _store(installation))
    parts.provide(AnomalyModels, lambda: AnomalyModels(installation))
    parts.provide(Hooks, lambda: Hooks(parts.get(AnomalyModels)))
    parts.provide(MetricSink, lambda: MetricWriter(parts.get(MetricStore)))
    parts.provide(MetricReader, lambda: MetricReader(installation))
    parts.provide(AlarmActions, lambda: AlarmActions(installation))
    parts.provide(MetricStreamer, lambda: MetricStreamer(installation))
    parts.provide(AlarmEvaluator, lambda: AlarmEvaluator(installation))


def _store(installation: Installation) -> MetricStore:
    """Open the metric store, and have alarms evaluated when their metrics get data."""
    store = MetricStore(installation.settings.data_dir / "metrics", installation.clock.seconds)
    # The evaluator reads the store, so it is made when it is first told of data and not before.
    store.listen(lambda samples: installation.parts.get(AlarmEvaluator).arrived(samples))
    store.listen(lambda samples: installation.parts.get(MetricStreamer).arrived(samples))
    return store


def empty(installation: Installation) -> None:
    """Forget every metric (dev mode's reset)."""
    installation.parts.get(MetricSink).flush()
    installation.parts.get(MetricStore).empty()
