"""Lists in RDS: a page of at most a hundred from a marker on, and the filters that narrow them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from coldframe.core.call import Call
from coldframe.services.rds.faults import bad_combination, bad_value

T = TypeVar("T")
_LEAST, _MOST = 20, 100
# What the values of a filter are called in its errors.
_CALLED = {
    "db-cluster-id": "DB Cluster Identifiers",
    "db-cluster-resource-id": "DB Cluster Resource Ids",
    "db-cluster-snapshot-id": "DB Cluster Snapshot Identifiers",
    "db-instance-id": "DB Instance Identifiers",
    "db-snapshot-id": "DB Snapshot Identifiers",
    "dbi-resource-id": "Dbi Resource Ids",
    "engine": "Engine Names",
    "snapshot-type": "Snapshot Types",
}
# Identifiers are kept in lower case, and found in whatever case they are asked for.
_IDENTIFIERS = frozenset({"db-cluster-id", "db-cluster-snapshot-id", "db-instance-id", "db-snapshot-id"})


def page(
    call: Call, request: Mapping[str, Any], rows: Sequence[T], place: Callable[[T], Any], most: int = _MOST
) -> tuple[list[T], dict[str, str]]:
    """Return the page of sorted rows that a request asks for, and the marker of the next where there is one.

    `place` is what the rows are sorted by. Raises InvalidParameterValue for a number of records out of bounds.
    """
    size = request.get("MaxRecords")
    size = _MOST if size is None else size
    if not _LEAST <= size <= most:
        raise bad_value(f"Invalid value {size} for MaxRecords. Must be between {_LEAST} and {most}")
    after = call.page(
        request.get("Marker") or None, code="InvalidParameterValue", text="The specified Marker is invalid."
    )
    if after is not None:
        rows = [row for row in rows if _plain(place(row)) > after]
    marker = {"Marker": call.token(_plain(place(rows[size - 1])))} if len(rows) > size else {}
    return list(rows[:size]), marker


def together(request: Mapping[str, Any], name: str, identifier: str) -> dict[str, Any]:
    """Return a request whose filter of this name also has the identifier that the request gives beside its filters.

    So RDS takes both: what the filters find is the answer, and one of them alone may name nothing that is there.
    """
    given = [dict(each) for each in request.get("Filters") or ()]
    own = next((each for each in given if each["Name"] == name), None)
    if own is None:
        own = {"Name": name, "Values": []}
        given.append(own)
    own["Values"] = [*own["Values"], identifier]
    return {**request, "Filters": given}


def filtered(
    request: Mapping[str, Any], rows: Sequence[T], tests: Mapping[str, Callable[[T], Any]]
) -> list[T]:
    """Return the rows that every filter lets through: any of its values is (or is among) what its test answers.

    Raises InvalidParameterValue for a filter that the operation does not have, InvalidParameterCombination for one without values.
    """
    found = list(rows)
    for each in request.get("Filters") or ():
        test = tests.get(each["Name"])
        if test is None:
            raise bad_value(f"Unrecognized filter name: {each['Name']}")
        name = each["Name"]
        wanted = {value.lower() if name in _IDENTIFIERS else value for value in each["Values"]} - {""}
        if not wanted:
            raise bad_combination(f"The list of {_CALLED.get(name, name)} must not be empty.")
        found = [row for row in found if _values(test(row)) & wanted]
    return found


def _values(answer: Any) -> set[str]:
    return {answer} if isinstance(answer, str) else set(answer or ())


def _plain(position: Any) -> Any:
    return list(position) if isinstance(position, tuple) else position
