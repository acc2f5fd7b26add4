"""Grok patterns: `%{NAME:field:type}` stands for a regular expression of a name; the names are in grok.toml."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import re2

from coldframe.services.logs.transformers.errors import InvalidTransformer

_REFERENCE = re.compile(r"%\{(\w+)(?::([\w.@\[\]-]+))?(?::(\w+))?\}")
_TYPES = {"int": int, "integer": int, "long": int, "float": float, "double": float, "string": str}
_MOST_DEPTH = 10


class Grok(NamedTuple):
    """A compiled pattern: the expression, and by its groups the field and type of each."""

    expression: Any
    fields: dict[str, tuple[str, str]]

    def match(self, text: str) -> dict[str, Any] | None:
        """Return the fields of a text, None when it does not match."""
        found = self.expression.search(text)
        if found is None:
            return None
        values: dict[str, Any] = {}
        for group, (name, kind) in self.fields.items():
            if found.group(group) is not None:
                values[name] = _typed(found.group(group), kind)
        return values


@cache
def names() -> dict[str, str]:
    """Return the expressions by their names."""
    text = resources.files(__package__).joinpath("grok.toml").read_text(encoding="utf-8")
    found: dict[str, str] = tomllib.loads(text)["patterns"]
    return found


@cache
def compiled(pattern: str) -> Grok:
    """Return a grok pattern compiled; raises InvalidTransformer."""
    fields: dict[str, tuple[str, str]] = {}

    def spelled(text: str, depth: int) -> str:
        if depth > _MOST_DEPTH:
            raise InvalidTransformer("the grok pattern is nested too deeply")

        def one(found: re.Match[str]) -> str:
            known = names().get(found[1])
            if known is None:
                raise InvalidTransformer(f"unknown grok pattern {found[1]}")
            inner = spelled(known, depth + 1)
            if found[2] is None:
                return f"(?:{inner})"
            if found[3] is not None and found[3] not in _TYPES:
                raise InvalidTransformer(f"unknown grok type {found[3]}")
            group = f"g{len(fields)}"
            fields[group] = (found[2], found[3] or "string")
            return f"(?P<{group}>{inner})"

        return _REFERENCE.sub(one, text)

    options = re2.Options()
    options.log_errors = False
    try:
        return Grok(re2.compile(spelled(pattern, 0), options), fields)
    except re2.error as error:
        raise InvalidTransformer(f"invalid grok pattern {pattern!r}") from error


def _typed(text: str, kind: str) -> Any:
    try:
        return _TYPES[kind](text)
    except ValueError:
        return text
