"""A compiled filter pattern: which messages it matches, and which values it takes out of them."""

from collections.abc import Sequence
from functools import lru_cache

from coldframe.services.logs.filter_patterns.compiled import Compiled, Kind
from coldframe.services.logs.filter_patterns.json_events import compile_json
from coldframe.services.logs.filter_patterns.selectors import parse_selector, select_text
from coldframe.services.logs.filter_patterns.space_delimited import compile_space_delimited
from coldframe.services.logs.filter_patterns.terms import compile_terms


class Match:
    """A message that a pattern matches; `extracted_values` is what TestMetricFilter returns for it.

    For a JSON pattern these are the values of its selectors (`$.eventType`), for a space-delimited one all fields by
    name or position (`$status_code`, `$1`), for terms nothing.
    """

    __slots__ = ("extracted_values", "kind", "message")

    def __init__(self, kind: Kind, message: str, extracted_values: dict[str, str]) -> None:
        self.kind = kind
        self.message = message
        self.extracted_values = extracted_values

    def value(self, selector: str) -> str | None:
        """Return the text of any field or property of the message by its selector; None where it has none.

        A selector of a JSON message need not occur in the pattern; one that is malformed raises InvalidPattern.
        """
        found = self.extracted_values.get(selector)
        if found is None and self.kind == "json":
            return select_text(self.message, parse_selector(selector))
        return found


class FilterPattern:
    """A filter pattern compiled to functions; make one with `compile_pattern`.

    `kind` is "terms", "json" or "space-delimited". Each of `required_literals` occurs in every message that matches,
    so that a store may pass over what holds none of them (a JSON pattern has none: its texts may be escaped).
    `field_names` are the selectors a space-delimited pattern declares, each with its $.
    """

    __slots__ = ("_compiled", "field_names", "kind", "matches", "required_literals", "text")

    def __init__(self, text: str, compiled: Compiled) -> None:
        self.text = text
        self._compiled = compiled
        self.kind: Kind = compiled.kind
        self.required_literals = compiled.required_literals
        self.field_names = compiled.names
        self.matches = compiled.matches
        """Whether a message matches; never raises."""

    def match(self, message: str) -> Match | None:
        """Return the match of a message with its extracted values, or None."""
        values = self._compiled.extract(message)
        return None if values is None else Match(self.kind, message, values)

    def select(self, messages: Sequence[str]) -> list[int]:
        """Return the indices of the messages that match, in order."""
        term = self._compiled.single_term
        if term is not None:
            return [index for index, message in enumerate(messages) if term in message]
        matches = self.matches
        return [index for index, message in enumerate(messages) if matches(message)]


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> FilterPattern:
    """Compile a pattern of any of the three forms; raise InvalidPattern where it breaks the language."""
    stripped = text.strip()
    if stripped.startswith("{"):
        return FilterPattern(text, compile_json(stripped))
    if stripped.startswith("["):
        return FilterPattern(text, compile_space_delimited(stripped))
    return FilterPattern(text, compile_terms(stripped))
