"""Lists in pages: Marker and MaxItems in, IsTruncated and the next Marker out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from coldframe.core.call import Call
from coldframe.core.records import Record, place

T = TypeVar("T")
R = TypeVar("R", bound=Record)

DEFAULT_ITEMS = 100


def page(
    call: Call, request: Any, rows: Iterable[T], key: Callable[[T], Any]
) -> tuple[list[T], dict[str, Any]]:
    """Return the page of `rows` that the request asks for, in the order of `key`, and the members that say so.

    `key` is JSON-able and unique; raises ValidationError for a Marker that this operation did not give.
    """
    after = call.page(request.get("Marker"), code="ValidationError", text="Invalid Marker.")
    limit = request.get("MaxItems", DEFAULT_ITEMS)
    kept = sorted(((key(row), row) for row in rows), key=lambda item: item[0])
    if after is not None:
        kept = [item for item in kept if item[0] > after]
    found = [row for _, row in kept[:limit]]
    if len(kept) <= limit:
        return found, {"IsTruncated": False}
    return found, {"IsTruncated": True, "Marker": call.token(kept[limit - 1][0])}


def stored(
    call: Call, request: Any, kind: type[R], prefix: str | None = None
) -> tuple[Sequence[R], dict[str, Any]]:
    """Return a page of the records of a kind by name, of those whose path begins with `prefix`."""
    limit = request.get("MaxItems", DEFAULT_ITEMS)
    after = call.page(request.get("Marker"), code="ValidationError", text="Invalid Marker.")
    rows = call.records.list(
        kind,
        starts_with=("path", prefix) if prefix and prefix != "/" else None,
        after=None if after is None else tuple(after),
        limit=limit + 1,
    )
    if len(rows) <= limit:
        return rows, {"IsTruncated": False}
    return rows[:limit], {"IsTruncated": True, "Marker": call.token(place(rows[limit - 1]))}
