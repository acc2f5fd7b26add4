"""Computes an expression's tree: looks names up, applies operators and functions, checks their arguments."""

from collections.abc import Callable
from typing import Protocol

from coldframe.services.cloudwatch.expressions import aggregates, transforms
from coldframe.services.cloudwatch.expressions.operators import finite, negate, operate
from coldframe.services.cloudwatch.expressions.syntax import (
    Array,
    Invocation,
    Name,
    Negation,
    Node,
    Number,
    Operation,
    Text,
)
from coldframe.services.cloudwatch.expressions.values import (
    ExpressionError,
    NotOffered,
    TimeSeries,
    Value,
    Word,
    check_size,
    kind,
)


class Sources(Protocol):
    """Where an expression's data come from."""

    def names(self) -> list[str]:
        """Return the ids of the queries that are metrics, in their order."""

    def value(self, name: str) -> Value | None:
        """Return what the query of an id gives; None for an id that no query has."""

    def grid(self) -> range:
        """Return the times that a series made of nothing has."""

    def search(self, expression: str, stat: str, period: int | None) -> list[TimeSeries]:
        """Return the series that a search expression finds."""

    def band(self, series: TimeSeries, deviations: float, tree: Node) -> list[TimeSeries]:
        """Return the upper and the lower bound that a model expects of a series, which `tree` is the expression of."""

    def rule_metric(self, rule: str, metric: str) -> TimeSeries:
        """Return a metric of a Contributor Insights rule."""


_ABSENT = {
    "SERVICE_QUOTA": "Service quotas are not built.",
    "LAMBDA": "Data sources of AWS Lambda functions are not built.",
    "DB_PERF_INSIGHTS": "Performance Insights is not built.",
}
_AGGREGATES = frozenset(aggregates.REDUCERS)
_SORTED_BY = {"AVG", "MIN", "MAX", "SUM", "STDDEV", "COUNT", "LAST", "RATE"}


def evaluate(tree: Node, sources: Sources) -> TimeSeries | list[TimeSeries]:
    """Return an expression's series; raises ExpressionError, and NotOffered for what is not built."""
    result = _Evaluation(sources).value(tree)
    if isinstance(result, TimeSeries | list):
        return result
    raise ExpressionError(f"The expression must return a time series, but it returns a '{kind(result)}'")


class _Evaluation:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._functions: dict[str, tuple[int, int, Callable[[list[Value]], Value]]] = {
            # It needs the expression of what it is asked about too, and is called with it.
            "ANOMALY_DETECTION_BAND": (1, 2, lambda found: found[0]),
            "FILL": (2, 2, lambda found: transforms.fill(found[0], found[1])),
            "FIRST": (1, 1, lambda found: _array("FIRST", found[0], least=1)[0]),
            "IF": (2, 3, _if),
            "INSIGHT_RULE_METRIC": (2, 2, self._rule_metric),
            "LAST": (1, 1, lambda found: _array("LAST", found[0], least=1)[-1]),
            "METRICS": (0, 1, self._metrics),
            "METRIC_COUNT": (1, 1, lambda found: float(len(_array("METRIC_COUNT", found[0])))),
            "PERIOD": (1, 1, _period),
            "REMOVE_EMPTY": (
                1,
                1,
                lambda found: [one for one in _array("REMOVE_EMPTY", found[0]) if one.points],
            ),
            "SEARCH": (2, 3, self._search),
            "SLICE": (2, 3, _slice),
            "SORT": (3, 4, _sort),
            "TIME_SERIES": (1, 1, self._time_series),
        }

    def value(self, node: Node) -> Value:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Text):
            return Word(node.text, quoted=True)
        if isinstance(node, Name):
            return self._named(node.text)
        if isinstance(node, Negation):
            return negate(self.value(node.operand))
        if isinstance(node, Operation):
            return operate(node.sign, self.value(node.left), self.value(node.right))
        if isinstance(node, Array):
            return self._listed(node)
        return self._invoked(node)

    def _named(self, name: str) -> Value:
        found = self._sources.value(name)
        if found is not None:
            return found
        if name.isupper():
            return Word(name)
        raise ExpressionError(f"Undefined variable '{name}' in the expression")

    def _listed(self, node: Array) -> Value:
        found: list[TimeSeries] = []
        for item in node.items:
            value = self.value(item)
            if not isinstance(value, TimeSeries | list):
                raise ExpressionError(f"An array holds time series, not a '{kind(value)}'")
            found += value if isinstance(value, list) else [value]
        return found

    def _invoked(self, node: Invocation) -> Value:
        name = node.function
        if name in _ABSENT:
            raise NotOffered(f"{name} is not built in coldframe. {_ABSENT[name]}")
        if name in _AGGREGATES or name in transforms.TRANSFORMS:
            least, most = 1, 1
        elif name in self._functions:
            least, most, function = self._functions[name]
        else:
            raise ExpressionError(f"Undefined function '{name}' in the expression")
        if not least <= len(node.arguments) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ExpressionError(f"{name} takes {wanted} arguments, but {len(node.arguments)} were given")
        found = [self.value(argument) for argument in node.arguments]
        if name in _AGGREGATES:
            return aggregates.aggregate(name, found[0])
        if name in transforms.TRANSFORMS:
            return transforms.transform(name, found[0])
        return self._band(node.arguments[0], found) if name == "ANOMALY_DETECTION_BAND" else function(found)

    def _metrics(self, found: list[Value]) -> Value:
        part = _text("METRICS", found[0]) if found else ""
        series: list[TimeSeries] = []
        for name in self._sources.names():
            value = self._sources.value(name) if part in name else None
            if isinstance(value, TimeSeries):
                series.append(value)
        return series

    def _search(self, found: list[Value]) -> Value:
        period = int(_number("SEARCH", found[2])) if len(found) == 3 else None
        return self._sources.search(_text("SEARCH", found[0]), _text("SEARCH", found[1]), period)

    def _time_series(self, found: list[Value]) -> Value:
        number, grid = _number("TIME_SERIES", found[0]), self._sources.grid()
        check_size(grid)
        return TimeSeries(dict.fromkeys(grid, number) if finite(number) is not None else {}, grid)

    def _band(self, tree: Node, found: list[Value]) -> Value:
        series = found[0]
        if not isinstance(series, TimeSeries):
            raise ExpressionError(f"Unsupported argument type for ANOMALY_DETECTION_BAND: '{kind(series)}'")
        deviations = _number("ANOMALY_DETECTION_BAND", found[1]) if len(found) == 2 else 2.0
        return self._sources.band(series, deviations, tree)

    def _rule_metric(self, found: list[Value]) -> Value:
        name = "INSIGHT_RULE_METRIC"
        return self._sources.rule_metric(_text(name, found[0]), _text(name, found[1]))


def _array(name: str, value: Value, least: int = 0) -> list[TimeSeries]:
    if not isinstance(value, list):
        raise ExpressionError(f"Unsupported argument type for {name}: '{kind(value)}'")
    if len(value) < least:
        raise ExpressionError(f"{name} needs an array that is not empty")
    return value


def _number(name: str, value: Value) -> float:
    if not isinstance(value, float):
        raise ExpressionError(f"{name} takes a number there, not a '{kind(value)}'")
    return value


def _text(name: str, value: Value) -> str:
    if not isinstance(value, Word):
        raise ExpressionError(f"{name} takes a text there, not a '{kind(value)}'")
    return value.text


def _period(found: list[Value]) -> Value:
    if not isinstance(found[0], TimeSeries):
        raise ExpressionError(f"Unsupported argument type for PERIOD: '{kind(found[0])}'")
    if found[0].computed:
        raise ExpressionError("PERIOD takes a metric, not the result of an expression")
    return float(found[0].period)


def _slice(found: list[Value]) -> Value:
    array = _array("SLICE", found[0])
    first = int(_number("SLICE", found[1]))
    if len(found) == 3:
        return array[first : int(_number("SLICE", found[2]))]
    return array[first:]


def _sort(found: list[Value]) -> Value:
    array = _array("SORT", found[0])
    by, order = (_text("SORT", value).upper() for value in found[1:3])
    if by not in _SORTED_BY:
        raise ExpressionError(f"SORT cannot order by '{by}'")
    if order not in {"ASC", "DESC"}:
        raise ExpressionError(f"The order of SORT is ASC or DESC, not '{order}'")
    measured = [(aggregates.measure(by, series), series) for series in array]
    known = [(number, series) for number, series in measured if number is not None]
    ordered = [series for _, series in sorted(known, key=lambda each: each[0], reverse=order == "DESC")]
    ordered += [series for number, series in measured if number is None]
    return ordered[: int(_number("SORT", found[3]))] if len(found) == 4 else ordered


def _if(found: list[Value]) -> Value:
    """Choose by a condition: where it is not 0, the second argument, else the third or nothing."""
    condition, *branches = found
    if any(isinstance(value, Word) for value in found):
        raise ExpressionError("IF takes numbers and time series")
    arrays = [value for value in found if isinstance(value, list)]
    if arrays:
        if len({len(array) for array in arrays}) > 1:
            raise ExpressionError("The arrays in IF must be of the same length")
        chosen = [
            _if([value[index] if isinstance(value, list) else value for value in found])
            for index in range(len(arrays[0]))
        ]
        return [one for one in chosen if isinstance(one, TimeSeries)]
    if isinstance(condition, float):
        picked = branches[0] if condition else (branches[1] if len(branches) == 2 else None)
        if picked is None:
            series = branches[0]
            return series.with_points({}) if isinstance(series, TimeSeries) else 0.0
        return picked
    assert isinstance(condition, TimeSeries)
    points: dict[int, float] = {}
    for time, truth in condition.points.items():
        branch = branches[0] if truth else (branches[1] if len(branches) == 2 else None)
        # As documented, a value that is missing counts as 0 where the condition holds, and is left out elsewhere.
        value = branch.points.get(time, 0.0 if truth else None) if isinstance(branch, TimeSeries) else branch
        if isinstance(value, float | int):
            points[time] = float(value)
    return condition.with_points(points)
