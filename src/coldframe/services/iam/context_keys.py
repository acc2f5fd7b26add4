"""The condition keys that policy documents ask for, as they are written there."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_VARIABLE = re.compile(r"\$\{\s*([^\s,'}*?$][^,'}]*?)\s*(?:,[^}]*)?\}")


def context_keys(documents: Iterable[str]) -> list[str]:
    """Return the keys of conditions and policy variables, each once whatever its case, in alphabetical order."""
    found: dict[str, str] = {}
    for document in documents:
        for key in _keys(json.loads(document)):
            found.setdefault(key.lower(), key)
    return sorted(found.values())


def _keys(policy: Any) -> Iterator[str]:
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for tests in statement.get("Condition", {}).values():
            yield from tests
            for values in tests.values():
                yield from _variables(values)
        for element in ("Resource", "NotResource"):
            yield from _variables(statement.get(element, []))


def _variables(values: Any) -> Iterator[str]:
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, str):
            yield from _VARIABLE.findall(value)
