"""The distributions of a block's cells in columns, from which a percentile is read without making the cells.

Every cell's values stand in order, one cell after another, beside a count that runs on over the whole block: where a
percentile lies is one bisection. Packed, they are a MessagePack list: a byte for each cell (`_EQUAL` ...), where each
cell's values end (uint32), then the type of the values and the values, and the type of the counts and the counts. The
type is an array's: `h` is the number of a bucket, `d` a value itself; `I` where all counts are whole, else `d`.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, chain, pairwise, repeat
from typing import Any

import msgspec

from coldframe.engines.metricstore.cell import Cell, bucket_number, bucket_value

_EQUAL, _OPAQUE, _EXACT, _FOLDED = range(4)
# The number that stands for the bucket of zero: no other bucket of a positive float comes near it.
_ZERO = -(2**15)
_LARGEST_WHOLE = 2**32 - 1


class Distributions:
    """Of each cell: nothing where all its values are equal or none is known, else values in order with their counts."""

    __slots__ = ("ends", "kinds", "seen", "values")

    def __init__(self, kinds: bytes, ends: "array[int]", values: "array[Any]", seen: "array[Any]") -> None:
        self.kinds = kinds
        self.ends = ends
        self.values = values
        self.seen = seen

    def percentiles(
        self, share: float, counts: Sequence[float], leasts: Sequence[float], mosts: Sequence[float]
    ) -> list[float | None]:
        """Return each cell's percentile, as `statistics.percentile` does; the cells' other columns stand beside."""
        # Where nothing or one value is known, all three agree; else the place is looked up below.
        found: list[float | None] = [
            most if most == least >= 0 else None for least, most in zip(leasts, mosts, strict=True)
        ]
        rows = [
            row
            for row, kind in enumerate(self.kinds)
            if kind >= _EXACT and leasts[row] != mosts[row] and leasts[row] >= 0
        ]
        ends, seen, part = self.ends, self.seen, share / 100
        begins = [ends[row - 1] if row else 0 for row in rows]
        wanted = [
            (seen[begin - 1] if begin else 0) + counts[row] * part - 1e-9
            for row, begin in zip(rows, begins, strict=True)
        ]
        places = map(bisect_left, repeat(seen), wanted, begins, [ends[row] - 1 for row in rows])
        values = map(self.values.__getitem__, places)
        if self.values.typecode == "h":
            values = map(_bucket_value, values)
        for row, value in zip(rows, values, strict=True):
            least, most = leasts[row], mosts[row]
            found[row] = least if value < least else most if value > most else value
        return found

    def put_into(self, row: int, cell: Cell) -> None:
        """Give a cell, whose row it is, its distribution."""
        kind = self.kinds[row]
        if kind == _OPAQUE:
            cell.opaque = True
        elif kind != _EQUAL:
            cell.folded = kind == _FOLDED
            begin, end = self.ends[row - 1] if row else 0, self.ends[row]
            values = _plain(self.values[begin:end])
            seen = [self.seen[begin - 1] if begin else 0, *self.seen[begin:end]]
            counts = [float(after - before) for before, after in pairwise(seen)]
            cell.values = dict(zip(values, counts, strict=True))

    def first(self, rows: int) -> "Distributions":
        """Return those of the first rows."""
        end = self.ends[rows - 1] if rows else 0
        return Distributions(self.kinds[:rows], self.ends[:rows], self.values[:end], self.seen[:end])

    def followed_by(self, more: "Distributions") -> "Distributions":
        """Return these and then others."""
        if not more.kinds:
            return self
        values, theirs = self.values, more.values
        if values.typecode != theirs.typecode and values and theirs:
            values, theirs = _plain(values), _plain(theirs)
        elif not values:
            values = theirs[:0]
        elif not theirs:
            theirs = values[:0]
        before = self.seen[-1] if self.seen else 0
        seen, later = self.seen, more.seen
        whole = seen.typecode == later.typecode == "I" and (not later or before + later[-1] <= _LARGEST_WHOLE)
        if not whole:
            seen, later = array("d", seen), array("d", later)
        shift = len(self.values)
        return Distributions(
            self.kinds + more.kinds,
            self.ends + array("I", [shift + end for end in more.ends]),
            values + theirs,
            seen + array(seen.typecode, [before + count for count in later]),
        )

    def packed(self) -> bytes | None:
        """Return them as they lie on the disk; None when all values of each cell are equal."""
        if not any(self.kinds):
            return None
        values, seen = self.values, self.seen
        return msgspec.msgpack.encode(
            [
                self.kinds,
                self.ends.tobytes(),
                values.typecode,
                values.tobytes(),
                seen.typecode,
                seen.tobytes(),
            ]
        )


def equal(rows: int) -> Distributions:
    """Return the distributions of cells of which each has one value."""
    return Distributions(bytes(rows), array("I", bytes(4 * rows)), array("h"), array("I"))


def of_cells(cells: Sequence[Cell | None]) -> Distributions:
    """Return the distributions of cells; None is a cell whose values are all equal."""
    kinds = bytes(
        _EQUAL
        if cell is None
        else _OPAQUE
        if cell.opaque
        else _EQUAL
        if cell.values is None
        else _FOLDED
        if cell.folded
        else _EXACT
        for cell in cells
    )
    if not any(kinds):
        return equal(len(cells))
    known = [cell.values or {} for cell, kind in zip(cells, kinds, strict=True) if cell and kind >= _EXACT]
    orders = list(map(sorted, known))
    lengths = iter(orders)
    ends = array("I", accumulate(len(next(lengths)) if kind >= _EXACT else 0 for kind in kinds))
    counts = [float(values[value]) for values, order in zip(known, orders, strict=True) for value in order]
    seen = list(accumulate(counts))
    whole = all(map(float.is_integer, counts)) and (not seen or seen[-1] <= _LARGEST_WHOLE)
    running = array("I", map(int, seen)) if whole else array("d", seen)
    values: array[Any]
    if _EXACT in kinds:
        values = array("d", chain.from_iterable(orders))
    else:
        numbers = list(map(_bucket_number, chain.from_iterable(orders)))
        fits = not numbers or (min(numbers) >= _ZERO and max(numbers) < 2**15)
        values = array("h", numbers) if fits else array("d", chain.from_iterable(orders))
    return Distributions(kinds, ends, values, running)


_Packed = msgspec.msgpack.Decoder(tuple[bytes, memoryview, str, memoryview, str, memoryview])


def unpacked(data: bytes) -> Distributions:
    """Read what `packed` returned."""
    kinds, ends, value_type, values, count_type, seen = _Packed.decode(data)
    # The lengths that an array's type has are checked by the array itself.
    return Distributions(kinds, _array("I", ends), _array(value_type, values), _array(count_type, seen))


def _array(kind: str, data: memoryview) -> "array[Any]":
    made = array(kind)
    made.frombytes(data)
    return made


def _plain(values: "array[Any]") -> "array[float]":
    return array("d", map(_bucket_value, values)) if values.typecode == "h" else values


def _bucket_number(value: float) -> int:
    return _ZERO if value == 0 else bucket_number(value)


def _bucket_value(number: int) -> float:
    return 0.0 if number == _ZERO else bucket_value(number)
