"""The conditions of a filter policy on one value: exact, prefix, suffix, wildcard, numeric, address and their opposites."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any

Test = Callable[[Any], bool]
_DIGITS = 5
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def exact(wanted: Any) -> Test:
    """Match a text, number, boolean or null; 1 and 1.0 are one number, True is none."""
    known = _accurate(wanted)
    return lambda value: (
        isinstance(value, bool) == isinstance(wanted, bool) and bool(_accurate(value) == known)
    )


def _accurate(value: Any) -> Any:
    """Documented: numbers are told apart by five digits after the decimal point."""
    return round(value, _DIGITS) if isinstance(value, float) else value


def condition(operator: str, operand: Any) -> Test:
    """Return the test for an operator and what it is given, which check_policy has let pass."""
    if operator == "anything-but":
        return _anything_but(operand)
    if operator == "numeric":
        return _numeric(operand)
    if operator == "cidr":
        return _cidr(operand)
    return _TEXT[operator](operand)


def _prefix(start: str) -> Test:
    return lambda value: isinstance(value, str) and value.startswith(start)


def _suffix(end: str) -> Test:
    return lambda value: isinstance(value, str) and value.endswith(end)


def _ignoring_case(text: str) -> Test:
    folded = text.lower()
    return lambda value: isinstance(value, str) and value.lower() == folded


def _wildcard(pattern: str) -> Test:
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
        # Only a prefix can be set now; subscriptions that were made earlier may have the others, and lists of them.
        ((operator, inner),) = operand.items()
        refused = [_TEXT[operator](each) for each in (inner if isinstance(inner, list) else [inner])]
    else:
        refused = [exact(each) for each in (operand if isinstance(operand, list) else [operand])]
    return lambda value: not any(test(value) for test in refused)


def _numeric(operand: Any) -> Test:
    pairs = list(zip(operand[::2], operand[1::2], strict=True))

    def test(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and all(
            _COMPARISONS[operator](_accurate(value), _accurate(bound)) for operator, bound in pairs
        )

    return test


def _cidr(operand: Any) -> Test:
    network = ipaddress.ip_network(operand, strict=False)

    def test(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test
