"""Slots that nobody uses any more are dropped; one to which somebody has come back meanwhile is left, and harms nobody."""

import pytest

from coldframe.engines.postgresql import groups
from coldframe.engines.postgresql.admin import QueryFailed


class Slots:
    """A session at a server with three slots, one of which cannot be dropped."""

    def __init__(self, code):
        self.code = code
        self.dropped = []

    def query(self, statement):
        if "FROM pg_replication_slots" in statement:
            return [("coldframe_p1_",), ("coldframe_p2_",), ("coldframe_p3_",)]
        name = statement.split("'")[1]
        if name == "coldframe_p2_":
            raise QueryFailed(self.code, "it cannot be dropped")
        self.dropped.append(name)
        return []


@pytest.mark.parametrize("code", ["55006", "42704"])
def test_one_that_is_in_use_again_or_gone_stops_nobody(code):
    slots = Slots(code)
    groups._drop_idle(slots)
    assert slots.dropped == ["coldframe_p1_", "coldframe_p3_"]


def test_another_refusal_is_told():
    with pytest.raises(QueryFailed):
        groups._drop_idle(Slots("53100"))
