"""Functions of numbers."""

from typing import TYPE_CHECKING

from coldframe.services.logs.insights import tree
from coldframe.services.logs.insights.functions.function import Function, numeric
from coldframe.services.logs.insights.values import Sql

if TYPE_CHECKING:
    from coldframe.services.logs.insights.expressions import Compiler

# Great-circle distance in kilometres on a sphere of the earth's mean radius.
_HAVERSINE = (
    "(2 * 6371.0088 * asin(least(1.0, sqrt("
    "pow(sin(radians(({2}) - ({0})) / 2), 2)"
    " + cos(radians({0})) * cos(radians({2})) * pow(sin(radians(({3}) - ({1})) / 2), 2)))))"
)
# With its prefix, and a sign before it, as documented.
_HEXADECIMAL = (
    "((CASE WHEN {0} <= -1 THEN '-0x' ELSE '0x' END) || lower(hex(TRY_CAST(abs(trunc({0})) AS UBIGINT))))"
)


def _round(c: "Compiler", node: tree.Call) -> Sql:
    value = c.number(node.arguments[0])
    if len(node.arguments) == 1:
        return Sql(f"round({value})", "number")
    places = f"CAST(greatest(-15, least(15, trunc({c.number(node.arguments[1])}))) AS INTEGER)"
    return Sql(f"round({value}, {places})", "number")


def _extreme(name: str) -> Function:
    return Function(
        1, None, lambda c, n: Sql(f"{name}({', '.join(c.number(each) for each in n.arguments)})", "number")
    )


NUMBERS = {
    "abs": numeric("abs({0})"),
    "ceil": numeric("ceil({0})"),
    "floor": numeric("floor({0})"),
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "log": numeric("(CASE WHEN {0} > 0 THEN ln({0}) END)"),
    "sqrt": numeric("(CASE WHEN {0} >= 0 THEN sqrt({0}) END)"),
    "round": Function(1, 2, _round),
    "haversine": numeric(_HAVERSINE, 4),
    "toNumber": numeric("{0}"),
    "toInt": numeric("(CASE WHEN trunc({0}) BETWEEN -2147483648 AND 2147483647 THEN trunc({0}) END)"),
    "toLong": numeric("trunc({0})"),
    "toDouble": numeric("{0}"),
    "hexToDec": Function(
        1,
        1,
        lambda c, n: Sql(f"CAST(TRY_CAST({_hex(c.string(n.arguments[0]))} AS UBIGINT) AS DOUBLE)", "number"),
    ),
    "decToHex": Function(
        1,
        1,
        lambda c, n: Sql(_HEXADECIMAL.format(c.number(n.arguments[0])), "text"),
    ),
}


def _hex(text: str) -> str:
    return f"('0x' || regexp_replace({text}, '^0[xX]', ''))"
