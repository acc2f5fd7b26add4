"""A filter policy compiled: keys with conditions, nested keys, alternatives, and whether a message fits."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from coldframe.services.sns.filter_policies.checks import is_alternatives
from coldframe.services.sns.filter_policies.conditions import Test, condition, exact

Matches = Callable[[Any], bool]


class FilterPolicy:
    """Tells whether a message is wanted. `scope` is MessageAttributes or MessageBody."""

    def __init__(self, matches: Matches, scope: str) -> None:
        self._matches = matches
        self.scope = scope

    def wants(self, attributes: Mapping[str, Any], body: str) -> bool:
        """Tell whether a message is wanted; `attributes` are the values, lists for String.Array.

        A body that is no JSON object is not wanted by a policy for bodies, nor is, as documented, a message that
        has nothing at all to be looked at.
        """
        if self.scope == "MessageAttributes":
            return bool(attributes) and self._matches(attributes)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict) and bool(document) and self._matches(document)


def compile_policy(text: str, scope: str = "MessageAttributes") -> FilterPolicy:
    """Compile a filter policy that check_policy has let pass."""
    return FilterPolicy(_structure(json.loads(text)), scope)


def _structure(document: Mapping[str, Any]) -> Matches:
    """Compile the keys of an object, all of which must match."""
    tests = [
        _either(value) if key == "$or" and is_alternatives(value) else _path(key, value)
        for key, value in document.items()
    ]
    return lambda found: all(test(found) for test in tests)


def _either(alternatives: list[Mapping[str, Any]]) -> Matches:
    tests = [_structure(each) for each in alternatives]
    return lambda found: any(test(found) for test in tests)


def _path(key: str, value: Any) -> Matches:
    """Compile a key; one with dots is the same as keys within each other."""
    first, dot, rest = key.partition(".")
    inner = _path(rest, value) if dot else _structure(value) if isinstance(value, dict) else None
    if inner is None:
        return _leaf(key, value)

    def matches(found: Any) -> bool:
        objects = [each for each in _values(found, first) if isinstance(each, dict)]
        # Where there is no object, what is within it is not there either, which a policy may ask for.
        return any(inner(each) for each in objects or ({},))

    return matches


def _leaf(key: str, rules: list[Any]) -> Matches:
    tests: list[Test] = []
    absent = present = False
    for rule in rules:
        if not isinstance(rule, dict):
            tests.append(exact(rule))
            continue
        ((operator, operand),) = rule.items()
        if operator == "exists":
            present, absent = present or operand, absent or not operand
        else:
            tests.append(condition(operator, operand))

    def matches(found: Any) -> bool:
        # Documented: what is asked for is at the leaves; an object under the key is none.
        values = [each for each in _values(found, key) if not isinstance(each, dict)]
        if not values:
            return absent
        return present or any(test(each) for test in tests for each in values)

    return matches


def _values(found: Mapping[str, Any], key: str) -> Iterator[Any]:
    """Give what an object has under a key, one by one where it is an array, and what keys with dots put there."""
    if key in found:
        yield from _flat(found[key])
    start = f"{key}."
    within = {name[len(start) :]: value for name, value in found.items() if name.startswith(start)}
    if within:
        yield within


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _flat(each)
    else:
        yield value
