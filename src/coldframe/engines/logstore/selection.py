"""Which rows a read wants: a half-open range of positions, streams, a text, and what was dropped meanwhile."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from coldframe.engines.logstore.rows import Position

EVER = 2**62


class Expiry(NamedTuple):
    """Rows with a timestamp below `floor` and a sequence below `before` are gone: what was stored later stays."""

    floor: int
    before: int

    def covers(self, other: "Expiry") -> bool:
        """Tell whether all that the other one says follows from this."""
        return self.floor >= other.floor and self.before >= other.before


@dataclass(frozen=True, slots=True)
class Hidden:
    """What of a group is gone though its rows may still be stored: dropped or expired.

    Sequences below `before`, or below that of their stream, are gone, and what one of `expired` says.
    """

    expired: tuple[Expiry, ...] = ()
    before: int = 0
    streams: Mapping[str, int] = field(default_factory=dict)

    def with_expired(self, expiry: Expiry) -> "Hidden":
        """Return this with a further expiry; those that it covers are left out."""
        if any(each.covers(expiry) for each in self.expired):
            return self
        return replace(self, expired=(*(each for each in self.expired if not expiry.covers(each)), expiry))

    def floor_of(self, sequence: int) -> int:
        """Return the timestamp below which all rows up to this sequence have expired."""
        return max((floor for floor, before in self.expired if sequence < before), default=-EVER)


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows from `low` (inclusive) to `high` (exclusive), of these streams, whose message contains the text.

    `expired` are those expiries that say something of this range.
    """

    low: Position
    high: Position
    descending: bool
    streams: frozenset[str] | None
    contains: str | None
    hidden: Hidden
    expired: tuple[Expiry, ...]

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

    def wants(self, stream: str, timestamp: int, sequence: int) -> bool:
        """Tell whether a row of this stream is wanted, and neither dropped nor expired."""
        if self.streams is not None and stream not in self.streams:
            return False
        for floor, before in self.expired:
            if timestamp < floor and sequence < before:
                return False
        return sequence >= self.hidden.before and sequence >= self.hidden.streams.get(stream, 0)

    @property
    def wants_every_row(self) -> bool:
        """Tell whether only the positions decide."""
        return self.streams is None and self.contains is None and not self.hides_some

    @property
    def hides_some(self) -> bool:
        """Tell whether a row of the range may be dropped or expired."""
        return bool(self.hidden.before or self.hidden.streams or self.expired)


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
    low = Position(start, -1)
    high = Position(end, -1)
    if after is not None and descending:
        high = min(high, Position(*after))
    elif after is not None:
        low = max(low, Position(after[0], after[1] + 1))
    chosen = None if streams is None else frozenset(streams)
    expired = tuple(each for each in hidden.expired if each.floor > low.timestamp)
    return Selection(low, high, descending, chosen, contains, hidden, expired)


def everything(hidden: Hidden) -> Selection:
    """Return the selection of all rows that are not hidden."""
    return select(-EVER, EVER, streams=None, after=None, descending=False, contains=None, hidden=hidden)
