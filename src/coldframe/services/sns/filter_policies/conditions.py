"""The conditions of a filter policy on one value: exact, prefix, suffix, wildcard, numeric, address and their opposites."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any

Test = Callable[[Any], bool]
_LARGEST = 10**9
_DIGITS = 5
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


class InvalidFilterPolicy(Exception):
    """The filter policy says something that has no meaning; the text says what."""


def exact(wanted: Any) -> Test:
    """Match a text, number, boolean or null; 1 and 1.0 are one number, True is none. Raises InvalidFilterPolicy."""
    if isinstance(wanted, int | float) and abs(wanted) > _LARGEST:
        raise InvalidFilterPolicy("A number must be from -10^9 to 10^9")
    known = _accurate(wanted)
    return lambda value: (
        isinstance(value, bool) == isinstance(wanted, bool) and bool(_accurate(value) == known)
    )


def _accurate(value: Any) -> Any:
    """Documented: numbers are told apart by five digits after the decimal point."""
    return round(value, _DIGITS) if isinstance(value, float) else value


def condition(operator: str, operand: Any) -> Test:
    """Return the test for an operator and what it is given; raises InvalidFilterPolicy."""
    if operator == "anything-but":
        return _anything_but(operand)
    if operator == "numeric":
        return _numeric(operand)
    if operator == "cidr":
        return _cidr(operand)
    if operator in _TEXT:
        return _TEXT[operator](_text(operator, operand))
    raise InvalidFilterPolicy(f"Unrecognized match type {operator}")


def _text(operator: str, operand: Any) -> str:
    if not isinstance(operand, str) or not operand:
        raise InvalidFilterPolicy(f"{operator} match pattern must be a non-empty string")
    return operand


def _prefix(start: str) -> Test:
    return lambda value: isinstance(value, str) and value.startswith(start)


def _suffix(end: str) -> Test:
    return lambda value: isinstance(value, str) and value.endswith(end)


def _ignoring_case(text: str) -> Test:
    folded = text.lower()
    return lambda value: isinstance(value, str) and value.lower() == folded


def _wildcard(pattern: str) -> Test:
    if "**" in pattern:
        raise InvalidFilterPolicy("Consecutive wildcard characters are not allowed")
    compiled = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


_TEXT: dict[str, Callable[[str], Test]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _ignoring_case,
    "wildcard": _wildcard,
}


def _anything_but(operand: Any) -> Test:
    if isinstance(operand, dict):
        if len(operand) != 1 or next(iter(operand)) not in _TEXT:
            raise InvalidFilterPolicy("anything-but takes prefix, suffix, wildcard or equals-ignore-case")
        operator, inner = next(iter(operand.items()))
        several = inner if isinstance(inner, list) else [inner]
        refused = [_TEXT[operator](_text(operator, each)) for each in several]
    else:
        several = operand if isinstance(operand, list) else [operand]
        if not several or not all(isinstance(each, str | int | float) for each in several):
            raise InvalidFilterPolicy("anything-but takes strings and numbers")
        refused = [exact(each) for each in several]
    return lambda value: not any(test(value) for test in refused)


def _numeric(operand: Any) -> Test:
    if not isinstance(operand, list) or len(operand) not in {2, 4}:
        raise InvalidFilterPolicy("Value of numeric must be an array of one or two comparisons")
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    for operator, bound in pairs:
        if operator not in _COMPARISONS:
            raise InvalidFilterPolicy(f"Unrecognized numeric range operator: {operator}")
        if isinstance(bound, bool) or not isinstance(bound, int | float) or abs(bound) > _LARGEST:
            raise InvalidFilterPolicy(f"Value of {operator} must be numeric, from -10^9 to 10^9")
    if len(pairs) == 2 and (
        pairs[0][0] not in {">", ">="} or pairs[1][0] not in {"<", "<="} or pairs[0][1] >= pairs[1][1]
    ):
        raise InvalidFilterPolicy("Bottom must be less than top")

    def test(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and all(
            _COMPARISONS[operator](_accurate(value), _accurate(bound)) for operator, bound in pairs
        )

    return test


def _cidr(operand: Any) -> Test:
    try:
        network = ipaddress.ip_network(_text("cidr", operand), strict=False)
    except ValueError as error:
        raise InvalidFilterPolicy(f"Malformed CIDR: {operand}") from error

    def test(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test
