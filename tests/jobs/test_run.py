"""Runs: steps, waits, writes, cancelling, the commit point, and what a changed job says."""

import threading
import time
from collections.abc import Iterator
from itertools import count, pairwise

import pytest

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Record, record
from coldframe.core.store import Store, StoreFull
from coldframe.jobs.attempt import Timing
from coldframe.jobs.job import JobError, Registry, StepFailed, job
from coldframe.jobs.journal import TABLES, JobRow, StepRow, UnfinishedJob
from coldframe.jobs.recovery import forget_finished, unfinished
from coldframe.jobs.runner import Runner

HERE = ("123456789012", "eu-central-1")


@record("notes", key=("name",))
class Note(Record):
    name: str


class Bench:
    """A store, a clock that is set by hand, and runners over them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.store.prepare([*TABLES, Note])
        self.time = 1_000_000.0
        self.ids = count(1)
        self.runners: list[Runner] = []

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Time passes at once, except for what has to be awaited for real."""
        if not event.wait(0.002):
            self.time += seconds

    def runner(self, *jobs: object, **options: object) -> Runner:
        timing = Timing(lambda: self.time, self.wait)
        runner = Runner(
            self.store, Registry(jobs), timing=timing, new_id=lambda: f"job-{next(self.ids)}", **options
        )
        self.runners.append(runner)
        return runner

    def run(self, job: object, *args: object, **options: object) -> JobRow:
        runner = self.runner(job, **options)
        runner.open()
        identifier = self.start(runner, job, *args)
        assert runner.idle(20)
        runner.close()
        return self.row(identifier)

    def start(self, runner: Runner, job: object, *args: object) -> str:
        with self.store.write() as tx:
            return runner.start(tx.records(*HERE), job, *args, caller="arn:aws:iam::123456789012:root")

    def row(self, identifier: str) -> JobRow:
        with self.store.read() as tx:
            return tx.records(*HERE).get(JobRow, identifier)

    def steps(self, identifier: str) -> list[StepRow]:
        with self.store.read() as tx:
            return tx.records(*HERE).list(StepRow, key_prefix=(identifier,))


@pytest.fixture
def bench(store: Store) -> Iterator[Bench]:
    made = Bench(store)
    yield made
    for runner in made.runners:
        assert runner.close()


def test_a_job_runs_after_its_commit_and_never_without(bench: Bench) -> None:
    ran = []

    @job("simple")
    def simple(run, what: str) -> dict:
        ran.append((run.account, run.region, run.caller, run.client("rds")))
        run.progress(1, 2, "half")
        return {"what": run.step("say", lambda: (what, 1))}

    runner = bench.runner(simple, clients=lambda service: f"client of {service}")
    runner.open()
    with pytest.raises(KeyError), bench.store.write() as tx:
        runner.start(tx.records(*HERE), simple, "x")
        raise KeyError
    identifier = bench.start(runner, simple, "x")
    assert runner.idle(10)
    row = bench.row(identifier)
    assert (row.status, row.result, row.done, row.total, row.text) == (
        "SUCCEEDED",
        {"what": ["x", 1]},
        1,
        2,
        "half",
    )
    assert ran == [(*HERE, "arn:aws:iam::123456789012:root", "client of rds")]
    assert unfinished(bench.store) == []


def test_a_failure_undoes_in_reverse_and_tells_why(bench: Bench) -> None:
    log: list[str] = []

    @job("failing")
    def failing(run) -> None:
        run.undo("first", log.append, "first")
        run.undo("second", log.append, "second")
        run.step("break", broken)

    def broken() -> None:
        raise JobError("the port is taken", "stop the other server")

    row = bench.run(failing)
    assert (row.status, row.error, row.hint) == (
        "FAILED",
        "break: the port is taken",
        "stop the other server",
    )
    assert log == ["second", "first"]


def test_a_job_may_catch_a_failed_step_and_decides_alike_after_a_restart(bench: Bench) -> None:
    attempts, gate = [], threading.Event()

    @job("catching")
    def catching(run) -> str:
        try:
            run.step("try", lambda: attempts.append(1) or 1 / 0)
        except StepFailed as failed:
            other = run.step("other", str, str(failed))
        run.wait(gate.is_set, timeout=1e9)
        return other

    first = bench.runner(catching)
    first.open()
    identifier = bench.start(first, catching)
    while len(bench.steps(identifier)) < 3:
        time.sleep(0.005)
    assert first.close()
    assert bench.row(identifier).status == "RUNNING"
    gate.set()
    second = bench.runner(catching)
    second.open()
    assert second.idle(10)
    assert bench.row(identifier).result == "try: ZeroDivisionError: division by zero"
    assert attempts == [1]


def test_after_the_commit_point_a_step_is_repeated_until_it_succeeds(bench: Bench) -> None:
    log, times = [], []

    @job("forward")
    def forward(run) -> None:
        run.undo("never", log.append, "undone")
        run.commit_point()
        run.step("stubborn", stubborn)
        if len(times) < 5:
            times.append(0.0)
            raise RuntimeError("between two steps")

    def stubborn() -> None:
        times.append(bench.time)
        if len(times) < 4:
            raise OSError("not yet")

    row = bench.run(forward)
    assert (row.status, row.error) == ("SUCCEEDED", "")
    assert log == []
    assert [round(b - a, 3) for a, b in pairwise(times[:4])] == [0.1, 0.2, 0.4]
    assert len(times) == 5


def test_cancelling_before_and_after_the_commit_point(bench: Bench) -> None:
    log: list[str] = []
    gate = threading.Event()

    @job("cancellable")
    def cancellable(run, early: bool) -> None:
        run.undo("it", log.append, "undone")
        if not early:
            run.commit_point()
        log.append("waiting")
        run.wait(gate.is_set, timeout=1e12)
        run.step("more", log.append, "more")

    for early, cancelled, wanted in (
        (True, True, ["waiting", "undone"]),
        (False, False, ["waiting", "more"]),
    ):
        log.clear()
        gate.clear()
        runner = bench.runner(cancellable)
        runner.open()
        identifier = bench.start(runner, cancellable, early)
        while "waiting" not in log:
            time.sleep(0.002)
        with bench.store.write() as tx:
            assert runner.cancel(tx.records(*HERE), identifier) is cancelled
        if not cancelled:
            gate.set()
        assert runner.idle(10)
        assert log == wanted
        assert bench.row(identifier).status == ("CANCELLED" if cancelled else "SUCCEEDED")
        with bench.store.write() as tx:
            assert runner.cancel(tx.records(*HERE), identifier) is False
            with pytest.raises(ServiceFault, match="There is no job nothing"):
                runner.cancel(tx.records(*HERE), "nothing")
        runner.close()


def test_a_job_cancelled_while_nothing_ran_undoes_at_the_next_start(bench: Bench) -> None:
    log: list[str] = []

    @job("later")
    def later(run) -> None:
        run.undo("it", log.append, "undone")
        run.step("more", log.append, "more")

    runner = bench.runner(later)
    identifier = bench.start(runner, later)
    with bench.store.write() as tx:
        assert runner.cancel(tx.records(*HERE), identifier)
    runner.open()
    assert runner.idle(10)
    assert (bench.row(identifier).status, log) == ("CANCELLED", [])


def test_a_changed_job_fails_clearly(bench: Bench) -> None:
    gate = threading.Event()

    @job("changing")
    def old(run) -> None:
        run.step("start engine", int)
        run.wait(gate.is_set, timeout=1e12)

    @job("changing")
    def new(run) -> None:
        run.step("start proxy", int)

    runner = bench.runner(old)
    runner.open()
    identifier, other = bench.start(runner, old), bench.start(runner, old)
    while len(bench.steps(identifier)) < 2 or len(bench.steps(other)) < 2:
        time.sleep(0.005)
    runner.close()
    changed = bench.runner(new)
    changed.open()
    assert changed.idle(10)
    row = bench.row(identifier)
    assert row.status == "FAILED"
    assert "step 1 of job changing was step 'start engine' and is now step 'start proxy'" in row.error
    with pytest.raises(JobError, match="not registered"):
        bench.start(changed, old)
    with pytest.raises(ValueError, match="two jobs are called changing"):
        Registry([old, new])


def test_a_job_that_this_version_lacks_fails_clearly(bench: Bench) -> None:
    @job("gone")
    def gone(run) -> None: ...

    identifier = bench.start(bench.runner(gone), gone)
    runner = bench.runner()
    runner.open()
    assert runner.idle(10)
    assert "no job called gone" in bench.row(identifier).error


def test_waits_keep_their_deadline_over_a_restart(bench: Bench) -> None:
    seen: list[float] = []

    @job("waiting")
    def waiting(run) -> float:
        run.wait_until(bench.time + 3600)
        seen.append(bench.time)
        run.wait(lambda: False, timeout=60, poll=7, name="wait for nothing")
        return 0

    begun = bench.time
    row = bench.run(waiting)
    assert row.status == "FAILED"
    assert row.error == "wait for nothing: it did not happen within 60 s"
    assert seen == [begun + 3600]
    assert bench.time == begun + 3660
    deadlines = [step.deadline for step in bench.steps(row.id)]
    assert deadlines == [begun + 3600, begun + 3660]


def test_a_write_is_recorded_with_its_step_or_not_at_all(bench: Bench) -> None:
    @job("writing")
    def writing(run) -> None:
        run.write("note", lambda records: records.add(Note(name="kept")))
        with run.read() as records:
            assert records.get(Note, "kept")
        run.write("unkeepable", lambda records: records.add(Note(name="lost")) or {object()})

    row = bench.run(writing)
    assert row.error.startswith("unkeepable: TypeError: the result of step 'unkeepable' cannot be kept")
    with bench.store.read() as tx:
        assert [note.name for note in tx.records(*HERE).list(Note)] == ["kept"]


def test_a_full_disk_holds_a_job_up_and_does_not_fail_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coldframe.jobs.journal import Journal

    calls, together = [], Journal.together

    def full(journal: Journal, act: object) -> object:
        calls.append(1)
        if 2 <= len(calls) < 6:
            raise StoreFull("no space is left")
        return together(journal, act)

    @job("patient")
    def patient(run) -> int:
        return run.step("once", effects.append, 1) or len(effects)

    effects: list[int] = []
    monkeypatch.setattr(Journal, "together", full)
    row = bench.run(patient)
    assert (row.status, row.result) == ("SUCCEEDED", 1)


def test_many_jobs_on_few_threads_and_waiting_ones_do_not_block(bench: Bench) -> None:
    gate, working, most, lock = threading.Event(), [0], [0], threading.Lock()

    @job("waiter")
    def waiter(run) -> None:
        run.wait(gate.is_set, timeout=1e12)

    @job("worker")
    def worker(run) -> None:
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
        run.step("work", time.sleep, 0.003)
        with lock:
            working[0] -= 1

    runner = bench.runner(waiter, worker, workers=2)
    runner.open()
    waiters = [bench.start(runner, waiter) for _ in range(6)]
    workers = [bench.start(runner, worker) for _ in range(12)]
    deadline = time.monotonic() + 15
    while {bench.row(each).status for each in workers} != {"SUCCEEDED"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert {bench.row(each).status for each in waiters} == {"RUNNING"}
    gate.set()
    assert runner.idle(10)
    assert {bench.row(each).status for each in waiters} == {"SUCCEEDED"}
    assert most[0] <= 8
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("jobs-")]


def test_emptying_the_store_ends_jobs_quietly(bench: Bench) -> None:
    entered, gate = threading.Event(), threading.Event()

    @job("orphan")
    def orphan(run) -> None:
        run.step("hold", lambda: entered.set() or gate.wait(10))
        run.step("more", int)

    runner = bench.runner(orphan)
    runner.open()
    bench.start(runner, orphan)
    assert entered.wait(10)
    bench.store.empty()
    gate.set()
    assert runner.idle(10)


def test_finished_jobs_are_forgotten(bench: Bench) -> None:
    @job("short")
    def short(run) -> None:
        run.step("x", int)

    old = bench.run(short)
    bench.time += 100
    new = bench.run(short)
    pending = bench.start(bench.runner(short), short)
    assert forget_finished(bench.store, bench.time, at_once=1) == 1
    with bench.store.read() as tx:
        records = tx.records(*HERE)
        assert [row.id for row in records.list(JobRow)] == sorted([new.id, pending])
        assert {step.job for step in records.list(StepRow)} == {new.id}
        assert [row.id for row in records.list(UnfinishedJob)] == [pending]
    assert old.id not in {new.id, pending}
