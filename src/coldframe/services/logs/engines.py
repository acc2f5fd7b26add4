"""The engines of CloudWatch Logs: where events are stored, what finds sensitive data, who is told."""

from coldframe.core.installation import Installation
from coldframe.engines.detector import Detector
from coldframe.engines.detector.recognizer import Recognizer
from coldframe.engines.logstore.store import LogStore
from coldframe.engines.query.engine import QueryEngine
from coldframe.services.logs.insights.results import KeptResults
from coldframe.services.logs.insights.running import QueryRunner
from coldframe.services.logs.live_tail import LiveTail
from coldframe.services.logs.metrics import MetricJournal
from coldframe.services.logs.rules import Rules


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts, settings = installation.parts, installation.settings
    parts.provide(
        LogStore,
        lambda: LogStore.open(
            settings.data_dir / "logs",
            master_key=installation.seal.key("log-store"),
            now=installation.clock.milliseconds,
        ),
    )
    parts.provide(
        Detector,
        lambda: Detector(settings.prefilter, settings.cache / "detector", Recognizer.load),  # type: ignore[arg-type]
    )
    parts.provide(MetricJournal, lambda: MetricJournal(installation.store))
    parts.provide(LiveTail, LiveTail)
    parts.provide(Rules, lambda: Rules(installation.store, parts.get(Detector)))
    parts.provide(QueryEngine, lambda: QueryEngine(settings.data_dir / "logs" / "segments"))
    parts.provide(KeptResults, lambda: KeptResults(settings.data_dir / "logs-queries", installation.seal))
    parts.provide(QueryRunner, lambda: QueryRunner(installation, parts.get(KeptResults)))
