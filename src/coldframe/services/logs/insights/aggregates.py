"""The aggregate functions of `stats`."""

from collections.abc import Callable

from coldframe.services.logs.insights import times, tree, values
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.expressions import Compiler
from coldframe.services.logs.insights.values import NUMERIC, Sql

_MOST_BUCKETS = 1000

Aggregate = Callable[[Compiler, tree.Call], Sql]


def _count(c: Compiler, node: tree.Call) -> Sql:
    inner = "*" if node.star or not node.arguments else c.string(_only(node))
    return Sql(f"CAST(count({inner}) AS DOUBLE)", "number")


def _count_distinct(c: Compiler, node: tree.Call) -> Sql:
    return Sql(f"CAST(count(DISTINCT {c.string(_only(node))}) AS DOUBLE)", "number")


def _numeric(template: str) -> Aggregate:
    def build(c: Compiler, node: tree.Call) -> Sql:
        return Sql(f"CAST({template.format(c.number(_only(node)))} AS DOUBLE)", "number")

    return build


def _percentile(c: Compiler, node: tree.Call) -> Sql:
    if len(node.arguments) != 2 or not isinstance(node.arguments[1], tree.Number):
        raise QueryError("pct takes a field and a number from 0 to 100", node.span)
    rank = node.arguments[1].value
    if not 0 <= rank <= 100:
        raise QueryError("pct takes a number from 0 to 100", node.arguments[1].span)
    return Sql(f"quantile_cont({c.number(node.arguments[0])}, {rank / 100!r})", "number")


def _extreme(name: str) -> Aggregate:
    """Return min or max: of numbers where there are any, else of texts."""

    def build(c: Compiler, node: tree.Call) -> Sql:
        value = c.value(_only(node))
        if value.kind in NUMERIC:
            return Sql(f"{name}({value.text})", value.kind)
        text = values.text(value)
        return Sql(f"coalesce(arg_{name}({text}, {values.number(value)}), {name}({text}))", "any")

    return build


def _by_time(name: str) -> Aggregate:
    """Return the value of the earliest or latest event that has the field."""

    def build(c: Compiler, node: tree.Call) -> Sql:
        value, position = c.value(_only(node)), c.scope.position
        if position is None:
            raise QueryError(f"{node.name} needs log events, and there are none after stats", node.span)
        sql = value.text if value.kind in NUMERIC else values.text(value)
        key = f"CAST({position.time} AS HUGEINT) * 4611686018427387904 + {position.sequence}"
        kind = value.kind if value.kind in NUMERIC else "any"
        return Sql(f"arg_{name}({sql}, CASE WHEN {sql} IS NOT NULL THEN {key} END)", kind)

    return build


def _rate(c: Compiler, node: tree.Call) -> Sql:
    """Return by how much a field changes in an interval, from the first event that has it to the last."""
    if len(node.arguments) != 2 or not isinstance(node.arguments[1], tree.Period):
        raise QueryError("rate takes a field and an interval, such as 1m", node.span)
    interval, position = times.milliseconds(node.arguments[1]), c.scope.position
    if interval is None:
        raise QueryError("the interval of rate is weeks at most", node.arguments[1].span)
    if position is None:
        raise QueryError("rate needs log events, and there are none after stats", node.span)
    value = c.number(node.arguments[0])
    key = f"CASE WHEN {value} IS NOT NULL THEN CAST({position.time} AS HUGEINT) * 4611686018427387904 + {position.sequence} END"
    at = f"CASE WHEN {value} IS NOT NULL THEN {position.time} END"
    change = f"arg_max({value}, {key}) - arg_min({value}, {key})"
    return Sql(f"(({change}) * {interval} / nullif(max({at}) - min({at}), 0))", "number")


def _histogram(c: Compiler, node: tree.Call) -> Sql:
    """Return how many values lie in each of so many ranges of one width: JSON, `{"LOW-HIGH": count, ...}`."""
    if len(node.arguments) != 2 or not isinstance(node.arguments[1], tree.Number):
        raise QueryError("histogram takes a field and a number of buckets", node.span)
    buckets = node.arguments[1].value
    if buckets != int(buckets) or not 1 <= buckets <= _MOST_BUCKETS:
        raise QueryError(
            f"the number of buckets is a whole one from 1 to {_MOST_BUCKETS}", node.arguments[1].span
        )
    count, value = int(buckets), c.number(node.arguments[0])
    low, width = f"min({value})", f"((max({value}) - min({value})) / {count})"
    bucket = f"least(CAST(coalesce(floor((x - {low}) / nullif({width}, 0)), 0) AS BIGINT), {count - 1})"
    held = f"len(list_filter(list({value}) FILTER ({value} IS NOT NULL), lambda x: {bucket} = i))"
    edges = [values.text(Sql(f"({low} + {width} * {at})", "number")) for at in ("i", "(i + 1)")]
    entry = f"'\"' || {edges[0]} || '-' || {edges[1]} || '\":' || {held}"
    entries = f"array_to_string(list_transform(range(CASE WHEN {width} > 0 THEN {count} ELSE 1 END), lambda i: {entry}), ',')"
    return Sql(f"(CASE WHEN count({value}) > 0 THEN '{{' || {entries} || '}}' END)", "any")


def _sorted(name: str) -> Aggregate:
    return lambda c, node: Sql(f"{name}({c.string(_only(node))})", "any")


def _only(node: tree.Call) -> tree.Expression:
    if len(node.arguments) != 1:
        raise QueryError(f"{node.name} takes 1 argument", node.span)
    return node.arguments[0]


AGGREGATES: dict[str, Aggregate] = {
    "count": _count,
    "count_distinct": _count_distinct,
    "avg": _numeric("avg({0})"),
    "sum": _numeric("sum({0})"),
    "stddev": _numeric("stddev_pop({0})"),
    "median": _numeric("quantile_cont({0}, 0.5)"),
    "pct": _percentile,
    "percentile": _percentile,
    "min": _extreme("min"),
    "max": _extreme("max"),
    "earliest": _by_time("min"),
    "latest": _by_time("max"),
    "count_over_time": _count,
    "countovertime": _count,
    "sum_over_time": _numeric("sum({0})"),
    "sumovertime": _numeric("sum({0})"),
    "rate": _rate,
    "histogram": _histogram,
    "sortsfirst": _sorted("min"),
    "sortslast": _sorted("max"),
}
