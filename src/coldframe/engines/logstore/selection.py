"""Which rows a read wants: a half-open range of positions, streams, a text, and what was dropped meanwhile."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from coldframe.engines.logstore.rows import Position

EVER = 2**62


@dataclass(frozen=True, slots=True)
class Hidden:
    """What of a group is gone though its rows may still be stored: dropped or expired."""

    floor: int = -EVER
    before: int = 0
    streams: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows from `low` (inclusive) to `high` (exclusive), of these streams, whose message contains the text."""

    low: Position
    high: Position
    descending: bool
    streams: frozenset[str] | None
    contains: str | None
    hidden: Hidden

    def touches(self, low: Position, high: Position) -> bool:
        """Tell whether a block from low to high (both inclusive) can hold a wanted row."""
        return low < self.high and high >= self.low

    def within(self, count: int, position: Callable[[int], tuple[int, int]]) -> range:
        """Return the indices, of `count` ordered rows, whose positions lie in the range."""
        first = bisect_left(range(count), (self.low[0], self.low[1]), key=position)
        return range(first, bisect_left(range(count), (self.high[0], self.high[1]), first, key=position))

    def key(self, position: tuple[int, int]) -> tuple[int, int]:
        """Return what orders this position in the direction of the read."""
        return (-position[0], -position[1]) if self.descending else position

    def wants(self, stream: str, sequence: int) -> bool:
        """Tell whether a row of this stream and sequence is wanted and not dropped."""
        if self.streams is not None and stream not in self.streams:
            return False
        return sequence >= self.hidden.before and sequence >= self.hidden.streams.get(stream, 0)

    @property
    def wants_every_row(self) -> bool:
        """Tell whether only the positions decide."""
        hidden = self.hidden
        return self.streams is None and self.contains is None and not hidden.before and not hidden.streams


def select(
    start: int,
    end: int,
    *,
    streams: set[str] | None,
    after: Position | None,
    descending: bool,
    contains: str | None,
    hidden: Hidden,
) -> Selection:
    """Return the selection of timestamps start (inclusive) to end (exclusive), in milliseconds, past `after`."""
    low = Position(max(start, hidden.floor), -1)
    high = Position(end, -1)
    if after is not None and descending:
        high = min(high, Position(*after))
    elif after is not None:
        low = max(low, Position(after[0], after[1] + 1))
    return Selection(low, high, descending, None if streams is None else frozenset(streams), contains, hidden)


def everything(hidden: Hidden) -> Selection:
    """Return the selection of all rows that are not hidden."""
    return select(-EVER, EVER, streams=None, after=None, descending=False, contains=None, hidden=hidden)
