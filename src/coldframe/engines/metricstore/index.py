"""Which series there are: by metric and unit, and by account, region and namespace for listings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from coldframe.engines.metricstore.keys import Metric


@dataclass(slots=True)
class Series:
    """One metric in one unit; `last` is the time of its newest sample in seconds."""

    id: int
    metric: Metric
    unit: str
    last: int


class Index:
    """Every series, in memory; its user locks."""

    def __init__(self, series: Iterable[Series]) -> None:
        self.by_id: dict[int, Series] = {}
        self._by_metric: dict[Metric, dict[str, Series]] = {}
        self._places: dict[tuple[str, str], dict[str, dict[Metric, None]]] = {}
        self._next = 1
        for one in series:
            self._enter(one)

    def seen(self, metric: Metric, unit: str, at: int) -> int:
        """Return the id of a series that has a sample at `at`; a new one if need be."""
        units = self._by_metric.get(metric)
        found = units.get(unit) if units is not None else None
        if found is None:
            found = Series(self._next, metric, unit, at)
            self._enter(found)
        elif at > found.last:
            found.last = at
        return found.id

    def units(self, metric: Metric) -> list[Series]:
        """Return a metric's series, oldest first."""
        return list(self._by_metric.get(metric, {}).values())

    def metrics(self, account: str, region: str, namespace: str | None) -> Iterator[tuple[Metric, int, int]]:
        """Give metrics with a number that orders them by their first appearance, and the time of their newest sample."""
        spaces = self._places.get((account, region), {})
        chosen = spaces.values() if namespace is None else [spaces.get(namespace, {})]
        for metrics in chosen:
            for metric in metrics:
                series = self._by_metric[metric].values()
                yield metric, min(one.id for one in series), max(one.last for one in series)

    def expire(self, before: int) -> None:
        """Forget the series whose newest sample is older than `before`."""
        for series in [one for one in self.by_id.values() if one.last < before]:
            self._leave(series)

    def _enter(self, series: Series) -> None:
        metric = series.metric
        self.by_id[series.id] = series
        self._by_metric.setdefault(metric, {})[series.unit] = series
        spaces = self._places.setdefault((metric.account, metric.region), {})
        spaces.setdefault(metric.namespace, {})[metric] = None
        self._next = max(self._next, series.id + 1)

    def _leave(self, series: Series) -> None:
        metric = series.metric
        del self.by_id[series.id]
        units = self._by_metric[metric]
        del units[series.unit]
        if not units:
            del self._by_metric[metric]
            del self._places[metric.account, metric.region][metric.namespace][metric]
