"""Pages of a listing: a page has one row more behind it when there is a token for the next."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from coldframe.core.call import Call

T = TypeVar("T")

MOST = 50


def page(
    call: Call, rows: Sequence[T], limit: int, position: Callable[[T], Any]
) -> tuple[Sequence[T], dict[str, str]]:
    """Return the first `limit` rows, and the answer's nextToken member where there are more rows than that."""
    if len(rows) <= limit:
        return rows, {}
    shown = rows[:limit]
    return shown, {"nextToken": call.token(position(shown[-1]))}
