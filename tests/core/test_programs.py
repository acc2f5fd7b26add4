"""Starting programs that outlive us, piping two into each other, and telling a process from its successors."""

import os
import signal
import sys
import threading

import pytest

from coldframe.core import process
from coldframe.engines import daemon

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def started(folder, program, given=b""):
    """Start a Python program; returns its process id and its record."""
    record = folder / "process.json"
    pid = daemon.start(
        [sys.executable, "-c", program],
        record,
        folder=folder,
        output=folder / "output",
        environment=ENVIRONMENT,
        account=process.own_account(),
        given=given,
    )
    return pid, record


@pytest.fixture
def sleeper(tmp_path):
    """A started process, its record, and its end."""
    program = "import sys, time; print(sys.stdin.read(), flush=True); time.sleep(600)"
    pid, record = started(tmp_path, program, b"told")
    yield pid, record
    daemon.stop(record, with_signal=signal.SIGKILL)


def wait_for(condition):
    pause = threading.Event()
    while not condition():
        pause.wait(0.01)


def test_a_started_program_gets_its_input_and_is_found_again(sleeper, tmp_path):
    pid, record = sleeper
    wait_for(lambda: (tmp_path / "output").read_text() == "told\n")
    assert daemon.running(record) == pid
    assert daemon.state(record) == "running"
    assert os.getsid(pid) == pid


def test_an_end_that_nobody_asked_for_is_told_from_one_that_was(sleeper):
    pid, record = sleeper
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: daemon.running(record) is None)
    assert daemon.state(record) == "crashed"
    daemon.stop(record)
    assert daemon.state(record) == "stopped"


def test_another_process_with_the_same_id_is_not_taken_for_it(sleeper):
    pid, record = sleeper
    other = record.read_text().replace(process.birth(pid), "another birth")
    kept = record.read_text()
    record.write_text(other)
    assert daemon.running(record) is None
    daemon.stop(record)
    assert process.birth(pid) is not None
    record.write_text(kept)


def test_a_process_that_does_not_end_in_time_is_named(tmp_path):
    program = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    pid, record = started(tmp_path, program)
    try:
        wait_for(lambda: (tmp_path / "output").read_text() == "deaf\n")
        with pytest.raises(daemon.StillRuns, match=str(pid)):
            daemon.stop(record, patience=0.05)
    finally:
        daemon.stop(record, with_signal=signal.SIGKILL)


def test_a_pipe_names_the_program_that_failed():
    echo = [sys.executable, "-c", "print('words')"]
    count = [sys.executable, "-c", "import sys; sys.exit(sys.stdin.read() != 'words\\n')"]
    process.pipe(echo, count, environment=ENVIRONMENT)
    with pytest.raises(process.ProgramFailed, match="boom"):
        process.pipe(echo, [sys.executable, "-c", "import sys; sys.exit('boom')"], environment=ENVIRONMENT)
    with pytest.raises(process.ProgramFailed, match="ended with 3"):
        process.pipe([sys.executable, "-c", "raise SystemExit(3)"], ["cat"], environment=ENVIRONMENT)
    with pytest.raises(process.ProgramMissing):
        process.pipe(echo, ["no-such-program-at-all"], environment=ENVIRONMENT)
