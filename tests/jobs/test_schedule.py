"""Periodic work: on time, in its rhythm, once after a pause, and not stopped by one that fails."""

import threading
from datetime import UTC, datetime

import pytest

from coldframe.core.database import StoreFull
from coldframe.core.store import Store
from coldframe.jobs.attempt import Timing
from coldframe.jobs.schedule import Periodic, Schedule, ScheduleRow

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp()


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = NOON
        self.timing = Timing(lambda: self.time)


@pytest.fixture
def hand(store: Store) -> Hand:
    store.prepare([ScheduleRow])
    return Hand()


def test_every_so_often_without_drift_and_once_for_all_that_was_missed(store: Store, hand: Hand) -> None:
    ran: list[float] = []
    periodic = [Periodic("retention", lambda: ran.append(hand.time - NOON), every=3600)]
    schedule = Schedule(store, periodic, hand.timing)
    assert schedule.run_due() == NOON + 3600
    for moment in (3599, 3600, 3601, 7500, 10_799, 10_800):
        hand.time = NOON + moment
        schedule.run_due()
    assert ran == [3600, 7500, 10_800]
    hand.time = NOON + 60_000.5
    later = Schedule(store, periodic, hand.timing)
    assert later.run_due() == NOON + 61_200
    assert ran == [3600, 7500, 10_800, 60_000.5]
    assert store.cached(ScheduleRow, "", "", "retention") == ScheduleRow(
        name="retention", due=NOON + 57_600, ran=NOON + 60_000.5
    )


def test_daily_at_a_time(store: Store, hand: Hand) -> None:
    ran: list[float] = []
    schedule = Schedule(store, [Periodic("daily", lambda: ran.append(hand.time), at=3 * 3600)], hand.timing)
    assert schedule.run_due() == NOON + 15 * 3600
    hand.time = NOON + 15 * 3600
    assert schedule.run_due() == NOON + 39 * 3600
    hand.time = NOON + 10 * 86400
    assert schedule.run_due() == NOON + 10 * 86400 + 15 * 3600
    assert len(ran) == 2


def test_one_that_fails_is_told_and_stops_no_other(store: Store, hand: Hand) -> None:
    ran: list[int] = []
    schedule = Schedule(
        store,
        [Periodic("bad", lambda: 1 / 0, every=5), Periodic("good", lambda: ran.append(1), every=5)],
        hand.timing,
    )
    schedule.run_due()
    hand.time += 5
    schedule.run_due()
    assert ran == [1, 1]
    assert store.cached(ScheduleRow, "", "", "bad").error == "ZeroDivisionError: division by zero"
    with pytest.raises(ValueError, match="no schedule"):
        Periodic("never", int, every=0)


def test_frequent_work_writes_nothing_but_what_went_wrong(store: Store, hand: Hand) -> None:
    ran: list[float] = []
    failing = [False]

    def work() -> None:
        ran.append(hand.time - NOON)
        if failing[0]:
            raise ValueError("broken")

    def error() -> str | None:
        row = store.cached(ScheduleRow, "", "", "often")
        return None if row is None else row.error

    schedule = Schedule(store, [Periodic("often", work, every=10)], hand.timing)
    # A start does at once what may have been missed, and keeps its own rhythm from there.
    assert schedule.run_due() == NOON + 10
    hand.time = NOON + 25
    assert schedule.run_due() == NOON + 30
    assert ran == [0, 25]
    assert error() is None
    for failing[0], written in ((True, "ValueError: broken"), (True, "ValueError: broken"), (False, "")):
        changes = store.changes
        before = error()
        hand.time += 10
        schedule.run_due()
        assert error() == written
        assert (store.changes > changes) is (before != written)


def test_the_thread_runs_what_is_due_and_stops(store: Store, hand: Hand) -> None:
    ran = threading.Event()

    def wait(event: threading.Event, seconds: float) -> None:
        hand.time += seconds
        event.wait(0.001)

    schedule = Schedule(store, [Periodic("soon", ran.set, every=3600)], Timing(lambda: hand.time, wait))
    schedule.open()
    assert ran.wait(10)
    assert schedule.close()
    empty = Schedule(store, [], hand.timing)
    empty.open()
    assert empty.close()


def test_a_store_that_is_full_for_a_while_ends_nothing(store: Store, hand: Hand, monkeypatch) -> None:
    ran: list[str] = []

    def failing() -> None:
        ran.append("frequent")
        raise ValueError("no space")

    periodic = [
        Periodic("frequent", failing, every=2),
        Periodic("rare", lambda: ran.append("rare"), every=3600),
    ]
    schedule = Schedule(store, periodic, hand.timing)
    schedule.run_due()
    with monkeypatch.context() as full:

        def write() -> None:
            raise StoreFull("no space is left")

        full.setattr(store, "write", write)
        hand.time = NOON + 3600
        for _ in range(3):
            assert schedule.run_due() == hand.time + 2
        # Each once: what cannot be written down is not done again and again.
        assert ran == ["frequent", "frequent", "rare"]
    hand.time = NOON + 7200
    schedule.run_due()
    assert ran[3:] == ["frequent", "rare"]
    assert store.cached(ScheduleRow, "", "", "rare").due == NOON + 7200
