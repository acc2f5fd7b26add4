"""The engines of CloudWatch: where metrics are stored, and the sink that other services write theirs to."""

from coldframe.core.installation import Installation
from coldframe.core.offers import MetricSink
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch.hooks import Hooks
from coldframe.services.cloudwatch.offers import MetricWriter


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts, settings = installation.parts, installation.settings
    parts.provide(MetricStore, lambda: MetricStore(settings.data_dir / "metrics", installation.clock.seconds))
    parts.provide(Hooks, Hooks)
    parts.provide(MetricSink, lambda: MetricWriter(parts.get(MetricStore)))


def empty(installation: Installation) -> None:
    """Forget every metric (dev mode's reset)."""
    installation.parts.get(MetricSink).flush()
    installation.parts.get(MetricStore).empty()
