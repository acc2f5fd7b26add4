"""MetricDataQuery lists: fetches metrics, computes expressions in the order they need each other, labels the results.

GetMetricData, alarms on expressions and dashboards all ask through `MetricQueries`.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, timezone
from typing import Any, NamedTuple

from coldframe.engines.metricstore.keys import Metric
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch.anomaly import subjects
from coldframe.services.cloudwatch.anomaly.model import TRAINING
from coldframe.services.cloudwatch.datums import dimension_pairs, is_statistic
from coldframe.services.cloudwatch.expressions import labels
from coldframe.services.cloudwatch.expressions.evaluate import evaluate
from coldframe.services.cloudwatch.expressions.metrics_insights import (
    COLUMNS,
    Rows,
    is_query,
    parse_query,
    select,
)
from coldframe.services.cloudwatch.expressions.search import compile_search
from coldframe.services.cloudwatch.expressions.syntax import Node, parse
from coldframe.services.cloudwatch.expressions.values import ExpressionError, NotOffered, TimeSeries, Value
from coldframe.services.cloudwatch.hooks import Hooks, Question
from coldframe.services.cloudwatch.periods import aligned, is_period

Query = Mapping[str, Any]

MOST_SEARCHED = 500
MOST_READ = 2_000_000
"""Data points that one request may read, which bounds the memory it takes (about 100 bytes each)."""
_UNITS = (
    *("Megabits", "Terabits", "Gigabits", "Count", "Bytes", "Gigabytes", "Gigabytes/Second", "Kilobytes"),
    *("Kilobits/Second", "Terabytes", "Terabits/Second", "Bytes/Second", "Percent", "Megabytes"),
    *("Megabits/Second", "Milliseconds", "Microseconds", "Kilobytes/Second", "Gigabits/Second"),
    *("Megabytes/Second", "Bits", "Bits/Second", "Count/Second", "Seconds", "Kilobits", "Terabytes/Second"),
    "None",
)
_RANK = {unit: rank for rank, unit in enumerate(_UNITS)}
"""The order in which GetMetricData prefers units, as it was seen to."""
_DEFAULT_PERIOD = 300
_TWO_WEEKS = 14 * 86400


class Window(NamedTuple):
    """The time asked for, in seconds: start inclusive, end exclusive, and now."""

    start: float
    end: float
    now: float

    def grid(self, period: int) -> range:
        """Return the starts of the periods in it."""
        return range(aligned(self.start, period, self.now), math.ceil(self.end), period)


class Answer(NamedTuple):
    """One series of a query's result."""

    id: str
    label: str
    series: TimeSeries


class FailedExpression(Exception):
    """An expression that gave no result: the query's id and AWS's message."""

    def __init__(self, identifier: str, reason: str) -> None:
        super().__init__(f"Error in expression '{identifier}' [{reason}]")
        self.identifier = identifier
        self.message = f"Error in expression '{identifier}' [{reason}]"


class TooMuchData(Exception):
    """The queries read more data points than a request may."""

    def __init__(self) -> None:
        super().__init__(
            f"The queries read more than {MOST_READ:,} data points. Ask for a shorter time range or longer periods."
        )


class MetricQueries:
    """A list of queries over one account's metrics in one region; each is computed once, when it is first needed."""

    def __init__(
        self,
        store: MetricStore,
        place: tuple[str, str],
        queries: Sequence[Query],
        window: Window,
        hooks: Hooks | None = None,
    ) -> None:
        self._store = store
        self._place = place
        self._queries = {query["Id"]: query for query in queries}
        self._window = window
        self._hooks = hooks or Hooks()
        self._found: dict[str, TimeSeries | list[TimeSeries]] = {}
        self._open: list[str] = []
        self._points = 0
        metrics = [query["MetricStat"] for query in queries if "MetricStat" in query]
        self._differing = [name for name in ("Stat", "Period") if len({each[name] for each in metrics}) > 1]
        self.several_units: dict[str, list[str]] = {}
        """By query, the units of its metric's data when no unit was asked for and there is more than one."""
        self.cut_short = False
        """Whether a search has found more metrics than it may return."""

    def answers(self, identifier: str, zone: timezone = UTC) -> list[Answer]:
        """Return a query's series with their labels; raises FailedExpression, TooMuchData, and NotOffered for what is not built."""
        value = self._computed(identifier)
        query = self._queries[identifier]
        label = query.get("Label")
        answers = []
        for series in value if isinstance(value, list) else [value]:
            if "MetricStat" in query:
                default = self._label(series, query["MetricStat"])
            else:
                default = (series.label if isinstance(value, list) else "") or identifier
            setting = labels.Setting(self._window.now, zone, default)
            text = labels.render(label, series, setting) if label else default
            if label and isinstance(value, list) and series.label and not labels.is_dynamic(label):
                # One label for many series would not tell them apart.
                text = f"{label} {series.label}"
            answers.append(Answer(identifier, text, series))
        return answers

    def names(self) -> list[str]:
        """Return the ids of the queries that are metrics."""
        return [name for name, query in self._queries.items() if "MetricStat" in query]

    def value(self, name: str) -> Value | None:
        """Return what a query gives; None for an id that there is not."""
        return self._computed(name) if name in self._queries else None

    def grid(self) -> range:
        """Return the times of a series made of nothing: by the expression's period, else the metrics' shortest."""
        return self._window.grid(self._period())

    def search(self, expression: str, stat: str, period: int | None) -> list[TimeSeries]:
        """Return the metrics that a search expression finds, among those with data in the last two weeks."""
        if not is_statistic(stat):
            raise ExpressionError(f"'{stat}' is no statistic")
        period = self._period() if period is None else period
        if not is_period(period):
            raise ExpressionError(
                f"The period of SEARCH is 1, 5, 10, 20, 30 or a multiple of 60, not {period}"
            )
        fits = compile_search(expression)
        since = int(self._window.now) - _TWO_WEEKS
        found = [metric for _, metric in self._store.series(*self._place, active_since=since) if fits(metric)]
        if len(found) > MOST_SEARCHED:
            found, self.cut_short = found[:MOST_SEARCHED], True
        return [
            self._read(metric, stat, period, None, label)
            for metric, label in zip(found, labels.generated(found), strict=True)
        ]

    def band(self, series: TimeSeries, deviations: float, tree: Node) -> list[TimeSeries]:
        """Return the upper and the lower bound that anomaly detection expects of a metric or an expression."""
        if self._hooks.bands is None:
            raise NotOffered("ANOMALY_DETECTION_BAND is not built in coldframe.")
        question = Question(*self._place, series.grid, self._window.now)
        if series.metric is not None and not series.computed:
            bounds = self._hooks.bands.band(question, series.metric, series.stat, deviations)
        else:
            detector = subjects.identity(tree, self._queries)
            bounds = self._hooks.bands.band_of(
                question, detector, self.history(tree, series.period), deviations
            )
        return [
            TimeSeries(points, series.grid, f"{series.label} ({side})")
            for side, points in zip(("expected max", "expected min"), bounds, strict=True)
        ]

    def history(self, tree: Node, period: int) -> dict[int, float]:
        """Return an expression's values of the two weeks before now, or of as many periods as minutes are in them."""
        end = int(self._window.now) // period * period
        window = Window(end - min(TRAINING, TRAINING // 60 * period), end, self._window.now)
        before = MetricQueries(self._store, self._place, list(self._queries.values()), window, self._hooks)
        found = evaluate(tree, before)
        if isinstance(found, list):
            raise ExpressionError("Anomaly detection takes an expression that returns a single time series")
        return found.points

    def rule_metric(self, rule: str, metric: str) -> TimeSeries:
        """Return a metric of a Contributor Insights rule."""
        if self._hooks.reports is None:
            raise NotOffered("INSIGHT_RULE_METRIC is not built in coldframe.")
        question = Question(*self._place, self.grid(), self._window.now)
        return TimeSeries(
            self._hooks.reports.rule_metric(question, rule, metric), question.grid, f"{rule} {metric}"
        )

    def _label(self, series: TimeSeries, stat: Mapping[str, Any]) -> str:
        """Return a metric's own label: its name, and what tells the queries of one request apart."""
        return " ".join([series.label, *(str(stat[name]) for name in self._differing)])

    def _computed(self, identifier: str) -> TimeSeries | list[TimeSeries]:
        found = self._found.get(identifier)
        if found is None:
            if identifier in self._open:
                raise FailedExpression(identifier, "The expression refers to itself")
            self._open.append(identifier)
            try:
                found = self._found[identifier] = self._compute(identifier)
            finally:
                self._open.pop()
        return found

    def _compute(self, identifier: str) -> TimeSeries | list[TimeSeries]:
        query = self._queries[identifier]
        if "MetricStat" in query:
            stat = query["MetricStat"]
            metric = stat["Metric"]
            key = Metric(
                *self._place,
                metric["Namespace"],
                metric["MetricName"],
                dimension_pairs(metric.get("Dimensions")),
            )
            unit = stat.get("Unit") or self._chosen_unit(identifier, key, stat["Period"])
            return self._read(key, stat["Stat"], stat["Period"], unit, key.name)
        expression = query["Expression"]
        try:
            if is_query(expression):
                return self._selected(expression)
            return evaluate(parse(expression), self)
        except ExpressionError as error:
            raise FailedExpression(identifier, error.message) from error
        except OverflowError as error:
            raise FailedExpression(identifier, "A value is too large") from error

    def _selected(self, text: str) -> TimeSeries | list[TimeSeries]:
        """Return what a Metrics Insights query selects: one series, or an array when it groups.

        As documented, it sees the last two weeks.
        """
        selection, grid = parse_query(text), self._window.grid(self._period())
        since = int(self._window.now) - _TWO_WEEKS
        found = self._store.series(
            *self._place, namespace=selection.namespace, name=selection.name, active_since=since
        )
        first = grid.start + max(0, -(-(since - grid.start) // grid.step)) * grid.step
        rows = []
        for _, metric in found:
            if selection.takes(metric):
                read = self._store.read(metric, first, grid.stop, grid.step, COLUMNS)
                self._count(len(read.times))
                rows.append(Rows(metric, read.times, read.values))
        series = select(selection, rows, grid)
        if selection.group:
            return series
        return series[0] if series else TimeSeries({}, grid)

    def _chosen_unit(self, identifier: str, metric: Metric, period: int) -> str | None:
        """Return the unit of which the data are taken when a metric has data of several: AWS does not add them up."""
        units = [series.unit for series in self._store.units(metric)]
        if len(units) < 2:
            return None
        grid = self._window.grid(period)
        found = [
            unit
            for unit in sorted(units, key=lambda unit: _RANK.get(unit, len(_RANK)))
            if self._store.read(metric, grid.start, grid.stop, period, ("SampleCount",), unit).times
        ]
        if len(found) < 2:
            return None
        self.several_units[identifier] = found
        return found[0]

    def _read(self, metric: Metric, stat: str, period: int, unit: str | None, label: str) -> TimeSeries:
        grid = self._window.grid(period)
        read = self._store.read(metric, grid.start, grid.stop, period, (stat,), unit)
        self._count(len(read.times))
        values = read.values[stat]
        pairs = zip(read.times, values, strict=True)
        points = {time: value for time, value in pairs if value is not None}
        return TimeSeries(points, grid, label, metric, stat)

    def _count(self, points: int) -> None:
        self._points += points
        if self._points > MOST_READ:
            raise TooMuchData

    def _period(self) -> int:
        own = self._queries[self._open[-1]].get("Period") if self._open else None
        if own is not None:
            return int(own)
        periods = [query["MetricStat"]["Period"] for query in self._queries.values() if "MetricStat" in query]
        return min(periods, default=_DEFAULT_PERIOD)
