"""Condition blocks: operators with their IfExists, ForAnyValue and ForAllValues forms, compiled to checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coldframe.identity.operators import OPERATORS, Compare, parse_boolean
from coldframe.identity.policy_errors import LEGACY, SYNTAX, VENDOR_MISSING, ElementError
from coldframe.identity.request import Request
from coldframe.identity.variables import parse_template, variable_keys

Check = Callable[[Request], bool]

_ANY, _ALL, _IF_EXISTS = "foranyvalue:", "forallvalues:", "ifexists"


@dataclass(frozen=True, slots=True)
class _Operator:
    name: str
    quantifier: str
    if_exists: bool


def _operator(text: str) -> _Operator:
    name, quantifier = text.lower(), ""
    for prefix in (_ANY, _ALL):
        if name.startswith(prefix):
            name, quantifier = name.removeprefix(prefix), prefix
    if name == "null":
        return _Operator(name, quantifier, if_exists=False)
    plain = name.removesuffix(_IF_EXISTS)
    if plain not in OPERATORS:
        raise ElementError(SYNTAX, f"Invalid Condition type : {text}")
    return _Operator(plain, quantifier, if_exists=plain != name)


def _texts(values: Any, key: str) -> list[str]:
    texts = []
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, bool):
            texts.append("true" if value else "false")
        elif isinstance(value, str | int | float):
            texts.append(str(value))
        else:
            raise ElementError(
                SYNTAX, f"the value of condition key {key} must be text, a number or a boolean"
            )
    return texts


def _plain(key: str, compare: Compare, *, negated: bool, missing: bool) -> Check:
    """Check a single-valued key; a list that comes all the same matches when any of its values does."""

    def check(request: Request) -> bool:
        values = request.values(key)
        if not values:
            return missing
        for value in values:
            if compare(value, request):
                return not negated
        return negated

    return check


def _for_all(key: str, compare: Compare, *, negated: bool) -> Check:
    """ForAllValues: no value of the request fails; a missing key, an empty set and an empty text have none."""

    def check(request: Request) -> bool:
        values = request.values(key)
        return values == ("",) or all(compare(value, request) != negated for value in values)

    return check


def _for_any(key: str, compare: Compare, *, negated: bool, missing: bool) -> Check:
    """ForAnyValue: at least one value of the request passes."""

    def check(request: Request) -> bool:
        values = request.values(key)
        return any(compare(value, request) != negated for value in values) if values else missing

    return check


def _null(key: str, texts: list[str]) -> Check:
    wanted = {parse_boolean(text) for text in texts}
    if None in wanted:
        raise ElementError(LEGACY, f"Null takes true or false for condition key {key}")
    return lambda request: (not request.values(key)) in wanted


def _compile(operator: _Operator, key: str, texts: list[str], variables: bool) -> Check:
    if operator.name == "null":
        return _null(key, texts)
    compiler, negated = OPERATORS[operator.name]
    compare = compiler(texts, variables)
    if operator.quantifier == _ALL:
        return _for_all(key, compare, negated=negated)
    if operator.quantifier == _ANY:
        return _for_any(key, compare, negated=negated, missing=operator.if_exists)
    return _plain(key, compare, negated=negated, missing=negated or operator.if_exists)


def compile_conditions(block: Any, *, variables: bool) -> tuple[tuple[Check, ...], frozenset[str]]:
    """Compile a Condition element: checks that must all hold, and the context keys they read, as spelled.

    Raises ElementError for an unknown operator, a key without a vendor, or a value the operator cannot read.
    """
    if not isinstance(block, Mapping):
        raise ElementError(SYNTAX, "Condition must be an object")
    checks: list[Check] = []
    keys: set[str] = set()
    for name, tests in block.items():
        operator = _operator(str(name))
        if not isinstance(tests, Mapping):
            raise ElementError(SYNTAX, f"condition operator {name} must hold an object of keys and values")
        for key, values in tests.items():
            if not isinstance(key, str) or ":" not in key:
                raise ElementError(VENDOR_MISSING, f"condition key {key!r}")
            texts = _texts(values, key)
            checks.append(_compile(operator, key.lower(), texts, variables))
            keys.add(key)
            if variables:
                for text in texts:
                    keys |= variable_keys(parse_template(text, variables=True, wildcards=False))
    return tuple(checks), frozenset(keys)
