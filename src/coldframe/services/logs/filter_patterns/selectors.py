"""Selectors: the paths by which a JSON filter pattern or a metric value names a property of a log event.

A selector is `$` and steps: `.name` (letters, digits, `_` and `-`), `['any key']` with or without a dot before it,
`[2]` for an element of an array and `[*]` for every element. The first step names a property.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from coldframe.services.logs.filter_patterns.errors import InvalidPattern
from coldframe.services.logs.filter_patterns.scanner import Scanner

Step = str | int | None
"""A key, an index, or None for every element."""

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z0-9_\-]+)
    | \.?\[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]
    | \.?\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
    | \[\s*(?P<index>[0-9]{1,9}|\*)\s*\]""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Selector(msgspec.Struct, frozen=True, gc=False):
    """A parsed selector: its text as written, the property it starts at, and the steps from there."""

    text: str
    property_name: str
    steps: tuple[Step, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key on the path."""
        return (self.property_name, *(step for step in self.steps if isinstance(step, str)))

    @property
    def selects_many(self) -> bool:
        """Whether a `[*]` makes the selector name several values."""
        return None in self.steps

    def follow(self, value: Any) -> Any:
        """Return what the steps lead to from the first property's value, or UNSET; for selectors without `[*]`."""
        for step in self.steps:
            if type(step) is str:
                if type(value) is not dict:
                    return msgspec.UNSET
                value = value.get(step, msgspec.UNSET)
            elif type(value) is list and step < len(value):  # type: ignore[operator]  # an index: None selects many
                value = value[step]  # type: ignore[index]
            else:
                return msgspec.UNSET
        return value

    def follow_all(self, value: Any) -> list[Any]:
        """Return every value the steps lead to."""
        values = [value]
        for step in self.steps:
            values = [found for parent in values for found in _children(parent, step)]
        return [found for found in values if found is not msgspec.UNSET]


def _children(parent: Any, step: Step) -> Iterator[Any]:
    if isinstance(step, str):
        if type(parent) is dict and step in parent:
            yield parent[step]
    elif type(parent) is list:
        if step is None:
            yield from parent
        elif step < len(parent):
            yield parent[step]


def read_selector(scanner: Scanner) -> Selector:
    """Read a selector where one must stand; raise InvalidPattern where none does."""
    start = scanner.position
    if not scanner.take("$"):
        raise scanner.invalid("expected a selector that starts with $")
    steps: list[Step] = []
    while found := scanner.match(_STEP):
        steps.append(_step(found))
    if not steps or not isinstance(steps[0], str):
        raise scanner.invalid("a selector names a property after $")
    return Selector(scanner.text[start : scanner.position], steps[0], tuple(steps[1:]))


def _step(found: re.Match[str]) -> Step:
    kind = found.lastgroup
    text = found[kind] if kind else ""
    if kind == "index":
        return None if text == "*" else int(text)
    return text if kind == "name" else _ESCAPE.sub(r"\1", text)


@lru_cache(maxsize=1024)
def parse_selector(text: str) -> Selector:
    """Parse a whole text as one selector; raise InvalidPattern where it is none."""
    scanner = Scanner(text.strip())
    selector = read_selector(scanner)
    if not scanner.at_end():
        raise InvalidPattern(f"selector {text!r} is not understood after {selector.text!r}")
    return selector


def event_decoder(property_names: tuple[str, ...]) -> Callable[[str], Any]:
    """Return a decoder of JSON objects that keeps only these properties, as attributes p0, p1 and so on.

    The parts of an event that no selector names are checked and skipped, which is several times faster than
    building them. The decoder raises msgspec.DecodeError, UnicodeEncodeError or RecursionError on other texts.
    """
    names = {f"p{index}": name for index, name in enumerate(property_names)}
    event = msgspec.defstruct(
        "Event", [(attribute, Any, msgspec.UNSET) for attribute in names], rename=names, gc=False
    )
    return msgspec.json.Decoder(event).decode


NOT_AN_EVENT = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)
"""What a decoder raises for a message that is no JSON object (or one nested beyond reason)."""


def scalar_text(value: Any) -> str | None:
    """Return a string, number, boolean or null of a log event as text; None for arrays, objects and absence."""
    if type(value) is str:
        return value
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) in {int, float} else None


def select_text(message: str, selector: Selector) -> str | None:
    """Return the text of the scalar this selector names in a JSON message; None where there is none."""
    try:
        event = event_decoder_of(selector.property_name)(message)
    except NOT_AN_EVENT:
        return None
    if not selector.selects_many:
        return scalar_text(selector.follow(event.p0))
    return first_text(selector.follow_all(event.p0))


def first_text(values: list[Any]) -> str | None:
    """Return the text of the first scalar among these values."""
    return next((text for text in map(scalar_text, values) if text is not None), None)


@lru_cache(maxsize=256)
def event_decoder_of(property_name: str) -> Callable[[str], Any]:
    """Return the decoder for one property."""
    return event_decoder((property_name,))
