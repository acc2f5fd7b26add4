"""Work of CloudWatch that outlives a call: moving metrics to their blocks, and forgetting what is too old."""

from collections.abc import Iterator

from coldframe.core.installation import Installation
from coldframe.engines.metricstore.store import MetricStore
from coldframe.jobs.schedule import Periodic

_EVERY = 600.0


def periodic(installation: Installation) -> Iterator[Periodic]:
    """Give the work that is done again and again."""

    def flush() -> None:
        # A store that nobody has used since the start has nothing in memory.
        store = installation.parts.made(MetricStore)
        if store is not None:
            store.flush()

    yield Periodic("cloudwatch.store-metrics", flush, every=_EVERY)
