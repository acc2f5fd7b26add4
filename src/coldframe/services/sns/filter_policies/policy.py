"""A filter policy compiled: keys with conditions, nested keys, alternatives, and whether a message fits."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from coldframe.services.sns.filter_policies.conditions import InvalidFilterPolicy, Test, condition, exact

# Documented limits: keys of one policy, and the product of the numbers of values of its keys.
_MOST_KEYS, _MOST_COMBINATIONS = 5, 150
_MOST_BYTES = 256 * 1024
Matches = Callable[[Any], bool]


class FilterPolicy:
    """Tells whether a message is wanted. `scope` is MessageAttributes or MessageBody."""

    def __init__(self, matches: Matches, scope: str) -> None:
        self._matches = matches
        self.scope = scope

    def wants(self, attributes: Mapping[str, Any], body: str) -> bool:
        """Tell whether a message is wanted; `attributes` are the values, lists for String.Array.

        A body that is no JSON object is not wanted by a policy for bodies.
        """
        if self.scope == "MessageAttributes":
            return self._matches(attributes)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict) and self._matches(document)


def compile_policy(text: str, scope: str = "MessageAttributes") -> FilterPolicy:
    """Compile a filter policy; raises InvalidFilterPolicy."""
    if len(text.encode()) > _MOST_BYTES:
        raise InvalidFilterPolicy("the policy is larger than 256 KB")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFilterPolicy(f"failed to parse JSON. {error}") from error
    if not isinstance(document, dict):
        raise InvalidFilterPolicy("Filter is not an object")
    limits = _Limits(nested=scope == "MessageBody")
    return FilterPolicy(limits.structure(document), scope)


class _Limits:
    """Compiles one policy and counts what AWS limits."""

    def __init__(self, *, nested: bool) -> None:
        self._nested = nested
        self._keys = 0
        self._combinations = 1

    def structure(self, document: Mapping[str, Any]) -> Matches:
        """Compile the keys of an object, all of which must match."""
        tests = [
            self._either(value) if key == "$or" and _is_alternatives(value) else self._key(key, value)
            for key, value in document.items()
        ]
        return lambda found: all(test(found) for test in tests)

    def _either(self, alternatives: list[Mapping[str, Any]]) -> Matches:
        tests = [self.structure(each) for each in alternatives]
        return lambda found: any(test(found) for test in tests)

    def _key(self, key: str, value: Any) -> Matches:
        if isinstance(value, dict):
            if not self._nested:
                raise InvalidFilterPolicy(
                    "Filter policy scope MessageAttributes does not support nested filter policy"
                )
            inner = self.structure(value)
            return lambda found: any(isinstance(each, dict) and inner(each) for each in _values(found, key))
        if not isinstance(value, list) or not value:
            raise InvalidFilterPolicy(f'"{key}" must be an object or a non-empty array')
        self._count(len(value))
        tests: list[Test] = []
        absent = present = False
        for rule in value:
            if isinstance(rule, dict) and "exists" in rule:
                if not isinstance(rule["exists"], bool) or len(rule) != 1:
                    raise InvalidFilterPolicy("exists match pattern must be either true or false.")
                present, absent = present or rule["exists"], absent or not rule["exists"]
            else:
                tests.append(_rule(rule))

        def matches(found: Any) -> bool:
            values = list(_values(found, key))
            if key not in found:
                return absent
            return present or any(test(each) for test in tests for each in values)

        return matches

    def _count(self, values: int) -> None:
        self._keys += 1
        self._combinations *= values
        if self._keys > _MOST_KEYS:
            raise InvalidFilterPolicy(f"Filter policy can not have more than {_MOST_KEYS} keys")
        if self._combinations > _MOST_COMBINATIONS:
            raise InvalidFilterPolicy("Filter policy is too complex")


def _rule(rule: Any) -> Test:
    if isinstance(rule, dict):
        if len(rule) != 1:
            raise InvalidFilterPolicy("Only one key allowed in match expression")
        ((operator, operand),) = rule.items()
        return condition(operator, operand)
    if isinstance(rule, list):
        raise InvalidFilterPolicy("Match value must be String, number, true, false, or null")
    return exact(rule)


def _is_alternatives(value: Any) -> bool:
    """Tell a `$or` from a key of that name: it has two objects or more."""
    return isinstance(value, list) and len(value) > 1 and all(isinstance(each, dict) for each in value)


def _values(found: Any, key: str) -> Iterator[Any]:
    """Give what an object has under a key, one by one where it is an array."""
    if key in found:
        value = found[key]
        yield from value if isinstance(value, list) else (value,)
