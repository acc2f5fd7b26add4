"""MariaDB that dies while it shuts down: its log says that it is closed, and its last commits are prepared alone."""

import contextlib
import os
import signal
import threading

import pytest

from coldframe.engines.mariadb import open_logs
from coldframe.engines.mariadb.client import Client, Unreachable
from coldframe.engines.mariadb.places import Place
from tests.engines.databases.kits import mariadb
from tests.journeys.process import until

pytestmark = pytest.mark.xdist_group("databases")
FLAGS = 21


@pytest.fixture(scope="module")
def kit():
    return mariadb()


def test_it_starts_again_with_all_that_was_committed(kit, instances):
    spec = instances.running("closing")
    place, running = Place(spec), kit.engine.reattach(spec)
    kit.rows(running.socket, "CREATE TABLE kept (id INT AUTO_INCREMENT PRIMARY KEY, w INT, n INT)")
    for _ in range(5):
        running = kit.engine.start(spec)
        committed = [[] for _ in range(4)]

        def write(w, numbers, socket=running.socket):
            with contextlib.suppress(Unreachable), Client(socket) as client:
                for n in range(100_000):
                    client.query(f"INSERT INTO app.kept (w, n) VALUES ({w}, {n})")
                    numbers.append(n)

        kit.rows(running.socket, "DELETE FROM kept")
        writers = [threading.Thread(target=write, args=each) for each in enumerate(committed)]
        for each in writers:
            each.start()
        until(lambda committed=committed: sum(map(len, committed)) > 40)
        last = place.binlogs / place.binlog_index.read_text(encoding="utf-8").split("/")[-1].strip()
        with last.open("rb", buffering=0) as log:
            os.kill(running.pid, signal.SIGTERM)
            while os.pread(log.fileno(), 1, FLAGS) != b"\0":
                pass
        os.kill(running.pid, signal.SIGKILL)
        for each in writers:
            each.join()
        until(lambda: kit.engine.status(spec).state == "crashed")
        kit.engine.start(spec)
        found = {*kit.rows(kit.engine.reattach(spec).socket, "SELECT w, n FROM kept")}
        assert {(w, n) for w, numbers in enumerate(committed) for n in numbers} <= found


def test_what_is_no_log_is_left_as_it_is(tmp_path):
    index, log = tmp_path / "binlog.index", tmp_path / "binlog.000001"
    open_logs.mark(index)
    index.write_text("", encoding="utf-8")
    open_logs.mark(index)
    index.write_text(f"/elsewhere/{log.name}\n", encoding="utf-8")
    open_logs.mark(index)
    for content in (b"", b"\xfebin" + bytes(4), bytes(60)):
        log.write_bytes(content)
        open_logs.mark(index)
        assert log.read_bytes() == content
