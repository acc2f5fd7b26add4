"""The REST operations of one service by method, path and query string; the most specific one wins."""

import re
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel, ServiceModel

from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols.http_binding import path_pattern, split_query
from coldframe.gateway.protocols.shapes import Shape

_LABEL = re.compile(r"\{[^}]+\}")


@dataclass(slots=True, frozen=True)
class Entry:
    """One operation and what a request must show to mean it."""

    operation: OperationModel
    path: re.Pattern[str]
    literals: tuple[tuple[str, str], ...]
    queries: frozenset[str]
    headers: frozenset[str]
    rank: tuple[Any, ...]


class RestTable:
    """Entries by method, then by the first literal segment of the path ("" where that is a label)."""

    def __init__(self, service: ServiceModel) -> None:
        self._entries: dict[str, dict[str, list[Entry]]] = {}
        for name in service.operation_names:
            operation = service.operation_model(name)
            path = operation.http["requestUri"].partition("?")[0]
            first = path.split("/")[1] if path.count("/") else ""
            group = self._entries.setdefault(operation.http["method"], {})
            group.setdefault("" if "{" in first else first, []).append(_entry(operation))
        for groups in self._entries.values():
            for entries in groups.values():
                entries.sort(key=lambda entry: entry.rank)

    def find(self, request: WireRequest) -> OperationModel | None:
        """Find the operation; required query strings and headers tell apart what shares a path."""
        groups = self._entries.get(request.method)
        if groups is None:
            return None
        first = request.path.split("/", 2)[1] if request.path.startswith("/") else ""
        fitting = [entry for entry in groups.get(first, ()) if entry.path.fullmatch(request.path)]
        if first:
            fitting += [entry for entry in groups.get("", ()) if entry.path.fullmatch(request.path)]
        try:
            pairs = set(split_query(request.query))
        except ValueError:
            pairs = set()
        names = {name for name, _ in pairs}
        fitting = [
            entry for entry in fitting if all(_has(literal, pairs, names) for literal in entry.literals)
        ]
        if not fitting:
            return None
        fitting = [entry for entry in fitting if entry.rank[:2] == fitting[0].rank[:2]]
        for entry in fitting:
            if entry.queries <= names and entry.headers <= request.headers.keys():
                return entry.operation
        # Nothing shows all that is required: take the plainest, whose validation names what is missing.
        return min(fitting, key=lambda entry: len(entry.queries) + len(entry.headers)).operation


def _has(literal: tuple[str, str], pairs: set[tuple[str, str]], names: set[str]) -> bool:
    return literal in pairs if literal[1] else literal[0] in names


def _entry(operation: OperationModel) -> Entry:
    uri = operation.http["requestUri"]
    path, _, query = uri.partition("?")
    literals = tuple(pair for pair in split_query(query) if pair[0] != "x-id")
    needed: dict[str, set[str]] = {"querystring": set(), "header": set()}
    shape: Shape = operation.input_shape
    for name in shape.required_members if shape is not None else ():
        traits = shape.members[name].serialization
        wire = str(traits.get("name", name))
        if traits.get("location") == "querystring":
            needed["querystring"].add(wire)
        elif traits.get("location") == "header":
            needed["header"].add(wire.lower())
    labels = _LABEL.findall(path)
    segments = (*(1 if "{" in part else 0 for part in path.split("/")), 2)  # a literal, a label, the end
    rank = (
        any(label.endswith("+}") for label in labels),
        segments,
        -len(literals),
        -len(needed["querystring"]),
        -len(needed["header"]),
        bool(operation.deprecated),
    )
    return Entry(
        operation,
        path_pattern(uri),
        literals,
        frozenset(needed["querystring"]),
        frozenset(needed["header"]),
        rank,
    )
