"""Jobs held between two of their steps by somebody else's hand."""

import subprocess
import sys
import threading
from itertools import count

import pytest

from coldframe.core.store import Store
from coldframe.jobs.attempt import Timing
from coldframe.jobs.holding import Gate
from coldframe.jobs.job import Registry, job
from coldframe.jobs.journal import TABLES, JobRow
from coldframe.jobs.runner import Runner

HERE = ("123456789012", "eu-central-1")
done: list[str] = []
reached, go_on = threading.Event(), threading.Event()


@job("one.two-steps")
def two_steps(run):
    run.step("first", _first)
    run.step("second", done.append, "second")


def _first():
    reached.set()
    assert go_on.wait(20)
    done.append("first")


@pytest.fixture
def runner(tmp_path):
    done.clear(), reached.clear(), go_on.clear()
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    store.prepare(TABLES)
    numbers = count()
    made = Runner(
        store, Registry([two_steps]), timing=Timing(lambda: 0.0), new_id=lambda: f"job-{next(numbers)}"
    )
    made.gate = lambda name: Gate(tmp_path / "gate") if name.startswith("one.") else None
    made.open()
    yield made
    go_on.set()
    assert made.close()
    store.close()


def started(runner):
    with runner._store.write() as transaction:
        return runner.start(transaction.records(*HERE), two_steps)


def status(runner, identifier):
    with runner._store.read() as transaction:
        return transaction.records(*HERE).get(JobRow, identifier).status


def test_the_step_under_way_ends_and_the_next_one_waits(runner, tmp_path):
    identifier = started(runner)
    assert reached.wait(20)
    waited = []

    def wait(seconds):
        # Whoever closes the gate waits for the step, which ends now.
        waited.append(seconds)
        go_on.set()
        threading.Event().wait(seconds)

    with Gate(tmp_path / "gate").closed(wait, 20) as closed:
        assert closed
        assert waited
        assert not runner.idle(0.5)
        assert done == ["first"]
        assert status(runner, identifier) == "RUNNING"
    assert runner.idle(20)
    assert done == ["first", "second"]
    assert status(runner, identifier) == "SUCCEEDED"


def test_a_step_that_takes_long_opens_the_gate_for_others_again(runner, tmp_path):
    started(runner)
    assert reached.wait(20)
    with Gate(tmp_path / "gate").closed(threading.Event().wait, 0.2) as closed:
        assert not closed
        with Gate(tmp_path / "gate").step(lambda _seconds: pytest.fail("the gate is closed")):
            pass


def test_whoever_is_killed_holds_nobody(runner, tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from coldframe.jobs.holding import Gate\n"
        "with Gate(Path(sys.argv[1])).closed(time.sleep, 9): print('closed', flush=True); time.sleep(60)"
    )
    go_on.set()
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "gate")], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"closed\n"
        started(runner)
        assert not runner.idle(0.3)
        assert done == []
        holder.kill()
    assert runner.idle(20)
    assert done == ["first", "second"]


def test_a_runner_that_stops_does_not_wait_for_the_gate(runner, tmp_path):
    with Gate(tmp_path / "gate").closed(threading.Event().wait, 9):
        started(runner)
        assert not runner.idle(0.2)
        assert runner.close(5)
        assert done == []
