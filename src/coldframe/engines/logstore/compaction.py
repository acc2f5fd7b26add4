"""Which segments to merge or to forget: small ones eight at a time, and those with much that is hidden."""

from collections.abc import Sequence

from coldframe.engines.logstore.segment import Segment
from coldframe.engines.logstore.selection import Hidden

_TOGETHER = 8
_LARGEST_ROWS = 1_000_000
_HIDDEN_SHARE = 0.25


def dead(segment: Segment, hidden: Hidden) -> bool:
    """Tell whether nothing of the segment is visible any more."""
    high = segment.entry.high_seq
    if segment.high.timestamp < hidden.floor_of(high) or high < hidden.before:
        return True
    if not hidden.streams:
        return False
    return all(high < hidden.streams.get(name, 0) for name in segment.content.streams)


def next_merge(segments: Sequence[Segment], hidden: Hidden) -> list[Segment]:
    """Return the segments to write anew as one, or none when the group is in good order."""
    usable = [segment for segment in segments if not segment.quarantined]
    for segment in usable:
        if holds_much_hidden(segment, hidden):
            return [segment]
    sizes: dict[int, list[Segment]] = {}
    for segment in usable:
        if segment.entry.rows < _LARGEST_ROWS:
            sizes.setdefault(segment.entry.rows.bit_length() // 3, []).append(segment)
    for size in sorted(sizes):
        if len(sizes[size]) >= _TOGETHER:
            return sizes[size][:_TOGETHER]
    return []


def holds_much_hidden(segment: Segment, hidden: Hidden) -> bool:
    """Tell whether rewriting the segment is worth it: a dropped stream at once, expired rows from a quarter on."""
    if segment.entry.low_seq < hidden.before:
        return True
    floor = hidden.floor_of(segment.entry.high_seq)
    if floor > segment.low.timestamp:
        span = segment.high.timestamp - segment.low.timestamp + 1
        if (floor - segment.low.timestamp) / span >= _HIDDEN_SHARE:
            return True
    return any(
        name in segment.content.streams and segment.entry.low_seq < before
        for name, before in hidden.streams.items()
    )
