r"""Unstructured filter patterns: terms that a message must hold, may hold or must not hold.

Source: "Filter pattern syntax", section "Match terms in log events". Terms are case-sensitive and match anywhere in
the message, inside a word too (ERROR is found in ERRORCODE). All plain terms must occur; `?` marks alternatives, of
which one must occur, and is ignored (with its term) as soon as the pattern has another sort of term; `-` excludes.
A term of other characters than letters, digits and underscores is written in quotation marks; `" "`, a phrase of
white space, matches everything, as does the empty pattern. `%...%` is a regular expression.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from coldframe.services.logs.filter_patterns.compiled import Compiled
from coldframe.services.logs.filter_patterns.errors import InvalidPattern
from coldframe.services.logs.filter_patterns.regular_expressions import RegularExpression
from coldframe.services.logs.filter_patterns.scanner import Scanner

_BARE = re.compile(r"\w+")
_CHUNK = re.compile(r"\S+")

Predicate = Callable[[str], bool]


@dataclass(slots=True)
class _Terms:
    """The texts and regular expressions of one sort of term."""

    texts: list[str] = field(default_factory=list)
    expressions: list[RegularExpression] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.texts or self.expressions)

    def add(self, term: str | RegularExpression) -> None:
        if isinstance(term, RegularExpression):
            self.expressions.append(term)
        else:
            self.texts.append(term)

    def literals(self) -> list[str]:
        """Return the texts that a message with all of these terms holds."""
        return [*self.texts, *(expression.literal for expression in self.expressions)]


def compile_terms(text: str) -> Compiled:
    """Compile an unstructured pattern; raise InvalidPattern for a term that has to be quoted or is not closed."""
    included, optional, excluded = _Terms(), _Terms(), _Terms()
    sorts = {"?": optional, "-": excluded, "": included}
    others = False
    scanner = Scanner(text)
    scanner.skip_space()
    while not scanner.at_end():
        prefix = scanner.peek() if scanner.peek() in {"?", "-"} else ""
        scanner.take(prefix)
        if prefix == "-":
            scanner.skip_space()
        term = _read_term(scanner)
        others = others or prefix != "?"
        if prefix or isinstance(term, RegularExpression) or term.strip():
            sorts[prefix].add(term)
        if not scanner.skip_space() and not scanner.at_end():
            raise scanner.invalid("terms are separated by spaces")
    return _compiled(included, _Terms() if others else optional, excluded)


def _read_term(scanner: Scanner) -> str | RegularExpression:
    expression = scanner.regular_expression()
    if expression:
        return expression
    quoted = scanner.quoted()
    if quoted is not None:
        return quoted
    chunk = scanner.match(_CHUNK)
    if not chunk:
        raise scanner.invalid("expected a term")
    if not _BARE.fullmatch(chunk[0]):
        reason = f"Invalid character(s) in term '{chunk[0]}'"
        raise InvalidPattern(reason, message=reason)
    return chunk[0]


def _compiled(included: _Terms, optional: _Terms, excluded: _Terms) -> Compiled:
    parts = []
    if included:
        parts.append(_holds_all(included))
    if optional:
        parts.append(_holds_any(optional))
    if excluded:
        parts.append(_negation(_holds_any(excluded)))
    matches = _conjunction(parts)
    required = included.literals()
    if len(optional.literals()) == 1:
        required += optional.literals()
    alone = included.texts[0] if len(included.texts) == 1 else None
    if included.expressions or optional or excluded:
        alone = None
    return Compiled(
        kind="terms",
        matches=matches,
        extract=lambda message: {} if matches(message) else None,
        required_literals=tuple(dict.fromkeys(filter(None, required))),
        single_term=alone,
    )


def _holds_all(terms: _Terms) -> Predicate:
    texts = tuple(dict.fromkeys(terms.texts))
    if not terms.expressions:
        if len(texts) == 1:
            (only,) = texts
            return lambda message: only in message
        if len(texts) == 2:
            first, second = texts
            return lambda message: first in message and second in message
    searches = tuple(expression.search for expression in terms.expressions)
    if len(searches) == 1 and not texts:
        return searches[0]
    return lambda message: (
        all(text in message for text in texts) and all(search(message) for search in searches)
    )


def _holds_any(terms: _Terms) -> Predicate:
    texts = tuple(dict.fromkeys(terms.texts))
    searches = tuple(expression.search for expression in terms.expressions)
    if len(texts) == 1 and not searches:
        (only,) = texts
        return lambda message: only in message
    if len(texts) == 2 and not searches:
        first, second = texts
        return lambda message: first in message or second in message
    return lambda message: (
        any(text in message for text in texts) or any(search(message) for search in searches)
    )


def _negation(predicate: Predicate) -> Predicate:
    return lambda message: not predicate(message)


def _conjunction(parts: list[Predicate]) -> Predicate:
    if not parts:
        return lambda message: True  # a pattern without conditions matches every message
    if len(parts) == 1:
        return parts[0]
    first, second = parts
    return lambda message: first(message) and second(message)
