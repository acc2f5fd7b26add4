"""Functions of times; a time is milliseconds since the epoch."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from coldframe.services.logs.insights import times, tree
from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.functions.function import Function
from coldframe.services.logs.insights.tree import Expression, Period
from coldframe.services.logs.insights.values import Sql

if TYPE_CHECKING:
    from coldframe.services.logs.insights.expressions import Compiler

_FARTHEST = 253_402_300_799_999  # the last millisecond of the year 9999


def _period(node: Expression) -> Period:
    if not isinstance(node, Period):
        raise QueryError("a period must be a number and a unit, such as 5m", node.span)
    return times.capped(node)


def _time(c: "Compiler", node: Expression) -> str:
    value = c.value(node)
    if value.kind == "time":
        return value.text
    return f"(CASE WHEN {c.number(node)} BETWEEN -{_FARTHEST} AND {_FARTHEST} THEN CAST({c.number(node)} AS BIGINT) END)"


def _bin(c: "Compiler", node: tree.Call) -> Sql:
    if len(node.arguments) == 2:
        return Sql(times.floor(_time(c, node.arguments[0]), _period(node.arguments[1])), "time")
    time = c.scope.columns.get("@timestamp")
    if time is None:
        raise QueryError("bin needs the field @timestamp, which is not there after stats", node.span)
    return Sql(times.floor(time.sql, _period(node.arguments[0])), "time")


def _rounded(how: Callable[[str, Period], str]) -> Function:
    return Function(2, 2, lambda c, n: Sql(how(_time(c, n.arguments[0]), _period(n.arguments[1])), "time"))


def _parse(c: "Compiler", node: tree.Call) -> Sql:
    text = c.string(node.arguments[0])
    given = c.constant(node.arguments[1], "a date format")
    form = c.bind.bind(times.date_format(given, node.arguments[1].span))
    read = f"try_strptime({text}, {form})"
    if len(node.arguments) == 3:
        zone = c.bind.bind(_zone(c, node.arguments[2]))
        return Sql(f"CAST(TRY(epoch_ms(timezone({zone}, CAST({read} AS TIMESTAMP)))) AS DOUBLE)", "number")
    return Sql(f"CAST(epoch_ms({read}) AS DOUBLE)", "number")


def _format(c: "Compiler", node: tree.Call) -> Sql:
    time = f"make_timestamp_ms({_time(c, node.arguments[0])})"
    given = c.constant(node.arguments[1], "a date format")
    form = c.bind.bind(times.date_format(given, node.arguments[1].span))
    if len(node.arguments) == 3:
        zone = c.bind.bind(_zone(c, node.arguments[2]))
        time = f"timezone({zone}, timezone('UTC', {time}))"
    return Sql(f"strftime({time}, {form})", "text")


def _zone(c: "Compiler", node: Expression) -> str:
    from zoneinfo import available_timezones

    zone = c.constant(node, "a time zone")
    if zone not in available_timezones():
        raise QueryError(f"unknown time zone {zone!r}", node.span)
    return zone


DATES = {
    "bin": Function(1, 2, _bin),
    "datefloor": _rounded(times.floor),
    "dateceil": _rounded(times.ceiling),
    "fromMillis": Function(1, 1, lambda c, n: Sql(_time(c, n.arguments[0]), "time")),
    "toMillis": Function(1, 1, lambda c, n: Sql(f"CAST({_time(c, n.arguments[0])} AS DOUBLE)", "number")),
    "now": Function(0, 0, lambda c, n: Sql(f"CAST({c.times.now // 1000} AS DOUBLE)", "number")),
    "parseDate": Function(2, 3, _parse),
    "formatDate": Function(2, 3, _format),
    "strftime": Function(2, 3, _format),
}
