"""Operators on scalars, time series and arrays.

As documented, where one of two series has a value the other one that has none counts as 0 (a quotient by it is dropped).
"""

import math
from collections.abc import Callable, Iterable, Mapping

from coldframe.services.cloudwatch.expressions.values import ExpressionError, TimeSeries, Value, Word, kind

Compute = Callable[[float, float], float | None]


def _quotient(left: float, right: float) -> float | None:
    return left / right if right else None


def _power(left: float, right: float) -> float | None:
    try:
        result = left**right
    except (OverflowError, ZeroDivisionError):
        return None
    return result if isinstance(result, float) else None


OPERATORS: dict[str, Compute] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _quotient,
    "^": _power,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
}


def operate(sign: str, left: Value, right: Value) -> Value:
    """Return the result of an operator; raises ExpressionError for operands it is not defined for."""
    if (
        isinstance(left, Word)
        or isinstance(right, Word)
        or (isinstance(left, list) and isinstance(right, list))
    ):
        raise ExpressionError(f"Unsupported operand type(s) for {sign}: '[{kind(left)}, {kind(right)}]'")
    if isinstance(left, list):
        return [_pair(sign, one, right) for one in left]  # type: ignore[arg-type,misc]
    if isinstance(right, list):
        return [_pair(sign, left, one) for one in right]  # type: ignore[misc]
    return _pair(sign, left, right)


def negate(value: Value) -> Value:
    """Return minus a value; raises ExpressionError for a text."""
    return operate("*", -1.0, value)


def finite(value: float | None) -> float | None:
    """Return a number that can be answered, or None for infinity and NaN."""
    return value if value is not None and math.isfinite(value) else None


def _pair(sign: str, left: float | TimeSeries, right: float | TimeSeries) -> float | TimeSeries:
    compute = OPERATORS[sign]
    if isinstance(left, TimeSeries):
        if isinstance(right, TimeSeries):
            return left.with_points(_paired(compute, left.points, right.points))
        number = right
        if math.isnan(number):
            return left.with_points({})
        return left.mapped(lambda value: finite(compute(value, number)))
    if isinstance(right, TimeSeries):
        first = left
        if math.isnan(first):
            return right.with_points({})
        return right.mapped(lambda value: finite(compute(first, value)))
    result = None if math.isnan(left) or math.isnan(right) else finite(compute(left, right))
    # A number that nothing gives (the average of no values, a quotient by 0) leaves every time it meets without one.
    return math.nan if result is None else result


def _paired(compute: Compute, left: Mapping[int, float], right: Mapping[int, float]) -> dict[int, float]:
    times: Iterable[int] = left if left.keys() == right.keys() else sorted({*left, *right})
    found = ((time, finite(compute(left.get(time, 0.0), right.get(time, 0.0)))) for time in times)
    return {time: result for time, result in found if result is not None}
