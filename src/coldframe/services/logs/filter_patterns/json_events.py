"""JSON filter patterns: `{ $.selector = value && ... }` over messages that are JSON objects.

Source: "Filter pattern syntax", sections on JSON log events. A condition holds only where its selector leads to a
string or a number: for a property that is absent, null, a boolean, an array or an object neither = nor != holds
(write NOT EXISTS, IS NULL, IS TRUE, IS FALSE for those). Numbers compare by value, with a string only as text. With
`[*]` in the selector a condition holds where it holds for one of the elements. A message that is no JSON object
does not match, whatever the condition.
"""

import operator
import re
from collections.abc import Callable
from typing import Any

import msgspec

from coldframe.services.logs.filter_patterns.comparisons import (
    Comparison,
    Test,
    order_test,
    read_comparison,
    text_test,
)
from coldframe.services.logs.filter_patterns.compiled import Compiled
from coldframe.services.logs.filter_patterns.expressions import Expression, read_expression
from coldframe.services.logs.filter_patterns.scanner import Scanner
from coldframe.services.logs.filter_patterns.selectors import (
    NOT_AN_EVENT,
    Selector,
    event_decoder,
    first_text,
    read_selector,
    scalar_text,
)

_KEYWORDS = re.compile(r"(IS)\s+(TRUE|FALSE|NULL)\b|(NOT)\s+EXISTS\b", re.IGNORECASE)
_MAXIMUM_DIGITS = 300
_CONSTANTS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}


class _Reader:
    """Reads the conditions of one pattern and gives each first property a place in the decoded event."""

    def __init__(self) -> None:
        self.properties: dict[str, str] = {}
        self.selectors: dict[str, Selector] = {}

    def condition(self, scanner: Scanner) -> Expression:
        """Read a selector and what is asked of it."""
        selector = read_selector(scanner)
        attribute = self.properties.setdefault(selector.property_name, f"p{len(self.properties)}")
        self.selectors[selector.text] = selector
        scanner.skip_space()
        keywords = scanner.match(_KEYWORDS)
        if keywords and keywords[3]:
            return Expression(_absent(selector, attribute))
        keys = frozenset(selector.keys)
        if keywords:
            return Expression(_on(selector, attribute, _is(_CONSTANTS[keywords[2].upper()])), keys)
        comparison = read_comparison(scanner)
        literals = keys | {comparison.literal} if comparison.literal else keys
        return Expression(_on(selector, attribute, _value_test(comparison)), literals)


def compile_json(text: str) -> Compiled:
    """Compile a pattern in braces; raise InvalidPattern for a broken one."""
    scanner = Scanner(text.strip())
    scanner.take("{")
    reader = _Reader()
    expression = read_expression(scanner, reader.condition)
    scanner.skip_space()
    if not scanner.take("}"):
        raise scanner.invalid("expected && or || or a closing brace")
    if not scanner.at_end():
        raise scanner.invalid("text after the closing brace")
    decode = event_decoder(tuple(reader.properties))
    return Compiled(
        kind="json",
        matches=_matcher(decode, expression),
        extract=_extractor(decode, expression.test, reader),
    )


def _matcher(decode: Callable[[str], Any], expression: Expression) -> Callable[[str], bool]:
    test = expression.test
    literal = max(sorted(expression.literals), key=len, default="")

    def matches(message: str) -> bool:
        # A JSON writer may escape any character, but not without a backslash.
        if literal not in message and "\\" not in message:
            return False
        try:
            event = decode(message)
        except NOT_AN_EVENT:
            return False
        return test(event)

    return matches


def _extractor(
    decode: Callable[[str], Any], test: Test, reader: _Reader
) -> Callable[[str], dict[str, str] | None]:
    places = [
        (text, reader.properties[selector.property_name], selector)
        for text, selector in reader.selectors.items()
    ]

    def extract(message: str) -> dict[str, str] | None:
        try:
            event = decode(message)
        except NOT_AN_EVENT:
            return None
        if not test(event):
            return None
        values = {}
        for text, attribute, selector in places:
            root = getattr(event, attribute)
            many = selector.selects_many
            value = first_text(selector.follow_all(root)) if many else scalar_text(selector.follow(root))
            if value is not None:
                values[text] = value
        return values

    return extract


def _on(selector: Selector, attribute: str, test: Test) -> Test:
    """Return the test of an event: of the selected value, or of one of those selected."""
    root = operator.attrgetter(attribute)
    if not selector.steps:
        return lambda event: test(root(event))
    if selector.selects_many:
        return lambda event: any(map(test, selector.follow_all(root(event))))
    follow = selector.follow
    return lambda event: test(follow(root(event)))


def _absent(selector: Selector, attribute: str) -> Test:
    root = operator.attrgetter(attribute)
    if selector.selects_many:
        return lambda event: not selector.follow_all(root(event))
    return lambda event: selector.follow(root(event)) is msgspec.UNSET


def _is(constant: bool | None) -> Test:
    return lambda value: value is constant


def _value_test(comparison: Comparison) -> Test:
    """Return the test of a value of an event: false for whatever is neither a string nor a number."""
    if comparison.number is None:
        return _text_value_test(comparison)
    number, name = comparison.number, comparison.operator
    if name in {"=", "!="}:
        return _equal_value_test(number, comparison.text, wanted=name == "=")
    compare = order_test(name, number)

    def test(value: Any) -> bool:
        return (type(value) is int or type(value) is float) and compare(value)

    return test


def _equal_value_test(number: float, text: str, *, wanted: bool) -> Test:
    # Identifiers of 17 digits and more are not exact as a float.
    exact = int(text) if text.lstrip("+-").isdigit() and len(text) <= _MAXIMUM_DIGITS else number

    def test(value: Any) -> bool:
        if type(value) is str:
            return (value == text) is wanted
        return (type(value) is int or type(value) is float) and (value == exact) is wanted

    return test


def _text_value_test(comparison: Comparison) -> Test:
    equal = text_test(comparison)
    wanted = comparison.operator == "="

    def test(value: Any) -> bool:
        if type(value) is str:
            return equal(value) is wanted
        return (type(value) is int or type(value) is float) and equal(str(value)) is wanted

    return test
