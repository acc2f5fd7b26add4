"""Group commit by itself: who leads, who waits, and that a lead which is cut short acknowledges nobody."""

import threading

import pytest

from coldframe.engines.logstore.commit import GroupCommit
from coldframe.engines.logstore.errors import StorageFailed

PATIENCE = 20


class Wal:
    """Stands in the log's place: waits when told to, and raises when told to."""

    def __init__(self):
        self.rounds = []
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.raises = None

    def commit(self, frames):
        self.rounds.append(frames)
        self.entered.set()
        assert self.go_on.wait(PATIENCE)
        if self.raises is not None:
            raise self.raises


def outcome_of(commit, frame, outcomes):
    """Submit in a thread of its own; what came of it goes to `outcomes` by the frame."""

    def submit():
        try:
            commit.submit(frame, lambda: None)
            outcomes[frame] = None
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            outcomes[frame] = error

    thread = threading.Thread(target=submit)
    thread.start()
    return thread


@pytest.fixture
def led():
    """A commit whose first round is under way while two more wait, and how it goes on."""
    wal = Wal()
    commit, outcomes = GroupCommit(wal, lambda: None), {}
    threads = [outcome_of(commit, b"first", outcomes)]
    assert wal.entered.wait(PATIENCE)
    for number, frame in enumerate((b"second", b"third"), 1):
        threads.append(outcome_of(commit, frame, outcomes))
        until = threading.Event()
        while len(commit._queue) < number:
            assert not until.wait(0.001)
    yield wal, commit, threads, outcomes
    wal.go_on.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_those_who_wait_share_the_next_round(led):
    wal, commit, threads, outcomes = led
    wal.go_on.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert wal.rounds == [b"first", b"secondthird"]
    assert outcomes == {b"first": None, b"second": None, b"third": None}
    commit.submit(b"alone", lambda: None)
    assert wal.rounds[-1] == b"alone"


def test_a_lead_that_is_cut_short_acknowledges_nobody(led):
    wal, commit, threads, outcomes = led
    wal.entered.clear()
    wal.raises = KeyboardInterrupt()
    wal.go_on.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(type(error).__name__ for error in outcomes.values()) == [
        "KeyboardInterrupt",
        "KeyboardInterrupt",
        "StorageFailed",
    ]
    wal.raises = None
    commit.submit(b"after", lambda: None)
    assert wal.rounds[-1] == b"after"


def test_an_effect_that_fails_is_told_to_the_one_whose_it_is():
    wal = Wal()
    wal.go_on.set()
    commit = GroupCommit(wal, lambda: None)

    def fail():
        raise StorageFailed("gone")

    with pytest.raises(StorageFailed, match="gone"):
        commit.submit(b"x", fail)
    commit.submit(b"y", lambda: None)
