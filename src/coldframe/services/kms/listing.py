"""How KMS pages its listings: Limit, Marker, NextMarker and Truncated."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from coldframe.core.call import Call

T = TypeVar("T")


def limit_of(request: dict[str, Any], default: int, most: int) -> int:
    """Return how many items a page has."""
    return min(request.get("Limit") or default, most)


def marker_of(call: Call, request: dict[str, Any]) -> Any:
    """Return the position that the Marker stands for, None without one; raises InvalidMarkerException."""
    return call.page(request.get("Marker"), code="InvalidMarkerException")


def page(
    call: Call,
    member: str,
    rows: Sequence[T],
    limit: int,
    *,
    place: Callable[[T], Any],
    show: Callable[[T], Any],
) -> dict[str, Any]:
    """Return one page of rows, of which there may be one more than the limit to tell that there is another page."""
    answer: dict[str, Any] = {member: [show(row) for row in rows[:limit]], "Truncated": len(rows) > limit}
    if len(rows) > limit:
        answer["NextMarker"] = call.token(place(rows[limit - 1]))
    return answer
