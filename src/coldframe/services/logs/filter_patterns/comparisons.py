"""Comparisons: the right-hand side of a condition, as a function of the value on the left.

Source: "Filter pattern syntax". Text is compared with = and !=, where `*` at the start or the end of the text
stands for any text and is an ordinary character inside it; numbers with = != < <= > >=; regular expressions
with = and !=.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coldframe.services.logs.filter_patterns.regular_expressions import RegularExpression
from coldframe.services.logs.filter_patterns.scanner import Scanner

Test = Callable[[Any], bool]

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
# Other characters have to be quoted, says the source.
_BARE = re.compile(r"[A-Za-z0-9_.\-*:/+#]+")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OF_A_NUMBER = frozenset("0123456789.+-einf")


@dataclass(frozen=True, slots=True)
class Comparison:
    """An operator and its operand: a text, of which a bare number also has `number`, or a regular expression."""

    operator: str
    text: str
    number: float | None = None
    expression: RegularExpression | None = None

    @property
    def literal(self) -> str:
        """Text that any value (of whatever type) equal to the operand must hold, or an empty text."""
        if self.operator != "=" or self.number is not None:
            return ""
        literal = self.expression.literal if self.expression else self.text.strip("*")
        # The text of a number in an event may be written otherwise than the text that is compared: 4e2 is 400.0.
        return "" if _OF_A_NUMBER.issuperset(literal) else literal


def read_comparison(scanner: Scanner) -> Comparison:
    """Read an operator and its operand; raise InvalidPattern where they are not there or do not go together."""
    scanner.skip_space()
    found = scanner.match(_OPERATOR)
    if not found:
        raise scanner.invalid("expected one of = != < <= > >=")
    scanner.skip_space()
    comparison = _read_operand(scanner, found[0])
    if comparison.operator in _ORDER and comparison.number is None:
        raise scanner.invalid(f"{comparison.operator} compares numbers only")
    return comparison


def _read_operand(scanner: Scanner, name: str) -> Comparison:
    expression = scanner.regular_expression()
    if expression:
        return Comparison(name, expression.source, expression=expression)
    quoted = scanner.quoted()
    if quoted is not None:
        return Comparison(name, quoted)
    bare = scanner.match(_BARE)
    if not bare:
        raise scanner.invalid(f"expected a value after {name}")
    number = float(bare[0]) if NUMBER.fullmatch(bare[0]) else None
    return Comparison(name, bare[0], number)


def text_test(comparison: Comparison) -> Callable[[str], bool]:
    """Return the test of a text against the operand of an = or !=, read as = in both cases."""
    if comparison.expression:
        return comparison.expression.search
    return _wildcard_test(comparison.text)


def _wildcard_test(text: str) -> Callable[[str], bool]:
    """Return the test for a text in which a `*` at either end stands for any text."""
    inner = text.strip("*")
    starts_open, ends_open = text.startswith("*"), text.endswith("*")
    if not inner and text:
        return lambda value: True  # every text matches a lone *
    if starts_open and ends_open:
        return lambda value: inner in value
    if starts_open:
        return lambda value: value.endswith(inner)
    if ends_open:
        return lambda value: value.startswith(inner)
    return lambda value: value == text


def order_test(name: str, limit: float) -> Callable[[float], bool]:
    """Return the test of a number against a limit with <, <=, > or >=."""
    compare = _ORDER[name]
    return lambda value: compare(value, limit)
