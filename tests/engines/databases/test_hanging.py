"""A database that hangs is told from one that is slow, full, locked, dead or about to start, and is ended for certain."""

import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from coldframe.engines.database import DatabaseError, Silent
from tests.engines.databases.kits import MASTER, until

pytestmark = pytest.mark.xdist_group("databases")
SHORT = {"answer": 1.0, "write": 1.0}


def probe(kit, spec, **seconds):
    kit.engine.activities.probe(spec, **{"answer": 20.0, "write": 20.0, **seconds})


def processes_in(folder):
    """The processes of an instance: those whose folder is in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
    return found


def test_one_that_works_answers_and_so_does_one_that_is_not_there(kit, instances, shared):
    probe(kit, shared)
    probe(kit, shared)
    spec = instances.running("gone")
    kit.engine.stop(spec)
    probe(kit, spec)


def test_a_stopped_process_is_silent_until_it_goes_on(kit, instances):
    spec = instances.running("stopped")
    pid = kit.engine.reattach(spec).pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Silent):
        probe(kit, spec, **SHORT)
    os.kill(pid, signal.SIGCONT)
    probe(kit, spec)


def told_to_stop(pid):
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        # A worker that had nothing more to do.
        return False
    return True


def test_a_stopped_process_is_ended_with_its_children_whether_it_goes_on_or_not(kit, instances, socket_of):
    spec = instances.running("ended")
    session = kit.session(socket_of(spec), MASTER)
    mine = [each for each in processes_in(spec.folder) if told_to_stop(each)]
    assert kit.engine.reattach(spec).pid in mine
    until(lambda: all(" (stopped)" in Path(f"/proc/{each}/status").read_text() for each in mine))
    kit.engine.stop(spec, at_once=True)
    assert processes_in(spec.folder) == []
    with contextlib.suppress(kit.refused), contextlib.closing(session), session.cursor() as cursor:
        cursor.execute("SELECT 1")
        raise AssertionError("a session of it still answers")
    kit.engine.start(spec)
    probe(kit, spec)


def test_one_that_is_out_of_connections_answers(kit, instances, socket_of):
    spec = instances.running("crowded", settings={"max_connections": "10"})
    with contextlib.ExitStack() as stack:
        with pytest.raises(kit.refused):
            for _ in range(30):
                stack.enter_context(contextlib.closing(kit.session(socket_of(spec), MASTER)))
        # Those that are kept for the administrator, too.
        for _ in range(30):
            stack.enter_context(held(kit, spec))
        probe(kit, spec, **SHORT)


@contextlib.contextmanager
def held(kit, spec):
    """Whatever the administrator still gets of the connections."""
    from coldframe.engines.mariadb.client import Client
    from coldframe.engines.postgresql import admin

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(DatabaseError):
            where = kit.engine.reattach(spec).socket
            stack.enter_context(Client(where) if kit.name == "mariadb" else admin.connected(where))
        yield


def test_one_that_recovers_after_a_crash_answers(kit, instances, socket_of):
    spec = instances.running("recovering")
    with contextlib.closing(kit.session(socket_of(spec), MASTER)) as session, session.cursor() as cursor:
        cursor.execute("CREATE TABLE many (id INT PRIMARY KEY, filler VARCHAR(2000))")
        for number in range(300):
            cursor.execute(f"INSERT INTO many VALUES ({number}, REPEAT('x', 2000))")
    os.kill(kit.engine.reattach(spec).pid, signal.SIGKILL)
    until(lambda: kit.engine.status(spec).state == "crashed")
    starting = threading.Thread(target=kit.engine.start, args=(spec,))
    starting.start()
    asked = 0
    while starting.is_alive():
        probe(kit, spec, **SHORT)
        asked += 1
    starting.join()
    assert asked > 3
    assert kit.rows(socket_of(spec), "SELECT COUNT(*) FROM many") == [(300,)]


def test_one_whose_tables_are_locked_answers(kit, shared, socket_of):
    lock = "FLUSH TABLES WITH READ LOCK" if kit.name == "mariadb" else "LOCK TABLE locked"
    with contextlib.closing(kit.session(socket_of(shared), MASTER)) as session, session.cursor() as cursor:
        cursor.execute("CREATE TABLE locked (id INT PRIMARY KEY)")
        cursor.execute("BEGIN")
        cursor.execute(lock)
        # It waits a second for the lock, and has an answer then.
        probe(kit, shared, answer=1.0, write=5.0)
        cursor.execute("COMMIT")


def test_it_waits_for_nobody_who_acknowledges(kit, instances):
    """A writer that waits for its readers does its work; they may be those that hang."""
    spec = replace(instances.running("alone", member=True), acknowledged_by=(4711,))
    kit.engine.groups.synchronize(spec)
    before = kit.engine.copies.position(spec)
    probe(kit, spec, answer=5.0, write=5.0)
    if kit.name == "mariadb":
        assert kit.engine.copies.position(spec) == before
