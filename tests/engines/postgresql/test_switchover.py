"""The switchover to a newer version under load: every acknowledged row exactly once, no two primaries, whatever dies."""

import itertools
import os
import signal
import sys
import threading
import time

import psycopg
import pytest

from coldframe.engines import switchover
from coldframe.engines.database import DatabaseError, Login
from coldframe.engines.postgresql import PostgreSQL, PostgreSQLEndpoints
from coldframe.engines.switchover import Switchover
from tests.engines.postgresql.conftest import cache

pytestmark = pytest.mark.xdist_group("postgresql")

_WRITERS = 8
_WRITER = Login("writer", "w")


class Load:
    """Writers who never pause: a row and a counter in one transaction, each acknowledged or not known to be."""

    def __init__(self, instances, endpoint) -> None:
        self._instances, self._endpoint = instances, endpoint
        self._stop = threading.Event()
        self.acknowledged: list[tuple[int, int]] = []
        self.unknown: list[tuple[int, int]] = []
        self.errors: list[str] = []
        self.pauses = [0.0] * _WRITERS
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(_WRITERS)]
        for thread in self._threads:
            thread.start()

    def _write(self, writer: int) -> None:
        session, last = None, None
        for number in itertools.count(1):
            if self._stop.is_set():
                break
            try:
                session = session or self._instances.session(self._endpoint, _WRITER)
                with session.transaction():
                    session.execute("INSERT INTO written (writer, number) VALUES (%s, %s)", [writer, number])
                    session.execute("UPDATE counters SET value = value + 1 WHERE writer = %s", [writer])
            except psycopg.Error as problem:
                self.errors.append(str(problem))
                self.unknown.append((writer, number))
                if session is not None:
                    session.close()
                session = None
            else:
                now = time.monotonic()
                if last is not None:
                    self.pauses[writer] = max(self.pauses[writer], now - last)
                last = now
                self.acknowledged.append((writer, number))
        if session is not None:
            session.close()

    def goes_on(self) -> None:
        """Return when every writer has had something acknowledged since."""
        before = len(self.acknowledged)
        until(lambda: len({writer for writer, _ in self.acknowledged[before:]}) == _WRITERS)

    def end(self) -> None:
        """Stop writing."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def until(condition, seconds=120):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not come to be"
        time.sleep(0.002)


def prepared(instances, name):
    """A blue 15, its green 17 that follows it with a column and an index more, an endpoint, and writers at work."""
    blue = instances.running(f"{name}-blue")
    instances.rows(blue, "CREATE ROLE writer LOGIN PASSWORD 'w'")
    instances.rows(blue, "CREATE TABLE written (id serial PRIMARY KEY, writer int, number int)")
    instances.rows(blue, "CREATE TABLE counters (writer int PRIMARY KEY, value int)")
    instances.rows(
        blue, f"INSERT INTO counters SELECT number, 0 FROM generate_series(0, {_WRITERS - 1}) number"
    )
    instances.rows(blue, "GRANT ALL ON ALL TABLES IN SCHEMA public TO writer")
    instances.rows(blue, "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO writer")
    endpoint = instances.endpoint(f"{name}-door", blue)
    load = Load(instances, endpoint)
    load.goes_on()
    green = instances.spec(f"{name}-green", version="17", read_only=True)
    instances.engine.copies.copy(blue, green, "logical")
    instances.engine.start(green)
    instances.engine.copies.follow(blue, green)
    with instances.session(green) as session:
        # Meant: who only forgets where he is cannot write here.
        session.execute("SET default_transaction_read_only = off")
        session.execute("ALTER TABLE written ADD COLUMN note text DEFAULT 'from blue'")
        session.execute("CREATE INDEX ON written (writer)")
    load.goes_on()
    return Switchover(instances.engine, instances.endpoints, endpoint, blue, green), load


def close(instances, change):
    """Return when green follows closely, as the guardrail before a switchover asks for."""

    def follows():
        following = instances.engine.copies.following(change.blue, change.green)
        return following.running and following.behind is not None and following.behind < 100

    until(follows)


def writable(instances, spec):
    """Whether an ordinary session can write."""
    try:
        instances.rows(spec, "CREATE TABLE probe (id int); DROP TABLE probe", autocommit=False)
    except (psycopg.Error, AssertionError):
        return False
    return True


def primaries(instances, change):
    return [spec.name for spec in (change.blue, change.green) if writable(instances, spec)]


def check(instances, change, load):
    """Count what is on the new primary against what was acknowledged."""
    rows = instances.rows(change.green, "SELECT writer, number FROM written")
    found = set(rows)
    assert len(found) == len(rows), "a row is there twice"
    acknowledged = set(load.acknowledged)
    assert acknowledged - found == set(), "acknowledged rows are lost"
    assert found - acknowledged <= set(load.unknown), "rows that nobody wrote"
    counters = dict(instances.rows(change.green, "SELECT writer, value FROM counters"))
    for writer in range(_WRITERS):
        assert counters[writer] == sum(1 for each, _ in found if each == writer)
    ids = instances.rows(change.green, "SELECT count(*), count(DISTINCT id), max(id) FROM written")[0]
    assert ids[0] == ids[1] == len(rows)
    (new,) = instances.rows(change.green, "INSERT INTO written (writer, number) VALUES (-1, 0) RETURNING id")[
        0
    ]
    assert new > ids[2], "the sequence was left behind"
    assert instances.rows(change.green, "SHOW server_version")[0][0].startswith("17")


def test_writers_see_a_pause_and_no_error(instances, capsys):
    change, load = prepared(instances, "quiet")
    close(instances, change)
    load.pauses = [0.0] * _WRITERS
    switchover.arm(change)
    held = switchover.hold(change)
    position = switchover.fence(change)
    assert primaries(instances, change) == []
    switchover.catch_up(change, position, patience=60)
    switchover.reassert(change, position)
    switchover.promote(change)
    assert primaries(instances, change) == []
    switchover.writable(change)
    assert primaries(instances, change) == [change.green.name]
    switchover.release(change)
    load.goes_on()
    load.end()
    assert load.errors == []
    assert held.cut == 0
    assert held.held == _WRITERS
    check(instances, change, load)
    # Once more, and the old primary may be read.
    instances.engine.set_read_only(change.blue, on=True)
    with instances.session(change.blue) as session:
        assert session.execute("SELECT count(*) > 0 FROM written").fetchone() == (True,)
        with pytest.raises(psycopg.Error):
            session.execute("SET transaction_read_only = off")
        with pytest.raises(psycopg.Error):
            session.execute("INSERT INTO written (writer, number) VALUES (-2, 0)")
    report = (
        f"PostgreSQL 15 -> 17, {_WRITERS} writers: longest pause {max(load.pauses) * 1000:.0f} ms, "
        f"{len(load.acknowledged)} rows, 0 errors"
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{report}\n")


def again(change):
    """The same switchover in the hands of another server, which remembers nothing."""
    return Switchover(
        PostgreSQL(cache()),
        PostgreSQLEndpoints(),
        change.endpoint,
        change.blue,
        change.green,
        change.drain,
        change.deadline,
    )


def kill(instances, spec):
    os.kill(instances.engine.reattach(spec).pid, signal.SIGKILL)
    until(lambda: instances.engine.status(spec).state == "crashed")


def test_whatever_dies_every_row_is_there_once(instances):
    change, load = prepared(instances, "rough")
    try:
        _stopped_before_commit(instances, change, load)
        _green_is_late(instances, change, load)
        _green_dies(instances, change, load)
        assert load.errors == []
        _blue_dies_then_the_endpoint(instances, change, load)
        load.goes_on()
    except BaseException:
        # Writers who are held would never come to their end.
        instances.endpoints.stop(change.endpoint)
        raise
    finally:
        load.end()
    check(instances, change, load)


def _stopped_before_commit(instances, change, load):
    """The switchover stops after each step before COMMIT and is undone by another server."""
    for last in ("arm", "hold", "fence", "catch_up"):
        close(instances, change)
        switchover.arm(change)
        if last != "arm":
            switchover.hold(change)
        if last in {"fence", "catch_up"}:
            position = switchover.fence(change)
            assert switchover.fence(again(change)) == position
        if last == "catch_up":
            switchover.catch_up(change, position, patience=60)
        switchover.roll_back(again(change))
        assert primaries(instances, change) == [change.blue.name], last
        load.goes_on()


def _green_is_late(instances, change, load):
    """Something on green keeps it from applying: it is behind, and must not become the primary."""
    close(instances, change)
    with instances.session(change.green, autocommit=False) as session:
        session.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        session.commit()
        session.execute("LOCK TABLE written IN EXCLUSIVE MODE")
        load.goes_on()
        switchover.hold(change)
        position = switchover.fence(change)
        assert not instances.engine.copies.reached(change.green, position)
        with pytest.raises(switchover.CatchUpLate):
            switchover.catch_up(change, position, patience=0.1)
        switchover.roll_back(again(change))
    load.goes_on()


def _green_dies(instances, change, load):
    close(instances, change)
    switchover.hold(change)
    position = switchover.fence(change)
    kill(instances, change.green)
    with pytest.raises(DatabaseError):
        switchover.catch_up(change, position, patience=0.1)
    switchover.roll_back(again(change))
    load.goes_on()
    instances.engine.start(change.green)
    instances.engine.copies.follow(change.blue, change.green)
    assert primaries(instances, change) == [change.blue.name]


def _blue_dies_then_the_endpoint(instances, change, load):
    close(instances, change)
    switchover.arm(change)
    switchover.hold(change)
    position = switchover.fence(change)
    kill(instances, change.blue)
    instances.engine.start(change.blue)
    # From its first moment on nobody may write, or come in: green still has to read its log.
    assert primaries(instances, change) == []
    assert switchover.fence(again(change)) == position
    switchover.catch_up(change, position, patience=60)
    # COMMIT. From here on another server repeats everything.
    switchover.reassert(change, position)
    os.kill(instances.endpoints.status(change.endpoint).pid, signal.SIGKILL)
    until(lambda: instances.endpoints.status(change.endpoint) is None)
    for step in (switchover.promote, switchover.writable, switchover.release):
        step(change)
        step(again(change))
        assert primaries(instances, change) == ([] if step is switchover.promote else [change.green.name])
