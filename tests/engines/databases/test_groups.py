"""Groups of a writer and followers: what is acknowledged is at one that may take over, and members change their writer."""

import contextlib
import itertools
import os
import signal
import threading

import pytest
from msgspec.structs import replace

from coldframe.engines.database import DatabaseError, Diverged
from tests.engines.databases.kits import until

_numbers = itertools.count()
ROWS = "CREATE TABLE rows_ (id INT PRIMARY KEY)"


class Group:
    """A writer with a table, and two followers of which both acknowledge."""

    def __init__(self, kit, instances):
        self.kit, self.engine, self.instances = kit, kit.engine, instances
        self.number = next(_numbers)
        self.writer = instances.running(f"w{self.number}", member=True)
        self.run(self.writer, ROWS)
        self.followers = [self.follower("a"), self.follower("b")]
        self.acknowledge(*self.followers)

    def follower(self, name):
        made = self.instances.spec(
            f"{name}{self.number}", member=True, read_only=True, version=self.writer.version
        )
        self.engine.copies.copy(self.writer, made, "physical")
        self.engine.start(made)
        self.engine.copies.follow(self.writer, made)
        until(lambda: self.engine.copies.following(self.writer, made).running)
        return made

    def acknowledge(self, *followers):
        self.writer = replace(self.writer, acknowledged_by=[each.serial for each in followers])
        for number, each in enumerate(self.followers):
            self.followers[number] = now = replace(each, acknowledges=each in followers)
            if self.engine.reattach(now) is not None:
                self.engine.groups.acknowledge(self.writer, now)
        return self.engine.groups.synchronize(self.writer)

    def run(self, spec, statement):
        return self.kit.rows(self.engine.start(spec).socket, statement)

    def insert(self, spec, number):
        self.run(spec, f"INSERT INTO rows_ VALUES ({number})")

    def writing(self, number):
        """Insert a row on a thread; the event says when that is acknowledged."""
        done = threading.Event()

        def write():
            self.insert(self.writer, number)
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        return thread, done

    def rows(self, spec):
        return {row[0] for row in self.run(spec, "SELECT id FROM rows_")}

    def kill(self, spec):
        os.kill(self.engine.reattach(spec).pid, signal.SIGKILL)
        until(lambda: self.engine.status(spec).state == "crashed")

    def promote(self, spec):
        spec = replace(spec, read_only=False, acknowledged_by=())
        self.engine.copies.promote(spec)
        self.engine.set_read_only(spec, on=False)
        return spec

    def close(self):
        for spec in (self.writer, *self.followers):
            self.engine.stop(spec, at_once=True)


@pytest.fixture
def group(kit, instances):
    made = Group(kit, instances)
    yield made
    made.close()


def test_nothing_is_acknowledged_while_no_follower_can_have_it(group):
    for each in group.followers:
        group.engine.stop(each, at_once=True)
    writing, done = group.writing(1)
    assert not done.wait(1.5)
    group.acknowledge()
    assert done.wait(10)
    writing.join()
    assert group.rows(group.writer) == {1}


def test_what_a_follower_got_before_its_word_counted_is_waited_for_no_longer(group):
    first = group.followers[0]
    for each in group.followers:
        group.engine.stop(each, at_once=True)
    writing, done = group.writing(1)
    assert not done.wait(1)
    # PostgreSQL's writer goes on as soon as it hears of it.
    first = group.followers[0] = replace(first, acknowledges=False)
    group.engine.groups.rejoin(group.writer, first)
    until(lambda: group.engine.copies.reached(first, group.engine.copies.position(group.writer)))
    group.acknowledge(first)
    until(lambda: group.engine.groups.confirm(group.writer, group.followers[0]) or done.wait(0.1))
    writing.join()
    assert group.rows(group.followers[0]) == {1}
    # It waits again for what comes next: one that is gone, or that was started anew, is not said to have that.
    group.engine.stop(first := group.followers[0], at_once=True)
    writing, _ = group.writing(2)
    with contextlib.suppress(DatabaseError):
        group.engine.groups.confirm(group.writer, first)
    writing.join(1)
    assert writing.is_alive()
    group.acknowledge()
    writing.join(10)
    assert not writing.is_alive()


def test_a_dead_writer_follows_the_one_that_took_over(group):
    for number in range(20):
        group.insert(group.writer, number)
    group.kill(group.writer)
    chosen, other = group.followers
    last = [group.engine.groups.orphaned(each) for each in group.followers]
    if group.engine.groups.before(last[0], last[1]):
        chosen, other = other, chosen
    new = group.promote(chosen)
    assert group.rows(new) >= set(range(20))
    group.insert(new, 100)
    old = replace(group.writer, read_only=True, acknowledged_by=())
    for member in (other, old):
        group.engine.groups.rejoin(new, member)
        until(lambda member=member: 100 in group.rows(member))
        assert group.engine.status(member).read_only
        with pytest.raises(group.kit.refused):
            group.insert(member, 200)


def green_of(group):
    """A copy that can be switched over to and follows the writer, as in a Blue/Green deployment."""
    green = group.instances.spec(f"g{group.number}", read_only=True, version=group.kit.versions[-1])
    group.engine.copies.copy(group.writer, green, group.kit.copy_kind)
    group.engine.start(green)
    group.engine.copies.follow(group.writer, green)
    return green


def test_a_green_copy_goes_on_with_the_one_that_took_over(group):
    green = green_of(group)
    for number in range(20):
        group.insert(group.writer, number)
    new, old = group.writer, []
    for number, follower in enumerate(group.followers):
        group.kill(new)
        group.engine.groups.orphaned(follower)
        # What is begun again after a crash finds it done.
        group.engine.groups.inherit(new, follower)
        group.engine.groups.inherit(new, follower)
        old, new = [*old, new], group.promote(follower)
        group.insert(new, 100 + number)
        for each in group.followers[number + 1 :]:
            group.engine.groups.rejoin(new, each)
            until(lambda at=new, to=each: group.engine.copies.reached(to, group.engine.copies.position(at)))
        if number:
            # It has missed the first of two, and gets all of it by the slots of the second.
            group.engine.copies.follow(new, green)
    group.insert(new, 200)
    until(lambda: group.engine.copies.reached(green, group.engine.copies.position(new)))
    assert group.rows(green) == group.rows(new) == {*range(20), 100, 101, 200}
    for each in old:
        if group.kit.copy_kind == "logical":
            assert not [*(each.folder / "data" / "pg_replslot").glob("coldframe_l*")]
    group.engine.stop(green, at_once=True)


def test_a_green_copy_that_has_more_than_the_one_that_took_over_does_not_follow_it(group):
    if group.kit.copy_kind != "logical":
        pytest.skip("a replica that has GTIDs of its own is told so by its new source")
    green = green_of(group)
    group.acknowledge()
    for each in group.followers:
        group.engine.stop(each, at_once=True)
    group.insert(group.writer, 1)
    until(lambda: group.rows(green) == {1})
    group.kill(group.writer)
    first = group.followers[0]
    group.engine.start(first)
    group.engine.groups.inherit(group.writer, first)
    new = group.promote(first)
    with pytest.raises(Diverged, match="lacks what it has committed"):
        group.engine.copies.follow(new, green)
    # Nothing keeps its log for green.
    assert group.run(new, "SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical'") == []
    assert group.run(new, "SELECT pubname FROM pg_publication") == []
    assert (group.rows(green), group.rows(new)) == ({1}, set())
    group.engine.stop(green, at_once=True)


def test_a_writer_with_rows_of_its_own_is_copied_anew(group):
    for each in group.followers:
        group.engine.stop(each)
    group.acknowledge()
    group.insert(group.writer, 7)
    group.kill(group.writer)
    group.engine.start(group.followers[0])
    new = group.promote(group.followers[0])
    group.insert(new, 8)
    old = replace(group.writer, read_only=True, acknowledged_by=())
    log = group.engine.log_files(old)[0].name
    said = group.engine.read_log(old, log, 0, 200)
    assert group.engine.groups.rejoin(new, old)
    until(lambda: group.rows(old) == {8})
    # What it logged before is still to be exported.
    assert group.engine.read_log(old, log, 0, 200) == said != b""


def test_a_writer_that_hands_over_is_not_copied(group):
    for number in range(20):
        group.insert(group.writer, number)
    engine, target = group.engine, group.followers[0]
    old = replace(group.writer, read_only=True)
    engine.set_read_only(old, on=True)
    position = engine.copies.position(old)
    until(lambda: engine.copies.reached(target, position))
    engine.groups.let_go(old, target)
    new = group.promote(target)
    group.insert(new, 100)
    old, other = replace(old, acknowledged_by=()), group.followers[1]
    for member in (old, other):
        if member is other:
            # What came by way of the old writer is of the new one's history, too, though no checkpoint tells that.
            engine.groups.level(old, other)
        assert not engine.groups.rejoin(new, member)
        until(lambda member=member: group.rows(member) == {*range(20), 100})


def hang(group, spec):
    """Have a follower hang; one that keeps what it received is ended, and asked once the writer is gone; of another one the files are."""
    os.kill(group.engine.reattach(spec).pid, signal.SIGSTOP)
    if group.engine.groups.keeps:
        group.engine.stop(spec, at_once=True)


def lose_the_writer(group, silent):
    group.kill(group.writer)
    if group.engine.groups.keeps:
        group.engine.groups.orphaned(silent)


def test_it_is_known_whether_another_one_has_what_a_silent_follower_received(group):
    first, second = group.followers
    group.insert(group.writer, 1)
    position = group.engine.copies.position(group.writer)
    for each in group.followers:
        until(lambda each=each: group.engine.copies.reached(each, position))
    hang(group, first)
    group.insert(group.writer, 2)
    lose_the_writer(group, first)
    group.engine.groups.orphaned(second)
    assert group.engine.groups.covers(second, first)
    if not group.engine.groups.keeps:
        # Also of one that was ended; one that was started anew may have thrown away what it had.
        group.engine.stop(first, at_once=True)
        assert group.engine.groups.covers(second, first)
        group.engine.start(first)
        with pytest.raises(DatabaseError, match="started anew"):
            group.engine.groups.covers(second, first)


def test_a_silent_follower_that_has_more_than_the_others_is_found_out(group):
    first, second = group.followers
    group.acknowledge(first)
    second = replace(second, acknowledges=False)
    group.insert(group.writer, 1)
    group.engine.stop(second)
    group.insert(group.writer, 2)
    group.run(group.writer, "CREATE TABLE later (id INT PRIMARY KEY)")
    hang(group, first)
    lose_the_writer(group, first)
    group.engine.start(second)
    assert not group.engine.groups.covers(second, first)
