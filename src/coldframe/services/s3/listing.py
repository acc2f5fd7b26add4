"""Going through a bucket in the order of its keys, with what a delimiter groups told once."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from coldframe.core.statements import LAST_CHARACTER
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.records import Upload, Version
from coldframe.services.s3.refusals import invalid_argument

R = TypeVar("R", Version, Upload)
MOST = 1000
_BATCH = 1000


class Page(NamedTuple):
    """Rows and common prefixes in their common order, and whether there is more."""

    rows: list[Any]
    prefixes: list[str]
    truncated: bool
    last: Any


def page_of(
    fetch: Callable[[tuple[Any, ...] | None, int], list[R]],
    *,
    prefix: str,
    delimiter: str,
    limit: int,
    after: tuple[Any, ...] | None,
    beyond: str = "",
) -> Page:
    """Take up to `limit` rows and common prefixes behind `after`; `beyond` is a common prefix that was told already.

    `fetch` gives rows behind a position in their order; `last` of the page is the last row or prefix told.
    """
    rows: list[R] = []
    prefixes: list[str] = []
    last: Any = None
    for item in _items(fetch, prefix, delimiter, after, beyond):
        if len(rows) + len(prefixes) >= limit:
            return Page(rows, prefixes, True, last)
        last = item
        if isinstance(item, str):
            prefixes.append(item)
        else:
            rows.append(item)
    return Page(rows, prefixes, False, last)


def _items(
    fetch: Callable[[tuple[Any, ...] | None, int], list[R]],
    prefix: str,
    delimiter: str,
    after: tuple[Any, ...] | None,
    told: str,
) -> Iterator[R | str]:
    """Give rows and common prefixes; behind a prefix the next fetch jumps over everything that it stands for."""
    size = 32 if delimiter else _BATCH
    while True:
        batch: list[R] = fetch(after, size)
        row: R
        for row in batch:
            after = _place(row)
            end = row.key.find(delimiter, len(prefix)) if delimiter else -1
            if end < 0:
                yield row
                continue
            group = row.key[: end + len(delimiter)]
            if group != told:
                told = group
                yield group
            beyond = (row.bucket, group + LAST_CHARACTER, *_last(row))
            if beyond > after:
                after = beyond
                break
        else:
            if len(batch) < size:
                return


def _place(row: Version | Upload) -> tuple[Any, ...]:
    return (row.bucket, row.key, row.rank if isinstance(row, Version) else row.upload_id)


def _last(row: Version | Upload) -> tuple[Any, ...]:
    return (1,) if isinstance(row, Version) else (LAST_CHARACTER,)


def wanted_count(request: Request, member: str) -> int:
    """Return how many a listing may tell, at most 1,000; raises InvalidArgument for less than none."""
    count = request.get(member)
    if count is not None and count < 0:
        raise invalid_argument(
            f"Argument {member} must be an integer between 0 and 2147483647", member, count
        )
    return MOST if count is None else min(count, MOST)


def encoder(request: Request) -> Callable[[str], str]:
    """Return how keys are written in the answer: as they are, or URL-encoded when the client asks."""
    if request.get("EncodingType") == "url":
        return lambda text: quote(text, safe="/-_.~*")
    return lambda text: text
