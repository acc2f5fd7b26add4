"""What passes through an endpoint of PostgreSQL in bulk, in pieces and in pipelines, and what that costs in memory."""

import contextlib
import os
import resource
import select
import socket
import threading
import time
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from tests.engines.postgresql.conftest import MASTER, until

pytestmark = pytest.mark.xdist_group("postgresql")
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def database(instances):
    made = instances.running("bulk", settings={"max_connections": "150"})
    instances.rows(made, "CREATE TABLE bulk (id int, word text)")
    return made


@pytest.fixture(scope="module")
def endpoint(instances, database):
    return instances.endpoint("bulk-door", database)


@pytest.fixture
def through(instances, endpoint):
    """A session of libpq at the endpoint, without what psycopg does on top."""
    place = f"host={endpoint.address} port={endpoint.port} dbname=app user={MASTER.user}"
    connection = pq.PGconn.connect(f"{place} password='{MASTER.password}'".encode())
    assert connection.status == pq.ConnStatus.OK, connection.get_error_message()
    yield connection
    connection.finish()


def resident(instances, endpoint):
    """Bytes of memory that the endpoint's process has."""
    pages = Path(f"/proc/{instances.endpoints.status(endpoint).pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def results(connection, number):
    """The next results, each with its end, of a connection in pipeline mode."""
    found = []
    while len(found) < number:
        while connection.is_busy():
            select.select([connection.socket], [], [], 30)
            connection.consume_input()
        result = connection.get_result()
        if result is not None:
            found.append(result)
    return found


def hold(instances, endpoint, **more):
    return instances.endpoints.hold(endpoint, **{"drain": 5, "deadline": 60, **more})


def test_a_pipeline_that_is_flushed_and_not_synced_is_no_boundary(instances, database, endpoint, through):
    """As JDBC drivers do with a cursor's rows: Flush asks for answers, and the transaction stays open until Sync."""
    through.enter_pipeline_mode()
    through.send_query_params(b"INSERT INTO bulk VALUES (1, $1)", [b"flushed"])
    through.send_flush_request()
    through.flush()
    assert results(through, 1)[0].status == pq.ExecStatus.COMMAND_OK
    held = []
    holding = threading.Thread(target=lambda: held.append(hold(instances, endpoint, drain=30)))
    holding.start()
    until(lambda: instances.endpoints.status(endpoint).holding)
    through.send_query_params(b"SELECT count(*)::text FROM bulk WHERE word = 'flushed'", [])
    through.pipeline_sync()
    through.flush()
    rows, ready = [one for one in results(through, 2) if one.status != pq.ExecStatus.COMMAND_OK]
    assert rows.get_value(0, 0) == b"1"
    assert ready.status == pq.ExecStatus.PIPELINE_SYNC
    holding.join()
    assert held[0].cut == 0
    instances.endpoints.release(endpoint, instances.socket(database))
    through.send_query_params(b"SELECT 'on'", [])
    through.pipeline_sync()
    through.flush()
    assert results(through, 1)[0].get_value(0, 0) == b"on"


def test_a_long_pipeline_goes_through_while_it_is_held_and_released(instances, database, endpoint):
    with instances.session(endpoint) as session, session.pipeline() as pipeline:
        cursors = []
        for number in range(300):
            cursors.append(session.execute("SELECT %s::int", [number]))
            if number % 10 == 9:
                pipeline.sync()
            if number % 100 == 59:
                assert hold(instances, endpoint).cut == 0
                instances.endpoints.release(endpoint, instances.socket(database))
        pipeline.sync()
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(300))


def test_an_error_in_a_pipeline_skips_to_its_sync_and_no_further(instances, endpoint):
    with instances.session(endpoint) as session, session.pipeline() as pipeline:
        good, bad, skipped = (session.cursor() for _ in range(3))
        # The client tells of it as soon as it has heard of it, whatever it is asked then.
        with pytest.raises(psycopg.errors.DivisionByZero):
            for cursor, text in ((good, "SELECT 1"), (bad, "SELECT 1/0"), (skipped, "SELECT 2")):
                cursor.execute(text)
            pipeline.sync()
            bad.fetchone()
        with contextlib.suppress(psycopg.errors.PipelineAborted):
            pipeline.sync()
        after = session.execute("SELECT 3")
        pipeline.sync()
        assert good.fetchone() == (1,)
        assert after.fetchone() == (3,)
        with pytest.raises(psycopg.Error):
            skipped.fetchone()
    assert hold(instances, endpoint).cut == 0


def test_big_parameters_pass_in_parts_and_are_not_kept(instances, endpoint):
    before = resident(instances, endpoint)
    with instances.session(endpoint) as session:
        for _ in range(3):
            word = os.urandom(32 * MEGABYTE)
            asked = session.execute("SELECT md5(%b), length(%b)", [word, b"short"])
            assert asked.fetchone()[1] == 5
        assert session.execute("SELECT length(%b)", [word]).fetchone() == (len(word),)
    assert resident(instances, endpoint) - before < 16 * MEGABYTE


def test_a_slow_reader_is_waited_for_and_nothing_is_piled_up(instances, endpoint):
    before = resident(instances, endpoint)
    with instances.session(endpoint) as session:
        connection = session.pgconn
        connection.send_query(b"SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
        connection.set_single_row_mode()
        sent = 0
        # It reads nothing: what the endpoint has read of the database comes to a stop.
        while (now := instances.endpoints.status(endpoint).bytes_out) != sent or not sent:
            sent = now
            time.sleep(0.2)
        assert sent < 60 * MEGABYTE
        assert resident(instances, endpoint) - before < 16 * MEGABYTE
        rows = 0
        while (result := connection.get_result()) is not None:
            rows += result.ntuples
        assert rows == 100_000


def test_a_slow_database_is_waited_for_while_rows_are_copied_in(instances, database, endpoint):
    before = resident(instances, endpoint)
    with instances.session(endpoint) as session, instances.session(database) as locker:
        session.execute("TRUNCATE bulk")
        with session.cursor().copy("COPY bulk FROM STDIN") as copy:
            copy.write("0\tfirst\n")
            pid = instances.rows(
                database, "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY bulk FROM%'"
            )[0][0]
            os.kill(pid, 19)
            try:
                block = b"".join(b"%d\t%s\n" % (number, b"word" * 20) for number in range(1000))
                connection = session.pgconn
                connection.nonblocking = 1
                end = time.monotonic() + 2
                while time.monotonic() < end:
                    if not connection.flush():
                        connection.put_copy_data(block)
                assert resident(instances, endpoint) - before < 16 * MEGABYTE
            finally:
                os.kill(pid, 18)
            until(lambda: connection.flush() == 0)
            connection.nonblocking = 0
        assert locker.execute("SELECT count(*) % 1000 FROM bulk").fetchone() == (1,)


def test_a_client_that_disappears_amid_a_copy_leaves_no_row_and_no_session(instances, database, endpoint):
    instances.rows(database, "TRUNCATE bulk")
    working = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY bulk FROM%'"
    with (
        instances.session(endpoint) as session,
        contextlib.suppress(psycopg.Error),
        session.cursor().copy("COPY bulk FROM STDIN") as copy,
    ):
        for number in range(1000):
            copy.write(f"{number}\tgone\n")
        session.pgconn.flush()
        until(lambda: instances.rows(database, working) == [(1,)])
        # Not so much as a word of farewell.
        with socket.socket(fileno=os.dup(session.pgconn.socket)) as gone:
            gone.shutdown(socket.SHUT_RDWR)
    until(lambda: instances.rows(database, working) == [(0,)])
    assert instances.rows(database, "SELECT count(*) FROM bulk") == [(0,)]
    until(lambda: instances.endpoints.status(endpoint).sessions == 0)


def test_what_comes_in_single_bytes_is_understood(instances, endpoint):
    """A message's head may be in two pieces as well as its body."""
    with instances.session(endpoint) as session:
        raw = socket.socket(fileno=os.dup(session.pgconn.socket))
        with raw:
            raw.setblocking(True)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = b"SELECT 'in pieces'\0"
            for byte in b"Q" + (len(asked) + 4).to_bytes(4, "big") + asked:
                raw.send(bytes((byte,)))
                time.sleep(0.001)
            said = b""
            while not said.endswith(b"Z\0\0\0\5I"):
                said += raw.recv(1000)
            assert b"in pieces" in said
    assert hold(instances, endpoint).cut == 0


def test_being_signed_in_ahead_changes_nothing_for_who_is_at_work(instances, database, endpoint, through):
    where, ending, counted, told = instances.socket(database), threading.Event(), [], []

    def tell():
        with instances.session(database) as session:
            while not ending.is_set():
                session.execute(f"NOTIFY told, '{len(told)}'")
                told.append(len(told))

    def work():
        with instances.session(endpoint) as session:
            number = 0
            while not ending.is_set():
                with session.transaction():
                    assert session.execute("SELECT %s::int", [number]).fetchone() == (number,)
                assert session.execute(f"SELECT {number}").fetchone() == (number,)
                number += 1
            counted.append(number)

    through.exec_(b"LISTEN told")
    assert through.prepare(b"", b"SELECT 'kept'").status == pq.ExecStatus.COMMAND_OK
    workers = [threading.Thread(target=work) for _ in range(4)] + [threading.Thread(target=tell)]
    for worker in workers:
        worker.start()
    until(lambda: instances.endpoints.status(endpoint).sessions == 5)
    for _ in range(20):
        instances.endpoints.prepare(endpoint, where)
    ending.set()
    for worker in workers:
        worker.join()
    assert len(counted) == 4
    assert min(counted) > 0
    assert through.exec_prepared(b"", []).get_value(0, 0) == b"kept"
    heard = []
    while (notice := through.notifies()) is not None:
        heard.append(int(notice.extra))
    assert heard == told
    assert hold(instances, endpoint).cut == 1


@pytest.fixture(autouse=True)
def goes_on(instances, database, endpoint):
    """A test may leave the endpoint held."""
    yield
    instances.endpoints.release(endpoint, instances.socket(database))


def test_idle_sessions_cost_little(instances, endpoint):
    """Less than a third of what each costs the database."""
    with contextlib.ExitStack() as open_sessions:
        open_sessions.enter_context(instances.session(endpoint))
        before, number = resident(instances, endpoint), 100
        for _ in range(number):
            open_sessions.enter_context(instances.session(endpoint))
        assert (resident(instances, endpoint) - before) / number < 65536
