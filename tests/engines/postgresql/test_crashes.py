"""A server that was killed is not started again while a process of it may still write."""

import contextlib
import os
import signal
import threading

import psycopg
import pytest

from tests.engines.postgresql.conftest import until

pytestmark = pytest.mark.xdist_group("postgresql")


def test_a_start_waits_for_what_a_killed_server_left(instances):
    spec = instances.running("killed")
    with instances.session(spec) as session:
        (backend,) = session.execute("SELECT pg_backend_pid()").fetchone()
        # A process that is stopped cannot notice that its server is gone, and could go on later.
        os.kill(backend, signal.SIGSTOP)
        os.kill(instances.engine.reattach(spec).pid, signal.SIGKILL)
        until(lambda: instances.engine.status(spec).state == "crashed")
        started = threading.Event()
        starting = threading.Thread(target=lambda: (instances.engine.start(spec), started.set()))
        starting.start()
        assert not started.wait(0.5)
        os.kill(backend, signal.SIGCONT)
        starting.join()
        assert started.is_set()
        with contextlib.suppress(psycopg.Error):
            session.execute("SELECT 1")
    assert instances.rows(spec, "SELECT 1") == [(1,)]


def test_a_start_heeds_no_lock_file_whose_process_is_another_by_now(instances):
    """After a restart of the machine any process may have the id; so may one that died, until somebody asks for its end."""
    spec, other = instances.running("locked"), instances.running("another")
    pid = instances.engine.reattach(spec).pid
    locks = [spec.folder / "data" / "postmaster.pid", spec.folder / "s" / ".s.PGSQL.5432.lock"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: instances.engine.status(spec).state == "crashed")
    for lock in locks:
        said = lock.read_text(encoding="utf-8")
        assert said.startswith(f"{pid}\n")
        lock.write_text(
            said.replace(str(pid), str(instances.engine.reattach(other).pid), 1), encoding="utf-8"
        )
    instances.engine.start(spec)
    assert instances.rows(spec, "SELECT 1") == [(1,)]
