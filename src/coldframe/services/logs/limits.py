"""The documented limits of PutLogEvents, and what happens to events outside the window of acceptance."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from coldframe.services.logs.lookup import invalid

MOST_BYTES = 1_048_576
BYTES_PER_EVENT = 26
MOST_EVENT_BYTES = 1_048_576
DAY = 86_400_000
LONGEST_SPAN = DAY
OLDEST = 14 * DAY
NEWEST = 2 * 3_600_000


class Accepted(NamedTuple):
    """The events from `first` up to `end` are accepted; `rejected` is rejectedLogEventsInfo, empty if all are."""

    first: int
    end: int
    rejected: dict[str, int]


def check(
    times: Sequence[int],
    messages: Sequence[str],
    *,
    now: int,
    retention_days: int | None,
) -> Accepted:
    """Hold a batch against the limits; times in milliseconds.

    Raises InvalidParameterException for a batch that is refused whole: too large, not in chronological order, or over
    24 hours long. Source: PutLogEvents in the API reference.
    """
    text = "".join(messages)
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    total = size + BYTES_PER_EVENT * len(messages)
    if total > MOST_BYTES:
        raise invalid(f"Upload too large: {total} bytes exceeds limit of {MOST_BYTES}")
    if times != sorted(times):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    kept_from = 0 if retention_days is None else now - retention_days * DAY
    expired = bisect_left(times, kept_from)
    too_old = bisect_left(times, now - OLDEST)
    too_new = bisect_left(times, now + NEWEST + 1)
    first, end = max(expired, too_old), too_new
    if first < end and times[end - 1] - times[first] > LONGEST_SPAN:
        raise invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    rejected = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired > too_old:
        rejected["expiredLogEventEndIndex"] = expired
    if too_new < len(times):
        rejected["tooNewLogEventStartIndex"] = too_new
    return Accepted(first, max(first, end), rejected)
