"""What an anomaly detector on metric math is about: an expression with what its names stand for, whatever they are called."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from coldframe.services.cloudwatch.expressions.metrics_insights import is_query
from coldframe.services.cloudwatch.expressions.syntax import (
    Array,
    Invocation,
    Name,
    Negation,
    Node,
    Number,
    Operation,
    parse,
)
from coldframe.services.cloudwatch.expressions.values import ExpressionError

Queries = Mapping[str, Mapping[str, Any]]

_NOT_TAKEN = frozenset({"ANOMALY_DETECTION_BAND", "METRICS", "SEARCH"})


def identity(tree: Node, queries: Queries) -> str:
    """Return the id of the detector of an expression; raises ExpressionError for one that no detector takes."""
    told = json.dumps(_described(tree, queries, ()), separators=(",", ":"))
    return sha256(told.encode()).hexdigest()[:32]


def _described(tree: Node, queries: Queries, within: tuple[str, ...]) -> Any:
    if isinstance(tree, Name):
        return _named(tree.text, queries, within)
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Negation):
        return ["-", _described(tree.operand, queries, within)]
    if isinstance(tree, Operation):
        return [tree.sign, *(_described(each, queries, within) for each in (tree.left, tree.right))]
    if isinstance(tree, Invocation):
        if tree.function in _NOT_TAKEN:
            raise ExpressionError(f"Anomaly detection does not take an expression with {tree.function}")
        return [tree.function, *(_described(each, queries, within) for each in tree.arguments)]
    if isinstance(tree, Array):
        return ["[]", *(_described(each, queries, within) for each in tree.items)]
    return ["text", tree.text]


def _named(name: str, queries: Queries, within: tuple[str, ...]) -> Any:
    query = queries.get(name)
    if query is None:
        return ["word", name]
    if name in within:
        raise ExpressionError("The expression refers to itself")
    stat = query.get("MetricStat")
    if stat is not None:
        metric = stat["Metric"]
        pairs = sorted((each["Name"], each["Value"]) for each in metric.get("Dimensions") or ())
        return ["metric", metric["Namespace"], metric["MetricName"], pairs, stat["Stat"], stat["Period"], stat.get("Unit")]  # fmt: skip
    if is_query(query["Expression"]):
        return ["query", query["Expression"]]
    return _described(parse(query["Expression"]), queries, (*within, name))
