"""A switchover under eight writers: the job is killed after every step, then each database and the endpoint in the middle.

Whatever dies, every acknowledged row is there exactly once in the end, and two databases are never writable at once.
Where the endpoint lives, no client sees an error either.
"""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from coldframe.engines import switchover
from coldframe.engines.database import DatabaseError
from coldframe.engines.endpoint import EndpointSpec
from coldframe.engines.switchover import Switchover
from tests.engines.databases import switchover_job
from tests.engines.databases.kits import MASTER, loopback, until
from tests.engines.databases.switchover_job import STEPS
from tests.engines.databases.writers import TABLES, Watch, Writers

pytestmark = pytest.mark.xdist_group("databases")
WRITERS = 8


class Drill:
    """A primary behind an endpoint, with writers at it and a copy that follows."""

    def __init__(self, kit, instances):
        self.kit, self.instances = kit, instances
        self.blue = instances.running("blue-0")
        self.green = None
        self.generation = 0
        address, port = loopback()
        self.endpoint = EndpointSpec("drill", kit.name, address, port, instances.folder / "endpoint")
        where = kit.engine.reattach(self.blue).socket
        for statement in TABLES:
            kit.rows(where, statement)
        for number in range(WRITERS):
            kit.rows(where, "INSERT INTO counters VALUES (%s, 0)", number)
        kit.endpoints.start(self.endpoint, where)
        self.writers = Writers(kit, (address, port), WRITERS)
        self.watch = Watch(kit)

    def copy(self, version):
        """Make another copy and change its tables while it follows."""
        self.generation += 1
        self.green = self.instances.spec(f"green-{self.generation}", version=version)
        engine = self.kit.engine
        engine.copies.copy(self.blue, self.green, self.kit.copy_kind)
        where = engine.start(self.green).socket
        engine.copies.follow(self.blue, self.green)
        engine.set_read_only(self.green, on=False)
        self.kit.rows(where, f"ALTER TABLE written ADD COLUMN extra_{self.generation} INT DEFAULT 7")
        self.kit.rows(where, f"CREATE INDEX found_{self.generation} ON written (writer, number)")
        engine.set_read_only(self.green, on=True)
        self.watch.pair = (self.blue, self.green)
        self.caught_up()

    def caught_up(self):
        def close():
            following = self.kit.engine.copies.following(self.blue, self.green)
            return following.running and following.behind is not None and following.behind < 100

        until(close, what="the copy follows closely")

    def change(self):
        return Switchover(
            self.kit.engine, self.kit.endpoints, self.endpoint, self.blue, self.green, drain=5, deadline=120
        )

    def switched(self):
        """The copy is the primary now; the old one is stopped and stays read-only."""
        assert self.kit.engine.status(self.green).read_only is False
        old, self.blue, self.green = self.blue, self.green, None
        self.watch.pair = None
        assert self.kit.engine.status(old).read_only or self.kit.engine.status(old).state != "running"
        self.kit.engine.stop(old, at_once=True)

    def all_go_on(self):
        self.writers.each_goes_on()
        until(lambda: self.writers.each_goes_on(), what="every writer goes on")

    def killed_after(self, step, folder):
        """Run the job in a process that kills itself after a step, and end what it left."""
        told, journal = folder / f"{step}.json", folder / f"{step}.journal"
        told.write_bytes(switchover_job.written(self.change()))
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.engines.databases.switchover_job",
                self.kit.name,
                told,
                journal,
                step,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        return switchover_job.recover(self.change(), journal)


@pytest.fixture(scope="module")
def drill(kit, instances):
    made = Drill(kit, instances)
    made.writers.begin()
    made.watch.start()
    yield made
    made.writers.end()
    made.watch.end()
    made.kit.endpoints.stop(made.endpoint)


@pytest.fixture(autouse=True)
def nobody_notices(request, drill):
    """After each test: no error at any client, unless the test is about the endpoint's own end; all go on; nothing is lost."""
    errors = len(drill.writers.errors)
    if drill.green is None:
        # The last switchover of all is to the newest version that is here.
        last = "in_the_end" in request.node.name
        drill.copy(drill.kit.versions[-1 if last else 0])
    began = time.monotonic()
    yield
    if not drill.writers.ended:
        drill.all_go_on()
    pause = drill.writers.longest_pause(began)
    sys.stdout.write(f"\n{request.node.name}: nobody was answered for {pause * 1000:.0f} ms at most\n")
    assert drill.watch.seen == []
    if "endpoint" not in request.node.name:
        assert drill.writers.errors[errors:] == []


@pytest.mark.parametrize("step", STEPS[: STEPS.index("COMMIT")])
def test_a_job_that_dies_before_its_commit_is_rolled_back(drill, step, tmp_path):
    assert drill.killed_after(step, tmp_path) is False
    assert drill.kit.engine.status(drill.blue).read_only is False
    assert drill.kit.engine.status(drill.green).read_only is True
    drill.caught_up()


def test_a_primary_that_dies_while_all_are_held_comes_back_and_they_go_on(drill):
    change = drill.change()
    switchover.hold(change)
    os.kill(drill.kit.engine.reattach(drill.blue).pid, signal.SIGKILL)
    until(lambda: drill.kit.engine.status(drill.blue).state == "crashed")
    with pytest.raises(DatabaseError):
        switchover.fence(change)
    switchover.roll_back(change)
    drill.caught_up()


def test_a_copy_that_dies_while_all_are_held_leaves_all_as_it_was(drill):
    change = drill.change()
    switchover.hold(change)
    os.kill(drill.kit.engine.reattach(drill.green).pid, signal.SIGKILL)
    position = switchover.fence(change)
    with pytest.raises(DatabaseError):
        switchover.catch_up(change, position, patience=30)
    switchover.roll_back(change)
    drill.kit.engine.start(drill.green)
    drill.caught_up()


def test_an_endpoint_that_dies_while_it_holds_loses_no_row(drill):
    change = drill.change()
    switchover.hold(change)
    position = switchover.fence(change)
    os.kill(drill.kit.endpoints.status(drill.endpoint).pid, signal.SIGKILL)
    switchover.catch_up(change, position, patience=30)
    switchover.reassert(change, position)
    switchover.promote(change)
    switchover.writable(change)
    switchover.release(change)
    drill.switched()


def test_both_databases_die_after_the_commit_and_it_still_ends(drill):
    change = drill.change()
    switchover.arm(change)
    switchover.hold(change)
    position = switchover.fence(change)
    switchover.catch_up(change, position, patience=30)
    for spec in (drill.blue, drill.green):
        os.kill(drill.kit.engine.reattach(spec).pid, signal.SIGKILL)
        until(lambda spec=spec: drill.kit.engine.status(spec).state == "crashed")
    drill.kit.engine.start(drill.blue)
    assert drill.kit.engine.status(drill.blue).read_only
    switchover.reassert(change, position)
    switchover.promote(change)
    switchover.writable(change)
    switchover.release(change)
    drill.switched()


def test_a_copy_that_is_behind_is_waited_for(drill):
    change, engine = drill.change(), drill.kit.engine
    lock = drill.kit.session(engine.reattach(drill.green).socket, MASTER)
    with lock.cursor() as cursor:
        # The copy applies nothing while this lasts.
        cursor.execute(drill.kit.apply_nothing)
    drill.all_go_on()
    switchover.hold(change)
    position = switchover.fence(change)
    assert not engine.copies.reached(drill.green, position)
    with pytest.raises(switchover.CatchUpLate):
        switchover.catch_up(change, position, patience=0.1)
    timer = threading.Timer(0.2, lock.close)
    timer.start()
    switchover.catch_up(change, position, patience=30)
    timer.join()
    switchover.reassert(change, position)
    switchover.promote(change)
    switchover.writable(change)
    switchover.release(change)
    drill.switched()


@pytest.mark.parametrize("step", STEPS[STEPS.index("COMMIT") :])
def test_a_job_that_dies_after_its_commit_is_ended_by_the_next(drill, step, tmp_path):
    assert drill.killed_after(step, tmp_path) is True
    drill.switched()


def test_in_the_end_every_acknowledged_row_is_there_exactly_once(drill):
    switchover_job.run(drill.change(), drill.instances.folder / "last.journal")
    drill.switched()
    drill.all_go_on()
    drill.writers.end()
    assert drill.writers.acknowledged() > 100
    assert drill.watch.looks > 10
    assert drill.writers.balance(drill.blue) == {"lost": 0, "doubled": 0, "invented": 0, "miscounted": 0}
