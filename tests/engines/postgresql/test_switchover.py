"""The switchover to a newer version under load: a column more, sequences that go on, every acknowledged row exactly once.

What happens when something dies in the middle of it is in tests/engines/databases/test_switchover.py.
"""

import itertools
import sys
import threading
import time

import psycopg
import pytest

from coldframe.engines import switchover
from coldframe.engines.database import Login
from coldframe.engines.switchover import Switchover
from tests.engines.postgresql.conftest import until

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


def prepared(instances):
    """A blue 15, its green 17 that follows it with a column and an index more, an endpoint, and writers at work."""
    blue = instances.running("blue")
    instances.rows(blue, "CREATE ROLE writer LOGIN PASSWORD 'w'")
    instances.rows(blue, "CREATE TABLE written (id serial PRIMARY KEY, writer int, number int)")
    instances.rows(blue, "CREATE TABLE counters (writer int PRIMARY KEY, value int)")
    instances.rows(
        blue, f"INSERT INTO counters SELECT number, 0 FROM generate_series(0, {_WRITERS - 1}) number"
    )
    instances.rows(blue, "GRANT ALL ON ALL TABLES IN SCHEMA public TO writer")
    instances.rows(blue, "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO writer")
    endpoint = instances.endpoint("door", blue)
    load = Load(instances, endpoint)
    load.goes_on()
    green = instances.spec("green", version="17", read_only=True)
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
    change, load = prepared(instances)
    try:
        _green_is_late(instances, change, load)
        _switch(instances, change, load)
    except BaseException:
        # Writers who are held would never come to their end.
        instances.endpoints.stop(change.endpoint)
        raise
    finally:
        load.end()
    assert load.errors == []
    check(instances, change, load)
    _old_one_is_read(instances, change)
    report = (
        f"PostgreSQL 15 -> 17, {_WRITERS} writers: longest pause {max(load.pauses) * 1000:.0f} ms, "
        f"{len(load.acknowledged)} rows, 0 errors"
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{report}\n")


def _switch(instances, change, load):
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
    assert held.cut == 0
    assert held.held == _WRITERS


def _old_one_is_read(instances, change):
    """Told once more to be read-only, now that its successor has left it, the old primary may be read."""
    instances.engine.set_read_only(change.blue, on=True)
    with instances.session(change.blue) as session:
        assert session.execute("SELECT count(*) > 0 FROM written").fetchone() == (True,)
        with pytest.raises(psycopg.Error):
            session.execute("SET transaction_read_only = off")
        with pytest.raises(psycopg.Error):
            session.execute("INSERT INTO written (writer, number) VALUES (-2, 0)")


def _green_is_late(instances, change, load):
    """Something on green keeps it from applying: it is behind, and must not become the primary."""
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
        switchover.roll_back(change)
    load.goes_on()
    assert primaries(instances, change) == [change.blue.name]
