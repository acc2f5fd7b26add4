"""Lists of numbers and times in CBOR, written in one piece: the bytes are those of writing each item."""

import math

import cbor2
import pytest

from coldframe.gateway.protocols import cbor_columns

NUMBERS = [0.1, -0.0, 1e300, 5e-324, 3.0, 2.0**53, -7.25]
TIMES = [2**16, 1_700_000_000, 2**31, 2**32 - 1]


@pytest.mark.parametrize("count", [0, 1, 5, 23, 24, 255, 256, 65_535, 65_536])
def test_numbers(count):
    items = [NUMBERS[at % len(NUMBERS)] for at in range(count)]
    encoded = cbor_columns.doubles(items)
    assert encoded.data == cbor2.dumps(items)
    assert cbor2.dumps({"a": encoded}, default=cbor_columns.write) == cbor2.dumps({"a": items})


@pytest.mark.parametrize("count", [1, 23, 24, 256, 70_000])
def test_times(count):
    items = [TIMES[at % len(TIMES)] for at in range(count)]
    assert cbor_columns.times(items).data == cbor2.dumps([cbor2.CBORTag(1, item) for item in items])


def test_whole_numbers_are_written_as_doubles():
    assert cbor_columns.doubles([1, 2]).data == cbor2.dumps([1.0, 2.0])


@pytest.mark.parametrize("items", [[math.nan], [1.0, math.inf], [None], ["1"], [10**400]])
def test_numbers_that_go_the_long_way(items):
    assert cbor_columns.doubles(items) is None


@pytest.mark.parametrize("items", [[], [65_535], [2**32], [-1], [1.5], [True], [None], ["1970"]])
def test_times_that_go_the_long_way(items):
    assert cbor_columns.times(items) is None


def test_what_is_no_cbor_is_refused():
    with pytest.raises(cbor2.CBOREncodeError):
        cbor2.dumps({"a": object()}, default=cbor_columns.write)
