"""What some clients of PostgreSQL ask an endpoint for: a newer protocol, TLS from the first byte, decoding, the last answer."""

import contextlib
import os
import socket
import struct
import threading
import time
from pathlib import Path

import psycopg
import pytest

from coldframe.engines.database import Login
from coldframe.engines.postgresql import wire
from tests.engines.postgresql.conftest import until

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture(scope="module")
def decoding(instances):
    """An instance whose owner switched logical replication on."""
    made = instances.running("decoding", settings={"rds.logical_replication": "1"})
    instances.rows(made, "CREATE ROLE changes LOGIN PASSWORD 'c'")
    instances.rows(made, "CREATE TABLE watched (word text)")
    return made


@pytest.fixture(scope="module")
def endpoint(instances, decoding, certificate):
    instances.folder.chmod(0o711)
    return instances.endpoint("clients-door", decoding, certificate=certificate[0], key=certificate[1])


def test_who_asks_for_a_newer_protocol_is_told_which_one_is_spoken(instances, endpoint):
    with instances.session(endpoint, max_protocol_version="latest") as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match=r"server only supports protocol version 3\.0"):
        instances.session(endpoint, min_protocol_version="3.2", max_protocol_version="latest")


def test_tls_may_come_first(instances, endpoint):
    with instances.session(endpoint, sslmode="require", sslnegotiation="direct") as session:
        assert session.pgconn.ssl_in_use
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_request_to_cancel_inside_of_tls_ends_with_tlss_own_farewell(instances, endpoint):
    with instances.session(endpoint, sslmode="require") as session:
        problems = []

        def cancel():
            until(
                lambda: instances.rows(
                    endpoint, "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"
                )
            )
            try:
                session.cancel_safe(timeout=30)
            except psycopg.Error as problem:
                problems.append(problem)

        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("SELECT pg_sleep(60)")
        canceller.join()
        assert problems == []


def test_members_of_rds_replication_decode_and_nobody_copies_files(instances, endpoint):
    """A slot is at one database alone: who decodes is cut when everybody moves, and counted."""
    changes = Login("changes", "c")
    with pytest.raises(psycopg.OperationalError, match="replication role"):
        instances.session(endpoint, changes, replication="database")
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry for replication"):
        instances.session(endpoint, replication="true")
    instances.rows(endpoint, "GRANT rds_replication TO changes")
    with contextlib.closing(instances.session(endpoint, changes, replication="database")) as session:
        decoder = session.pgconn
        made = decoder.exec_(b"CREATE_REPLICATION_SLOT here TEMPORARY LOGICAL test_decoding")
        assert made.status == psycopg.pq.ExecStatus.TUPLES_OK, made.error_message
        instances.rows(endpoint, "INSERT INTO watched VALUES ('decoded')")
        assert (
            decoder.exec_(b"START_REPLICATION SLOT here LOGICAL 0/0").status
            == psycopg.pq.ExecStatus.COPY_BOTH
        )
        while True:
            _, data = decoder.get_copy_data(0)
            if b"decoded" in bytes(data):
                break
        began = time.monotonic()
        assert instances.endpoints.hold(endpoint, drain=40, deadline=90).cut == 1
        # It would not end by itself.
        assert time.monotonic() - began < 20
        target = instances.endpoints.status(endpoint).target
        instances.endpoints.release(endpoint, target)
    instances.rows(endpoint, "REVOKE rds_replication FROM changes")
    with pytest.raises(psycopg.OperationalError, match="replication role"):
        instances.session(endpoint, changes, replication="database")


def test_where_logical_replication_is_off_nobody_decodes(instances):
    """The attribute that it takes lets in any library that is named as an output plugin."""
    other = instances.running("deaf")
    door = instances.endpoint("deaf-door", other)
    with pytest.raises(psycopg.OperationalError, match="replication role"):
        instances.session(door, replication="database")
    assert instances.rows(door, "SHOW rds.logical_replication") == [("off",)]


@pytest.fixture
def raw(instances, endpoint):
    """The socket of a session that has signed in, for what no client would say."""
    with (
        instances.session(endpoint, sslmode="disable") as session,
        socket.socket(fileno=os.dup(session.pgconn.socket)) as sock,
    ):
        sock.settimeout(30)
        yield sock


def all_of(sock):
    """What comes until the connection ends."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def test_who_says_no_more_still_gets_the_answer_that_is_under_way(raw):
    raw.sendall(wire.message(b"Q", wire.text("SELECT pg_sleep(0.3), repeat('x', 500000)")))
    raw.shutdown(socket.SHUT_WR)
    answer = all_of(raw)
    assert b"x" * 500_000 in answer
    assert answer.endswith(wire.message(b"Z", b"I"))


@pytest.mark.parametrize("kind", [b"Q", b"S"])
def test_a_message_that_is_longer_than_any_may_be_is_refused_by_the_database(raw, kind):
    raw.sendall(kind + struct.pack("!I", 0xFFFFFFF0) + b"SELECT")
    # It writes the reason into its log, and ends the connection.
    assert all_of(raw) == b""


def test_a_long_statement_is_handed_on_as_it_comes_and_still_looked_at(instances, decoding, endpoint):
    process = Path(f"/proc/{instances.endpoints.status(endpoint).pid}")
    with instances.session(endpoint) as session:
        (process / "clear_refs").write_text("5")
        before = _most(process)
        # The setting is named where two pieces meet, wherever that is.
        long = "/*" + "x" * (40 << 20) + "*/ "
        session.execute("SET my.first = 'a'" + long)
        session.execute(long + "; SET my.second = 'b'; SELECT 1")
        assert _most(process) - before < 16384
        instances.endpoints.hold(endpoint, drain=30, deadline=60)
        instances.endpoints.release(endpoint, instances.socket(decoding))
        assert session.execute(
            "SELECT current_setting('my.first') || current_setting('my.second')"
        ).fetchone() == ("ab",)


def test_what_was_not_prepared_is_prepared_nowhere(instances, decoding, endpoint):
    """A name that is in use keeps its statement, whatever is said later under that name."""
    with contextlib.closing(instances.session(endpoint)) as session:
        for text in (b"SELECT 'first'", b"SELECT 'second'"):
            session.pgconn.prepare(b"named", text)
        assert session.pgconn.exec_prepared(b"named", None).get_value(0, 0) == b"first"
        assert instances.endpoints.hold(endpoint, drain=5, deadline=60).cut == 1
        instances.endpoints.release(endpoint, instances.socket(decoding))


def _most(process):
    """The most kilobytes of memory that a process ever had."""
    lines = (process / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
