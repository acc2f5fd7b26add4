"""The room for request bodies: what is over it is refused, what ends gives its share back, small bodies need none."""

import pytest

from coldframe.server.body_room import BodyRoom, NoRoom

KILOBYTE = 1024


def test_what_does_not_fit_is_refused_until_another_ends():
    room = BodyRoom(1000 * KILOBYTE)
    with room.lease() as first:
        for size in (10, 500, 1000):
            first.hold(size * KILOBYTE)
        with room.lease() as second, pytest.raises(NoRoom):
            second.hold(500 * KILOBYTE)
        with room.lease() as small:
            small.hold(64 * KILOBYTE)
    with room.lease() as second:
        second.hold(1064 * KILOBYTE)
        with pytest.raises(NoRoom):
            second.hold(1065 * KILOBYTE)
    with room.lease() as last:
        last.hold(1064 * KILOBYTE)
