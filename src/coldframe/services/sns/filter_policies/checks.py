"""What a filter policy may say, refused in the words of AWS: keys, combinations, operators and what they are given.

Source: SNS Developer Guide, Filter policy constraints; texts as AWS answers them.
"""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

_MOST_KEYS, _MOST_COMBINATIONS = 5, 150
_MOST_BYTES = 256 * 1024
_LARGEST = 10**9
_COMPARISONS = {"=", "<", "<=", ">", ">="}
_TEXTS = {"prefix", "suffix", "equals-ignore-case", "wildcard"}


class InvalidFilterPolicy(Exception):
    """The filter policy says something that has no meaning; the text says what, and opens with the attribute's name."""


def check_policy(text: str, scope: str) -> None:
    """Refuse a filter policy that AWS would refuse for a scope; raises InvalidFilterPolicy."""
    if len(text.encode()) > _MOST_BYTES:
        raise _wrong("the policy is larger than 256 KB")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"failed to parse JSON. {error}") from error
    if not isinstance(document, dict):
        raise _wrong("Filter is not an object")
    if len(document) > _MOST_KEYS:
        raise _wrong(f"Filter policy can not have more than {_MOST_KEYS} keys")
    if _combinations(document, 1, 1) > _MOST_COMBINATIONS:
        raise _wrong("Filter policy is too complex")
    if scope == "MessageAttributes" and _is_nested(document):
        text = "Filter policy scope MessageAttributes does not support nested filter policy"
        raise InvalidFilterPolicy(text)


def _combinations(document: Mapping[str, Any], depth: int, before: int) -> int:
    """Check the rules of an object and count what it multiplies the combinations to.

    Documented: the values of a key count as often as it is deep; alternatives add up.
    """
    for key, value in document.items():
        if isinstance(value, dict):
            before = _combinations(value, depth + 1, before)
        elif not isinstance(value, list):
            raise _wrong(f'"{key}" must be an object or an array')
        elif not value:
            raise _wrong("Empty arrays are not allowed")
        elif key == "$or" and is_alternatives(value):
            before = sum(_combinations(each, depth, before) for each in value)
        else:
            for rule in value:
                _check_rule(rule)
            before *= len(value) * depth
    return before


def is_alternatives(value: Any) -> bool:
    """Tell a `$or` from a key of that name: it has two objects or more."""
    return isinstance(value, list) and len(value) > 1 and all(isinstance(each, dict) for each in value)


def _is_nested(document: Mapping[str, Any]) -> bool:
    return any(
        isinstance(value, dict)
        or (key == "$or" and is_alternatives(value) and any(_is_nested(each) for each in value))
        for key, value in document.items()
    )


def _check_rule(rule: Any) -> None:
    if isinstance(rule, list):
        raise _wrong("Match value must be String, number, true, false, or null")
    if isinstance(rule, dict):
        if len(rule) != 1:
            raise _wrong("Only one key allowed in match expression")
        ((operator, operand),) = rule.items()
        _check_operator(operator, operand)
    elif _is_number(rule) and abs(rule) > _LARGEST:
        raise _wrong("A number must be from -10^9 to 10^9")


def _check_operator(operator: str, operand: Any) -> None:
    if operator == "exists":
        if not isinstance(operand, bool):
            raise _wrong("exists match pattern must be either true or false.")
    elif operator == "numeric":
        _check_numeric(operand)
    elif operator == "cidr":
        _check_cidr(operand)
    elif operator == "anything-but":
        _check_anything_but(operand)
    elif operator in _TEXTS:
        _check_text(operator, operand)
    else:
        raise _wrong(f"Unrecognized match type {operator}")


def _check_text(operator: str, operand: Any) -> None:
    if not isinstance(operand, str):
        raise _wrong(f"{operator} match pattern must be a string")
    if operator == "wildcard" and "**" in operand:
        raise _wrong("Consecutive wildcard characters are not allowed")


def _check_anything_but(operand: Any) -> None:
    if isinstance(operand, dict):
        for operator, inner in operand.items():
            if operator != "prefix":
                raise _wrong(f"Unsupported anything-but pattern: {operator}")
            _check_text(operator, inner)
        if len(operand) != 1:
            raise _wrong("Only one key allowed in match expression")
        return
    several = operand if isinstance(operand, list) else [operand]
    if not several:
        raise _wrong("Empty arrays are not allowed")
    for each in several:
        _check_rule(each)


def _check_numeric(operand: Any) -> None:
    """Check one comparison, or two that have a range between them, member by member as AWS reads them."""
    if not isinstance(operand, list):
        raise _wrong("Value of numeric must be an array.")
    if not operand or not isinstance(operand[0], str):
        raise _wrong(f"Invalid member in numeric match: {operand[0] if operand else ']'}")
    operator = operand[0]
    if operator not in _COMPARISONS:
        raise _wrong(f"Unrecognized numeric range operator: {operator}")
    bottom = _bound(operator, operand[1:2])
    if len(operand) == 2:
        return
    if operator not in {">", ">="}:
        raise _wrong("Too many elements in numeric expression")
    second = operand[2]
    if not isinstance(second, str):
        raise _wrong(f"Bad value in numeric range: {second}")
    if second not in {"<", "<="}:
        raise _wrong(f"Bad numeric range operator: {second}")
    if _bound(second, operand[3:4]) <= bottom:
        raise _wrong("Bottom must be less than top")
    if len(operand) > 4:
        raise _wrong("Too many terms in numeric range expression")


def _bound(operator: str, given: list[Any]) -> float:
    if not given or not _is_number(given[0]) or abs(given[0]) > _LARGEST:
        raise _wrong(f"Value of {'equals' if operator == '=' else operator} must be numeric")
    return float(given[0])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_cidr(operand: Any) -> None:
    _check_text("prefix", operand)  # AWS names the prefix here
    address, slash, mask = operand.partition("/")
    if not slash or "/" in mask:
        raise _wrong("Malformed CIDR, one '/' required")
    if not mask.isascii() or not mask.isdecimal():
        raise _wrong("Malformed CIDR, mask bits must be an integer")
    try:
        ipaddress.ip_network(operand, strict=False)
    except ValueError as error:
        raise _wrong(f"Nonstandard IP address: {address}") from error


def _wrong(text: str) -> InvalidFilterPolicy:
    return InvalidFilterPolicy(f"FilterPolicy: {text}")
