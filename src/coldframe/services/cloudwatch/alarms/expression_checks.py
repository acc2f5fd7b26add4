"""Whether the expressions of an alarm can be computed at all, and give what an alarm can watch: told when it is put."""

from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.core.faults import NotBuilt
from coldframe.engines.metricstore.keys import Metric
from coldframe.services.cloudwatch.alarms.faults import invalid
from coldframe.services.cloudwatch.anomaly import subjects
from coldframe.services.cloudwatch.expressions import syntax
from coldframe.services.cloudwatch.expressions.evaluate import evaluate
from coldframe.services.cloudwatch.expressions.metrics_insights import is_query, parse_query
from coldframe.services.cloudwatch.expressions.values import ExpressionError, NotOffered, TimeSeries, Value

_GRID = range(0, 60, 60)


def check(configuration: Mapping[str, Any], watched: str) -> None:
    """Raise ValidationError for an expression of `Metrics` that is wrong, or for one watched that gives several series.

    Only what comes from a Metrics Insights query with GROUP BY may: each of its series is then judged on its own.
    """
    queries: Sequence[Mapping[str, Any]] = configuration.get("Metrics", ())
    if sum(is_query(query.get("Expression", "")) for query in queries) > 1:
        raise invalid("An alarm can include only one Metrics Insights query.")
    shapes = _Shapes(queries)
    for query in queries:
        if "Expression" in query:
            shapes.check(query["Id"])
    if isinstance(shapes.value(watched), list) and not shapes.grouped:
        raise invalid(
            f"Error in expression '{watched}' [The expression must return a single time series, but it returns several]"
        )


class _Shapes:
    """The queries of an alarm computed over no data, which shows what each gives (a source of `evaluate`)."""

    def __init__(self, queries: Sequence[Mapping[str, Any]]) -> None:
        self._queries = {query["Id"]: query for query in queries}
        self._known: dict[str, Value] = {}
        self._open: list[str] = []
        self.grouped = False

    def check(self, name: str) -> None:
        """Compute a query; raises ValidationError with the place of the error."""
        try:
            self.value(name)
        except ExpressionError as error:
            raise invalid(f"Error in expression '{name}' [{error.message}]") from None
        except NotOffered as error:
            raise NotBuilt(error.message) from error

    def names(self) -> list[str]:
        return [name for name, query in self._queries.items() if "MetricStat" in query]

    def value(self, name: str) -> Value | None:
        if name not in self._queries:
            return None
        if name in self._open:
            raise ExpressionError("The expression refers to itself")
        if name not in self._known:
            self._open.append(name)
            try:
                self._known[name] = self._computed(self._queries[name])
            finally:
                self._open.pop()
        return self._known[name]

    def grid(self) -> range:
        return _GRID

    def search(self, expression: str, stat: str, period: int | None) -> list[TimeSeries]:
        del expression, stat, period
        raise ExpressionError("SEARCH is not supported on Metric Alarms.")

    def band(self, series: TimeSeries, deviations: float, tree: syntax.Node) -> list[TimeSeries]:
        del deviations
        if series.metric is None or series.computed:
            subjects.identity(tree, self._queries)
        return [_series(), _series()]

    def rule_metric(self, rule: str, metric: str) -> TimeSeries:
        del rule, metric
        return _series()

    def _computed(self, query: Mapping[str, Any]) -> Value:
        stat = query.get("MetricStat")
        if stat is not None:
            return _series(Metric("", "", stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], ()))
        if is_query(query["Expression"]):
            grouped = bool(parse_query(query["Expression"]).group)
            self.grouped = self.grouped or grouped
            return [_series()] if grouped else _series()
        return evaluate(syntax.parse(query["Expression"]), self)


def _series(metric: Metric | None = None) -> TimeSeries:
    return TimeSeries({0: 1.0}, _GRID, metric=metric)
