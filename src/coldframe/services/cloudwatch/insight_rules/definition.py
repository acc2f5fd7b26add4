"""The definition of a Contributor Insights rule, read and checked.

Source: Amazon CloudWatch User Guide, "Contributor Insights rule syntax in CloudWatch".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = '{"Name":"CloudWatchLogRule","Version":1}'
_MOST_KEYS = _MOST_FILTERS = 4
_MOST_TEXTS = 10
_OPERATORS = frozenset(
    {"In", "NotIn", "StartsWith", "GreaterThan", "LessThan", "EqualTo", "NotEqualTo", "IsPresent"}
)
_LISTS = frozenset({"In", "NotIn", "StartsWith"})
_MEMBERS = frozenset(
    {"Schema", "LogGroupNames", "LogGroupARNs", "LogFormat", "Fields", "Contribution", "AggregateOn"}
)


class DefinitionError(ValueError):
    """The text defines no rule; the message names the member."""


@dataclass(frozen=True)
class Filter:
    """One condition: a field, an operator and what the field is compared with."""

    field: str
    operator: str
    operand: Any


@dataclass(frozen=True)
class Definition:
    """What a rule counts: groups (by name, `*` at the end for any that begin so), keys, the value summed, filters."""

    groups: tuple[str, ...]
    clf: bool
    fields: dict[str, int]
    keys: tuple[str, ...]
    value_of: str | None
    filters: tuple[Filter, ...]
    sums: bool


def read(text: str) -> Definition:
    """Read a definition; raises DefinitionError."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise DefinitionError("RuleDefinition is not valid JSON") from None
    if not isinstance(given, dict):
        raise DefinitionError("RuleDefinition must be a JSON object")
    unknown = sorted(set(given) - _MEMBERS)
    if unknown:
        raise DefinitionError(f"{unknown[0]} is no member of a rule definition")
    if given.get("Schema") != {"Name": "CloudWatchLogRule", "Version": 1}:
        raise DefinitionError(f"Schema must be {SCHEMA}")
    clf = _format(given)
    contribution = given.get("Contribution")
    if not isinstance(contribution, dict):
        raise DefinitionError("Contribution is required")
    fields = _fields(given.get("Fields"), clf=clf)
    keys = _texts(contribution.get("Keys"), "Contribution.Keys", _MOST_KEYS)
    value_of = contribution.get("ValueOf")
    sums = given.get("AggregateOn", "Count")
    if sums not in {"Count", "Sum"}:
        raise DefinitionError("AggregateOn must be Count or Sum")
    if (sums == "Sum") != (value_of is not None):
        raise DefinitionError("Contribution.ValueOf is for AggregateOn Sum, which needs it")
    filters = contribution.get("Filters", [])
    if not isinstance(filters, list) or len(filters) > _MOST_FILTERS:
        raise DefinitionError(f"Contribution.Filters must be a list of at most {_MOST_FILTERS}")
    found = Definition(
        groups=_groups(given),
        clf=clf,
        fields=fields,
        keys=keys,
        value_of=value_of,
        filters=tuple(_filter(number, each) for number, each in enumerate(filters)),
        sums=sums == "Sum",
    )
    _check_fields(found)
    return found


def _format(given: Mapping[str, Any]) -> bool:
    if given.get("LogFormat") not in {"JSON", "CLF"}:
        raise DefinitionError("LogFormat must be JSON or CLF")
    return bool(given["LogFormat"] == "CLF")


def _groups(given: Mapping[str, Any]) -> tuple[str, ...]:
    if ("LogGroupNames" in given) == ("LogGroupARNs" in given):
        raise DefinitionError("exactly one of LogGroupNames and LogGroupARNs is required")
    if "LogGroupNames" in given:
        return _texts(given["LogGroupNames"], "LogGroupNames", None)
    found = _texts(given["LogGroupARNs"], "LogGroupARNs", None)
    names = [text.split(":log-group:", 1)[1].removesuffix(":*") for text in found if ":log-group:" in text]
    if len(names) < len(found):
        raise DefinitionError("LogGroupARNs must be ARNs of log groups")
    return tuple(names)


def _texts(given: Any, name: str, most: int | None) -> tuple[str, ...]:
    if not isinstance(given, list) or not given or not all(isinstance(each, str) and each for each in given):
        raise DefinitionError(f"{name} must be a list of texts that is not empty")
    if most is not None and len(given) > most:
        raise DefinitionError(f"{name} must have at most {most}")
    return tuple(given)


def _fields(given: Any, *, clf: bool) -> dict[str, int]:
    """The places of named fields in a line of the common log format, by name."""
    if given is None:
        return {}
    if not isinstance(given, dict) or not clf:
        raise DefinitionError("Fields is an object of places to names, for LogFormat CLF")
    if not all(
        place.isdecimal() and int(place) > 0 and isinstance(name, str) for place, name in given.items()
    ):
        raise DefinitionError("Fields must name places, which count from 1")
    return {name: int(place) for place, name in given.items()}


def _filter(number: int, given: Any) -> Filter:
    where = f"Contribution.Filters[{number}]"
    if not isinstance(given, dict) or not isinstance(given.get("Match"), str):
        raise DefinitionError(f"{where} must have a Match")
    operators = set(given) - {"Match"}
    if len(operators) != 1 or not operators <= _OPERATORS:
        raise DefinitionError(f"{where} must have one of {', '.join(sorted(_OPERATORS))}")
    operator = operators.pop()
    operand = given[operator]
    if operator in _LISTS:
        operand = _texts(operand, f"{where}.{operator}", _MOST_TEXTS)
    elif operator == "IsPresent":
        if not isinstance(operand, bool):
            raise DefinitionError(f"{where}.IsPresent must be true or false")
    elif isinstance(operand, bool) or not isinstance(operand, int | float):
        raise DefinitionError(f"{where}.{operator} must be a number")
    return Filter(given["Match"], operator, operand)


def _check_fields(found: Definition) -> None:
    names = [*found.keys, *(each.field for each in found.filters)]
    names += [found.value_of] if found.value_of is not None else []
    for name in names:
        if found.clf and name not in found.fields and not (name.isdecimal() and int(name) > 0):
            raise DefinitionError(f"{name} is neither in Fields nor the place of a field")
        if not found.clf and not name.startswith("$."):
            raise DefinitionError(f"{name} must begin with $. in a rule on JSON")
