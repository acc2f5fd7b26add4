"""Looks that are left behind: they keep nobody waiting, are not begun twice, and are no more than the limit."""

import threading

import pytest

from coldframe.engines.database import DatabaseError
from coldframe.services.rds import looks as module
from coldframe.services.rds.looks import Looks
from tests.journeys.process import until


@pytest.fixture
def looks(monkeypatch):
    monkeypatch.setattr(module, "CLOSING", 5.0)
    made = Looks()
    yield made
    made.close()
    assert not made.under_way()


def test_a_look_that_has_no_end_delays_no_other_and_is_not_begun_again(looks):
    go, begun, seen = threading.Event(), [], []
    work = [("sick", lambda: (begun.append(1), go.wait(30))), ("well", lambda: seen.append(1))]
    for _ in range(3):
        looks.each(work)
    assert (len(begun), len(seen)) == (1, 3)
    assert looks.under_way() == {"sick"}
    go.set()
    until(lambda: not looks.under_way())
    looks.each(work)
    assert len(begun) == 2


def test_looks_that_are_well_come_one_after_the_other_on_one_thread(looks):
    threads = set()
    looks.each([(str(number), lambda: threads.add(threading.current_thread())) for number in range(20)])
    assert len(threads) == 1


def test_there_are_no_more_threads_than_the_limit(looks, monkeypatch, caplog):
    monkeypatch.setattr(module, "MOST", 3)
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    go, begun = threading.Event(), []
    looks.each([(str(number), lambda: (begun.append(1), go.wait(30))) for number in range(5)])
    assert len(looks.under_way()) == 3
    until(lambda: len(begun) == 3)
    assert sum("is not looked at now: 3 other looks have no end" in each for each in caplog.messages) == 2
    go.set()


def test_what_fails_is_told_and_ends_no_thread(looks, caplog):
    def refused():
        raise DatabaseError("it is full", "make room")

    def broken():
        raise ZeroDivisionError

    seen = []
    looks.each([("one", refused), ("two", broken), ("three", lambda: seen.append(1))])
    assert seen == [1]
    assert any(each.startswith("one: it is full") for each in caplog.messages)
    assert "two could not be looked at" in caplog.messages


def test_after_its_end_nothing_is_looked_at(looks):
    seen = []
    looks.close()
    looks.each([("late", lambda: seen.append(1))])
    assert not seen
