"""The engines of CloudWatch Logs: where events are stored, what finds sensitive data, who is told."""

from typing import Any

from coldframe.core.installation import Installation
from coldframe.engines.logstore.store import LogStore
from coldframe.engines.query.engine import QueryEngine
from coldframe.services.logs.account_retention import Retentions
from coldframe.services.logs.anomalies.evaluation import AnomalyDetection
from coldframe.services.logs.audit_objects import FindingsOutbox
from coldframe.services.logs.exporting import Exporter
from coldframe.services.logs.group_keys import GroupKeys
from coldframe.services.logs.insights.results import KeptResults
from coldframe.services.logs.live_tail import LiveTail
from coldframe.services.logs.records import LogGroup
from coldframe.services.logs.scheduled_queries import ScheduledQueries
from coldframe.services.logs.subscriptions.delivery import SubscriptionDelivery
from coldframe.services.logs.under_way import BatchesUnderWay


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts, settings = installation.parts, installation.settings
    parts.provide(GroupKeys, lambda: GroupKeys(installation))
    parts.provide(
        LogStore,
        lambda: LogStore.open(
            settings.data_dir / "logs",
            master_key=installation.seal.key("log-store"),
            now=installation.clock.milliseconds,
            covers=parts.get(GroupKeys),
        ),
    )
    # What the first event needs, or the first query, an idle server does without.
    parts.provide_unloaded("coldframe.engines.detector.detector.Detector", lambda: _detector(installation))
    parts.provide_unloaded("coldframe.engines.detector.pool.ScannerPool", lambda: _scanner_pool(installation))
    parts.provide_unloaded("coldframe.services.logs.rules.Rules", lambda: _rules(installation))
    parts.provide_unloaded(
        "coldframe.services.logs.insights.running.QueryRunner", lambda: _query_runner(installation)
    )
    parts.provide(LiveTail, LiveTail)
    parts.provide(BatchesUnderWay, BatchesUnderWay)
    parts.provide(Retentions, lambda: Retentions(installation.store))
    parts.provide(QueryEngine, lambda: QueryEngine(settings.data_dir / "logs" / "segments"))
    parts.provide(KeptResults, lambda: KeptResults(settings.data_dir / "logs-queries", installation.seal))
    parts.provide(FindingsOutbox, lambda: FindingsOutbox(installation))
    parts.provide(SubscriptionDelivery, lambda: SubscriptionDelivery(installation))
    parts.provide(Exporter, lambda: Exporter(installation))
    parts.provide(AnomalyDetection, lambda: AnomalyDetection(installation))
    parts.provide(ScheduledQueries, lambda: ScheduledQueries(installation))


def _detector(installation: Installation) -> Any:
    from coldframe.engines.detector import Detector
    from coldframe.engines.detector.recognition import load_recognizer

    settings = installation.settings
    return Detector(settings.prefilter, settings.cache / "detector", load_recognizer)


def _scanner_pool(installation: Installation) -> Any:
    from coldframe.engines.detector import Detector
    from coldframe.engines.detector.pool import ScannerPool

    return ScannerPool(installation.parts.get(Detector))


def _rules(installation: Installation) -> Any:
    from coldframe.engines.detector import Detector
    from coldframe.services.logs.rules import Rules

    return Rules(installation.store, installation.parts.get(Detector))


def _query_runner(installation: Installation) -> Any:
    from coldframe.services.logs.insights.running import QueryRunner

    return QueryRunner(installation, installation.parts.get(KeptResults))


def empty(installation: Installation) -> None:
    """Forget every event (dev mode's reset)."""
    with installation.store.read() as transaction:
        groups = transaction.records("", "").everywhere(LogGroup)
    for _, _, group in groups:
        installation.parts.get(LogStore).drop_group(group.id)
