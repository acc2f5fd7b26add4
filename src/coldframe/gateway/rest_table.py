"""The REST operations of one service by method, path and query string; the most specific one wins."""

import re
from dataclasses import dataclass

from botocore.model import OperationModel, ServiceModel

from coldframe.core.wire import WireRequest
from coldframe.gateway.protocols.http_binding import path_pattern, split_query
from coldframe.gateway.protocols.shapes import Shape

_NAME = re.compile(r"\{[^}+]*")


@dataclass(slots=True, frozen=True)
class Entry:
    """One operation and what a request must show to mean it, beside method and path."""

    operation: OperationModel
    literals: frozenset[tuple[str, str]]
    literal_names: frozenset[str]
    queries: frozenset[str]
    headers: frozenset[str]


@dataclass(slots=True, frozen=True)
class Place:
    """The operations of one method and path, the one that asks for most first."""

    path: re.Pattern[str]
    entries: list[Entry]


class RestTable:
    """Places by method, then by the first segment of the path ("" where that is a label)."""

    def __init__(self, service: ServiceModel) -> None:
        self._places: dict[tuple[str, str], list[Place]] = {}
        operations = [service.operation_model(name) for name in service.operation_names]
        by_path: dict[tuple[str, str], list[OperationModel]] = {}
        for operation in operations:
            path = _NAME.sub("{label", operation.http["requestUri"].partition("?")[0])
            by_path.setdefault((operation.http["method"], path), []).append(operation)
        for (method, path), sharing in sorted(by_path.items(), key=lambda item: _path_rank(item[0][1])):
            first = path.split("/", 2)[1] if "/" in path else ""
            entries = sorted(map(_entry, sharing), key=_entry_rank)
            place = Place(path_pattern(path), entries)
            self._places.setdefault((method, "" if "{" in first else first), []).append(place)

    def find(self, request: WireRequest) -> OperationModel | None:
        """Find the operation; required query strings and headers tell apart what shares a path."""
        path = request.path
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        shown: set[tuple[str, str]] | None = None
        names: set[str] = set()
        for key in (first, "") if first else ("",):
            for place in self._places.get((request.method, key), ()):
                if place.path.fullmatch(path) is None:
                    continue
                if shown is None:
                    shown = _shown(request.query)
                    names = {name for name, _ in shown}
                found = _choose(place.entries, shown, names, request.headers)
                if found is not None:
                    return found
        return None


def _shown(query: str) -> set[tuple[str, str]]:
    try:
        return set(split_query(query))
    except ValueError:
        return set()  # the parser of the operation says what is wrong with it


def _choose(
    entries: list[Entry], shown: set[tuple[str, str]], names: set[str], headers: dict[str, str]
) -> OperationModel | None:
    fitting = [entry for entry in entries if entry.literal_names <= names and entry.literals <= shown]
    for entry in fitting:
        if entry.queries <= names and entry.headers <= headers.keys():
            return entry.operation
    if not fitting:
        return None
    # Nothing shows all that is required: take the plainest, whose validation names what is missing.
    return min(fitting, key=lambda entry: len(entry.queries) + len(entry.headers)).operation


def _path_rank(path: str) -> tuple[bool, tuple[int, ...]]:
    """Order paths: literal segments before labels, longer before shorter, greedy labels last."""
    return "+}" in path, (*(1 if "{" in part else 0 for part in path.split("/")), 2)


def _entry_rank(entry: Entry) -> tuple[int, int, int, bool]:
    return (
        -len(entry.literal_names),
        -len(entry.queries),
        -len(entry.headers),
        bool(entry.operation.deprecated),
    )


def _entry(operation: OperationModel) -> Entry:
    literals = [
        pair for pair in split_query(operation.http["requestUri"].partition("?")[2]) if pair[0] != "x-id"
    ]
    needed: dict[str, set[str]] = {"querystring": set(), "header": set()}
    shape: Shape = operation.input_shape
    for name in shape.required_members if shape is not None else ():
        traits = shape.members[name].serialization
        wire = str(traits.get("name", name))
        if traits.get("location") == "querystring":
            needed["querystring"].add(wire)
        elif traits.get("location") == "header":
            needed["header"].add(wire.lower())
    return Entry(
        operation,
        frozenset(pair for pair in literals if pair[1]),
        frozenset(name for name, _ in literals),
        frozenset(needed["querystring"]),
        frozenset(needed["header"]),
    )
