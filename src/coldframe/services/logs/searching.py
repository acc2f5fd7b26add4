"""A search over a group's events: bounded work for each page, whatever the group holds."""

from typing import NamedTuple

from coldframe.engines.logstore.rows import Position, Row
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.filter_patterns import InvalidPattern, compile_pattern
from coldframe.services.logs.limits import BYTES_PER_EVENT
from coldframe.services.logs.lookup import invalid

MOST_BYTES = 1_048_576
# A page that looks at this many events without filling ends with a token, so that no call takes long.
MOST_SEARCHED = 500_000


class Search(NamedTuple):
    """What is looked for: streams by name or by prefix, times from `start` to before `end` (ms), a filter pattern."""

    group_id: str
    streams: set[str] | None
    prefix: str | None
    start: int
    end: int
    pattern: str


class Found(NamedTuple):
    """The rows of a page, and the position after which there may be more (None at the end)."""

    rows: list[Row]
    more_after: Position | None


def matching(
    store: LogStore, search: Search, after: Position | None, *, most: int, descending: bool
) -> Found:
    """Return up to `most` rows that match; raises InvalidParameterException for a pattern that is none."""
    try:
        pattern = compile_pattern(search.pattern)
    except InvalidPattern as error:
        raise invalid(error.message) from error
    streams = search.streams
    if search.prefix is not None:
        streams = {name for name in store.streams(search.group_id) if name.startswith(search.prefix)}
        if not streams:
            return Found([], None)
    rows: list[Row] = []
    size = searched = 0
    batches = store.scan_batches(
        search.group_id,
        streams=streams,
        start=search.start,
        end=search.end,
        after=after,
        descending=descending,
        contains=max(pattern.required_literals, key=len, default=None),
    )
    last: Position | None = None
    for batch in batches:
        for row in batch.pick(pattern.select(batch.message)).rows():
            size += len(row.message) + BYTES_PER_EVENT
            if len(rows) == most or (size > MOST_BYTES and rows):
                return Found(rows, rows[-1].position)
            rows.append(row)
        searched += len(batch)
        if len(batch):
            last = Position(batch.ts[-1], batch.seq[-1])
        if searched >= MOST_SEARCHED:
            return Found(rows, last)
    return Found(rows, None)
