"""Functions of values of any kind, and of the event and the query themselves."""

from typing import TYPE_CHECKING

from coldframe.services.logs.insights import tree, values
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.functions.function import Function
from coldframe.services.logs.insights.values import Sql

if TYPE_CHECKING:
    from coldframe.services.logs.insights.expressions import Compiler


def _chosen(c: "Compiler", conditions: list[str], results: list[Sql], otherwise: Sql) -> Sql:
    kind = values.joined({each.kind for each in (*results, otherwise)})
    if kind == "any":
        kind = values.joined({"any" if each.kind == "text" else each.kind for each in (*results, otherwise)})
    whens = " ".join(
        f"WHEN {test} THEN {values.as_kind(result, kind)}"
        for test, result in zip(conditions, results, strict=True)
    )
    return Sql(f"(CASE {whens} ELSE {values.as_kind(otherwise, kind)} END)", kind)


def _case(c: "Compiler", node: tree.Call) -> Sql:
    pairs = len(node.arguments) // 2
    conditions = [c.condition(node.arguments[2 * at]) for at in range(pairs)]
    results = [c.value(node.arguments[2 * at + 1]) for at in range(pairs)]
    odd = len(node.arguments) % 2
    return _chosen(c, conditions, results, c.value(node.arguments[-1]) if odd else values.NULL)


def _coalesce(c: "Compiler", node: tree.Call) -> Sql:
    found = [c.value(each) for each in node.arguments]
    kind = values.joined({each.kind for each in found})
    return Sql(f"coalesce({', '.join(values.as_kind(each, kind) for each in found)})", kind)


def _ispresent(c: "Compiler", node: tree.Call) -> Sql:
    return Sql(f"({c.value(node.arguments[0]).text} IS NOT NULL)", "bool")


def _message_size(c: "Compiler", node: tree.Call) -> Sql:
    if node.arguments:
        return Sql(f"CAST(strlen({c.string(node.arguments[0])}) AS DOUBLE)", "number")
    message = c.scope.message
    if message is None:
        raise QueryError("messageSize needs a log event, and there is none after stats", node.span)
    return Sql(f"CAST(strlen({message.sql}) AS DOUBLE)", "number")


def _unmask(c: "Compiler", node: tree.Call) -> Sql:
    return c.as_unmasked().value(node.arguments[0])


GENERAL = {
    "ispresent": Function(1, 1, _ispresent),
    "isNumeric": Function(1, 1, lambda c, n: Sql(f"({c.number(n.arguments[0])} IS NOT NULL)", "bool")),
    "coalesce": Function(1, None, _coalesce),
    "case": Function(2, None, _case),
    "if": Function(2, 3, _case),
    "messageSize": Function(0, 1, _message_size),
    "unmask": Function(1, 1, _unmask),
    "queryStartTime": Function(0, 0, lambda c, n: Sql(f"CAST({c.times.start} AS DOUBLE)", "number")),
    "queryEndTime": Function(0, 0, lambda c, n: Sql(f"CAST({c.times.end} AS DOUBLE)", "number")),
    "queryTimeRange": Function(
        0, 0, lambda c, n: Sql(f"CAST({c.times.end - c.times.start} AS DOUBLE)", "number")
    ),
}
