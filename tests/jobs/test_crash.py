"""Jobs whose process is killed after each of their steps, and between each step's effect and its record."""

import itertools
import time
from pathlib import Path
from types import ModuleType

import pytest

from coldframe.core.records import Record, Records, record
from coldframe.core.store import Store, StoreTaken
from coldframe.jobs.attempt import Timing
from coldframe.jobs.job import Registry, job
from coldframe.jobs.journal import TABLES, JobRow, StepRow, UnfinishedJob
from coldframe.jobs.run import Run
from coldframe.jobs.runner import Runner

HERE = ("123456789012", "eu-central-1")


@record("tallies", key=("name",))
class Tally(Record):
    name: str
    number: int = 0


def effect(folder: str, name: str) -> str:
    """Made once however often it is called; the log tells how often."""
    with (Path(folder) / "log").open("a") as log:
        log.write(name + "\n")
    (Path(folder) / name).touch()
    return name.upper()


def undo(folder: str, name: str) -> None:
    with (Path(folder) / "log").open("a") as log:
        log.write(f"undo {name}\n")
    (Path(folder) / name).unlink(missing_ok=True)


def count(records: Records, name: str) -> int:
    tally = records.find(Tally, name) or Tally(name=name)
    records.put(Tally(name=name, number=tally.number + 1))
    return tally.number + 1


def refuse(folder: str, name: str) -> None:
    effect(folder, name)
    raise OSError("the engine refuses")


@job("six_steps")
def six_steps(run: Run, folder: str, fail_at: str) -> list[str]:
    """Three steps with compensations, the commit point, three that must happen."""
    done = []
    for name in ("one", "two", "three"):
        run.undo(name, undo, folder, name)
        done.append(run.step(f"make {name}", refuse if name == fail_at else effect, folder, name))
    run.write("count before", count, "before")
    run.commit_point()
    done += [run.step(f"make {name}", effect, folder, name) for name in ("four", "five", "six")]
    run.write("count after", count, "after")
    return done


def opened(url: str) -> Store:
    deadline = time.monotonic() + 10
    while True:
        try:
            store = Store.open(url)
        except StoreTaken:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            store.prepare([*TABLES, Tally])
            return store


def run_to_the_end(url: str, folder: Path, fail_at: str) -> None:
    """Start the job unless it was started, and run it to its end."""
    store = opened(url)
    runner = Runner(store, Registry([six_steps]), timing=Timing(time.time), new_id=lambda: "job-1")
    with store.write() as tx:
        records = tx.records(*HERE)
        if records.find(JobRow, "job-1") is None:
            runner.start(records, six_steps, str(folder), fail_at)
    runner.open()
    assert runner.idle(20)
    store.close()


FORWARD = [
    "make one",
    "make two",
    "make three",
    "count before",
    "commit point",
    "make four",
    "make five",
    "make six",
    "count after",
]
BACK = ["one", "make one", "two", "make two", "three", "make three"]


@pytest.mark.parametrize("moment", ["BEFORE", "AFTER"])
def test_killed_on_the_way_forward(crash: ModuleType, store_url: str, tmp_path: Path, moment: str) -> None:
    for number, step in enumerate(FORWARD):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert crash.crash_after(
            step, lambda at=folder: run_to_the_end(store_url, at, ""), moment=getattr(crash, moment)
        )
        run_to_the_end(store_url, folder, "")
        store = opened(store_url)
        with store.read() as tx:
            records = tx.records(*HERE)
            row = records.get(JobRow, "job-1")
            assert (row.status, row.error) == ("SUCCEEDED", "")
            assert row.result == ["ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX"]
            assert {t.name: t.number for t in records.list(Tally)} == {"before": 1, "after": 1}
            assert records.list(UnfinishedJob) == []
        store.empty()
        store.close()
        assert {path.name for path in folder.iterdir()} == {
            "log",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
        }
        log = (folder / "log").read_text().split()
        again = [name for name, times in itertools.groupby(log) if len(list(times)) > 1]
        interrupted = [step.removeprefix("make ")] if step.startswith("make") and moment == "BEFORE" else []
        assert again == interrupted
        assert [name for name, _ in itertools.groupby(log)] == ["one", "two", "three", "four", "five", "six"]


@pytest.mark.parametrize("moment", ["BEFORE", "AFTER"])
def test_killed_on_the_way_back(crash: ModuleType, store_url: str, tmp_path: Path, moment: str) -> None:
    """The third step fails, so all is undone, wherever it is interrupted; the same names are recorded twice."""
    for number, step in enumerate(BACK):
        folder = tmp_path / str(number)
        folder.mkdir()
        kill_at = getattr(crash, moment)
        assert crash.crash_after(
            step, lambda at=folder: run_to_the_end(store_url, at, "three"), moment=kill_at
        )
        # The second kill may fall into the undoing.
        crash.crash_after("two", lambda at=folder: run_to_the_end(store_url, at, "three"), moment=kill_at)
        crash.crash_after("one", lambda at=folder: run_to_the_end(store_url, at, "three"), moment=kill_at)
        run_to_the_end(store_url, folder, "three")
        store = opened(store_url)
        with store.read() as tx:
            records = tx.records(*HERE)
            row = records.get(JobRow, "job-1")
            assert (row.status, row.committed) == ("FAILED", False)
            assert row.error == "make three: OSError: the engine refuses"
            assert all(s.ended for s in records.list(StepRow, key_prefix=("job-1",)))
            assert records.list(Tally) == []
        store.empty()
        store.close()
        assert {path.name for path in folder.iterdir()} == {"log"}
        log = (folder / "log").read_text().splitlines()
        undone = [line for line in log if line.startswith("undo")]
        assert [name for name, _ in itertools.groupby(undone)] == ["undo three", "undo two", "undo one"]
        assert max(log.count(line) for line in set(log)) <= 2 + (moment == "BEFORE")
