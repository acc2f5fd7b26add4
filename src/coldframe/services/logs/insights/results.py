"""Results of queries: values as the service writes them, kept sealed in one file for each query."""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from coldframe.core import durable
from coldframe.core.seal import Seal, SealBroken
from coldframe.core.struct_types import whole
from coldframe.services.logs.insights.errors import QueryFailed
from coldframe.services.logs.insights.values import Kind, plain_number

_PURPOSE = "logs-query-results"
_PLACES = 4


class Results(msgspec.Struct, array_like=True):
    """Rows of text or None by the names of their fields; `events` says which event each row is, if it is one.

    An event is the id of its group, its time in milliseconds and its sequence.
    """

    names: list[str]
    rows: list[list[str | None]]
    events: list[tuple[str, int, int] | None]


def shown(value: Any, kind: Kind) -> str | None:
    """Return a value as results show it: times in UTC, whole numbers without a fraction, booleans as 1 and 0."""
    if value is None:
        return None
    if kind == "time":
        return moment(int(value))
    if kind == "bool":
        return "1" if value else "0"
    if kind == "number":
        return _rounded(float(value)) if value == value and abs(value) != float("inf") else None
    if kind == "json" and isinstance(value, str) and value.startswith('"'):
        return str(msgspec.json.decode(value))
    return None if kind == "json" and value == "null" else str(value)


def _rounded(value: float) -> str:
    """Return a number as the service shows what it has computed: to four places, none of which is a trailing zero.

    So do the results of GetQueryResults that https://github.com/aws-samples/serverless-dotnet-demo has recorded. What
    it shows of a number that would be rounded to nothing is not known: that one keeps its digits.
    """
    return plain_number(round(value, _PLACES) or value)


def moment(milliseconds: int) -> str:
    """Return a time as results show it."""
    from datetime import UTC, datetime, timedelta

    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{milliseconds % 1000:03d}"


class KeptResults:
    """The results of one installation's queries, a file for each, encrypted with its own key."""

    def __init__(self, folder: Path, seal: Seal) -> None:
        self._folder = folder
        self._seal = seal

    def keep(self, query: str, results: Results) -> None:
        """Keep the results of a query, durably; raises QueryFailed where the disk does not take them."""
        packed = zlib.compress(msgspec.msgpack.encode(results), 1)
        try:
            durable.make_folder(self._folder)
            durable.write(self._path(query), self._seal.seal(_PURPOSE, query, packed))
        except OSError as error:
            raise QueryFailed(f"the results could not be kept: {error.strerror}") from error

    def read(self, query: str) -> Results:
        """Return the results of a query; raises QueryFailed when they are gone or damaged."""
        try:
            opened = self._seal.open(_PURPOSE, query, self._path(query).read_bytes())
        except (OSError, SealBroken) as error:
            raise QueryFailed("the results of the query cannot be read any more") from error
        return msgspec.msgpack.decode(zlib.decompress(opened), type=whole(Results))

    def forget(self, queries: Iterable[str]) -> None:
        """Remove the results of these queries."""
        for query in queries:
            self._path(query).unlink(missing_ok=True)

    def _path(self, query: str) -> Path:
        return self._folder / f"{query}.sealed"
