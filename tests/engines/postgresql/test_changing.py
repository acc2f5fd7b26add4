"""A change of one instance that takes long keeps no other one waiting."""

import contextlib
import os
import signal
import threading

import psycopg
import pytest

from coldframe.engines.database import DatabaseError
from coldframe.engines.postgresql.cluster import Cluster
from tests.engines.postgresql.conftest import until

pytestmark = pytest.mark.xdist_group("postgresql")


def test_a_long_change_of_one_instance_does_not_hold_up_another(instances):
    slow, quick = instances.running("slow"), instances.running("quick")
    engine = instances.engine
    with instances.session(slow) as session:
        pid = session.execute("SELECT pg_backend_pid()").fetchone()[0]
        # It does not end when it is told to, which closing the instance for writers waits for.
        os.kill(pid, signal.SIGSTOP)
        changing = threading.Thread(target=engine.set_read_only, args=(slow,), kwargs={"on": True})
        changing.start()
        try:
            until(lambda: "fenced" in (slow.folder / "state.json").read_text())
            done = threading.Event()

            def change():
                engine.set_read_only(quick, on=True)
                engine.set_read_only(quick, on=False)
                done.set()

            beside = threading.Thread(target=change)
            beside.start()
            assert done.wait(15), "the other instance waits"
            assert changing.is_alive()
        finally:
            os.kill(pid, signal.SIGCONT)
            changing.join()
            beside.join()
        with contextlib.suppress(psycopg.Error):
            session.execute("SELECT 1")
    assert engine.status(slow).read_only
    assert not engine.status(quick).read_only


def test_who_needs_an_instance_that_restarts_starts_no_second_one(instances, monkeypatch):
    """The restart of one that is closed has two halves, and supervision or a job may start it between them."""
    spec, engine = instances.running("restarting"), instances.engine
    both, stopped = threading.Barrier(2), threading.Event()
    stop, look = Cluster.stop, Cluster._await_orphans

    def told(self, *, at_once=False):
        stop(self, at_once=at_once)
        stopped.set()

    def together(self):
        # Each has seen that nothing runs; the other one does not come where it has to wait.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1.0)
        look(self)

    monkeypatch.setattr(Cluster, "stop", told)
    monkeypatch.setattr(Cluster, "_await_orphans", together)
    failed = []

    def needed():
        assert stopped.wait(60)
        try:
            engine.start(spec)
        except DatabaseError as error:
            failed.append(str(error))

    needing = threading.Thread(target=needed)
    needing.start()
    try:
        engine.set_read_only(spec, on=True)
    finally:
        needing.join()
    assert not failed
    assert engine.status(spec).state == "running"
    assert engine.status(spec).read_only
