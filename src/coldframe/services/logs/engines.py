"""The engines of CloudWatch Logs: where events are stored, what finds sensitive data, who is told."""

from coldframe.core.installation import Installation
from coldframe.engines.detector import Detector
from coldframe.engines.detector.pool import ScannerPool
from coldframe.engines.detector.recognition import load_recognizer
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.live_tail import LiveTail
from coldframe.services.logs.records import LogGroup
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
        Detector, lambda: Detector(settings.prefilter, settings.cache / "detector", load_recognizer)
    )
    parts.provide(ScannerPool, lambda: ScannerPool(parts.get(Detector)))
    parts.provide(LiveTail, LiveTail)
    parts.provide(Rules, lambda: Rules(installation.store, parts.get(Detector)))


def empty(installation: Installation) -> None:
    """Forget every event (dev mode's reset)."""
    with installation.store.read() as transaction:
        groups = transaction.records("", "").everywhere(LogGroup)
    for _, _, group in groups:
        installation.parts.get(LogStore).drop_group(group.id)
