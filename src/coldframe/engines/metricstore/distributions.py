"""The distributions of a block's cells in columns, from which a percentile is read without making the cells.

Every cell's values stand in order, one cell after another, beside a count that runs on over the whole block: where a
percentile lies is one bisection. Packed, they are a MessagePack list: a byte for each cell (`_EQUAL` ...), where each
cell's values end (uint32), then the type of the values and the values, and the type of the counts and the counts. The
type is an array's: `h` is the number of a bucket, `d` a value itself; `I` where all counts are whole, else `d`.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, chain
from operator import sub
from typing import Any

import msgspec

from coldframe.engines.metricstore.cell import Cell, bucket_number, bucket_value

_EQUAL, _OPAQUE, _EXACT, _FOLDED = range(4)
# The number that stands for the bucket of zero: no other bucket of a positive float comes near it.
_ZERO = -(2**15)
_LARGEST_WHOLE = 2**32 - 1


class Distributions:
    """Of each cell: nothing where all its values are equal or none is known, else values in order with their counts."""

    __slots__ = ("_buckets", "_ends", "_kinds", "_seen", "_values")

    def __init__(
        self, kinds: bytes, ends: "array[int]", values: "array[Any]", seen: "array[Any]", *, buckets: bool
    ) -> None:
        self._kinds = kinds
        self._ends = ends
        self._values = values
        self._seen = seen
        self._buckets = buckets

    def percentiles(
        self, share: float, counts: Sequence[float], leasts: Sequence[float], mosts: Sequence[float]
    ) -> list[float | None]:
        """Return each cell's percentile, as `statistics.percentile` does; the cells' other columns stand beside."""
        found: list[float | None] = []
        begin = 0
        seen, values, buckets = self._seen, self._values, self._buckets
        part = share / 100
        for kind, end, count, least, most in zip(self._kinds, self._ends, counts, leasts, mosts, strict=True):
            if least < 0:
                found.append(None)
            elif least == most:
                found.append(most)
            elif kind < _EXACT:
                found.append(None)
            else:
                wanted = (seen[begin - 1] if begin else 0) + count * part - 1e-9
                at = bisect_left(seen, wanted, begin, end - 1)
                value = _bucket_value(values[at]) if buckets else values[at]
                found.append(least if value < least else most if value > most else value)
            begin = end
        return found

    def put_into(self, cells: Sequence[Cell]) -> None:
        """Give each cell its distribution."""
        begin = 0
        values: Sequence[float] = (
            [_bucket_value(number) for number in self._values] if self._buckets else self._values
        )
        for cell, kind, end in zip(cells, self._kinds, self._ends, strict=True):
            if kind == _OPAQUE:
                cell.opaque = True
            elif kind != _EQUAL:
                cell.folded = kind == _FOLDED
                before = [self._seen[begin - 1] if begin else 0, *self._seen[begin : end - 1]]
                counts = map(float, map(sub, self._seen[begin:end], before))
                cell.values = dict(zip(values[begin:end], counts, strict=True))
            begin = end


def packed(cells: Sequence[Cell]) -> bytes | None:
    """Return the distributions of cells as they lie on the disk; None when there are none."""
    kinds = bytes(
        _OPAQUE if cell.opaque else _EQUAL if cell.values is None else _FOLDED if cell.folded else _EXACT
        for cell in cells
    )
    if not any(kinds):
        return None
    orders = [cell.ordered()[0] if kind >= _EXACT else [] for cell, kind in zip(cells, kinds, strict=True)]
    ends = array("I", accumulate(map(len, orders)))
    counts = [
        (cell.values or {})[value] for cell, order in zip(cells, orders, strict=True) for value in order
    ]
    seen = list(accumulate(counts))
    whole = all(map(float.is_integer, map(float, counts))) and (not seen or seen[-1] <= _LARGEST_WHOLE)
    running = array("I", map(int, seen)) if whole else array("d", seen)
    values: array[Any]
    if _EXACT in kinds:
        values = array("d", chain.from_iterable(orders))
    else:
        numbers = [_bucket_number(value) for value in chain.from_iterable(orders)]
        fits = all(_ZERO <= number < 2**15 for number in numbers)
        values = array("h", numbers) if fits else array("d", chain.from_iterable(orders))
    return msgspec.msgpack.encode(
        [
            kinds,
            ends.tobytes(),
            values.typecode,
            values.tobytes(),
            running.typecode,
            running.tobytes(),
        ]
    )


_Packed = msgspec.msgpack.Decoder(tuple[bytes, memoryview, str, memoryview, str, memoryview])


def unpacked(data: bytes) -> Distributions:
    """Read what `packed` returned."""
    kinds, ends, value_type, values, count_type, seen = _Packed.decode(data)
    # The lengths that an array's type has are checked by the array itself.
    return Distributions(
        kinds,
        array("I", bytes(ends)),
        array(value_type, bytes(values)),
        array(count_type, bytes(seen)),
        buckets=value_type == "h",
    )


def _bucket_number(value: float) -> int:
    return _ZERO if value == 0 else bucket_number(value)


def _bucket_value(number: int) -> float:
    return 0.0 if number == _ZERO else bucket_value(number)
