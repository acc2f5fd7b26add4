"""Conditions joined with && and ||, grouped with parentheses; && binds tighter than ||."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from coldframe.services.logs.filter_patterns.scanner import Scanner

MAXIMUM_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Expression:
    """A test of an event, and literals each of which a matching event's text must hold."""

    test: Callable[[Any], bool]
    literals: frozenset[str] = frozenset()


def read_expression(
    scanner: Scanner, condition: Callable[[Scanner], Expression], depth: int = 0
) -> Expression:
    """Read conditions joined with ||, each read by `condition`; raise InvalidPattern where one is missing."""
    if depth > MAXIMUM_DEPTH:
        raise scanner.invalid(f"parentheses are nested deeper than {MAXIMUM_DEPTH}")
    alternatives = [_read_all(scanner, condition, depth)]
    while _joined(scanner, "||"):
        alternatives.append(_read_all(scanner, condition, depth))
    return any_of(alternatives)


def _read_all(scanner: Scanner, condition: Callable[[Scanner], Expression], depth: int) -> Expression:
    parts = [_read_unit(scanner, condition, depth)]
    while _joined(scanner, "&&"):
        parts.append(_read_unit(scanner, condition, depth))
    return all_of(parts)


def _read_unit(scanner: Scanner, condition: Callable[[Scanner], Expression], depth: int) -> Expression:
    scanner.skip_space()
    if not scanner.take("("):
        return condition(scanner)
    inner = read_expression(scanner, condition, depth + 1)
    scanner.skip_space()
    if not scanner.take(")"):
        raise scanner.invalid("a parenthesis is not closed")
    return inner


def _joined(scanner: Scanner, joiner: str) -> bool:
    scanner.skip_space()
    return scanner.take(joiner)


def all_of(parts: Sequence[Expression]) -> Expression:
    """Return the expression that holds where every part holds."""
    if len(parts) == 1:
        return parts[0]
    literals = frozenset[str]().union(*(part.literals for part in parts))
    tests = tuple(part.test for part in parts)
    if len(tests) == 2:
        first, second = tests
        return Expression(lambda event: first(event) and second(event), literals)
    return Expression(lambda event: all(test(event) for test in tests), literals)


def any_of(parts: Sequence[Expression]) -> Expression:
    """Return the expression that holds where one part holds."""
    if len(parts) == 1:
        return parts[0]
    literals = parts[0].literals.intersection(*(part.literals for part in parts[1:]))
    tests = tuple(part.test for part in parts)
    if len(tests) == 2:
        first, second = tests
        return Expression(lambda event: first(event) or second(event), literals)
    return Expression(lambda event: any(test(event) for test in tests), literals)
