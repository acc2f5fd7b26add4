"""What some clients of MariaDB ask an endpoint for: options of a session, KILL by packet, the last answer, half a word."""

import socket
import struct

import pymysql
import pytest

from coldframe.engines.mariadb import wire
from tests.engines.databases.mariadb.conftest import ask, server_of

pytestmark = pytest.mark.xdist_group("databases")
_KILL, _SET_OPTION, _QUERY = 0x0C, 0x1B, 0x03


def command(session, number, payload):
    """Run a command of the protocol that the driver does not offer."""
    session._execute_command(number, payload)
    return session._read_packet()


@pytest.mark.parametrize("on", [True, False])
def test_several_statements_in_one_may_be_switched_on_later_and_stay_so(endpoint, on):
    """As PHP's mysqli does; one of them that cannot be moved pins the session."""
    with endpoint.connect(client_flag=0) as session:
        command(session, _SET_OPTION, struct.pack("<H", not on))
        if on:
            ask(session, "SELECT 1; CREATE TEMPORARY TABLE later (id INT)")
        assert endpoint.move().cut == on
    with endpoint.connect(client_flag=0) as session:
        command(session, _SET_OPTION, struct.pack("<H", not on))
        here = server_of(session)
        endpoint.hold()
        endpoint.release(0)
        assert server_of(session) != here
        if on:
            assert ask(session, "SELECT 1; SELECT 2") == ((1,),)
        else:
            with pytest.raises(pymysql.ProgrammingError):
                ask(session, "SELECT 1; SELECT 2")


def test_the_end_of_a_long_text_may_leave_as_much_as_its_beginning(endpoint):
    long = "SELECT /*" + "x" * (1 << 20) + "*/ 'kept'"
    with endpoint.connect(client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS) as session:
        ask(session, long + " INTO @kept; SET @other = 2")
        assert endpoint.move().cut == 0
        assert ask(session, "SELECT @kept, @other") == (("kept", 2),)
        endpoint.hold()
        endpoint.release(0)
        ask(session, long + "; CREATE TEMPORARY TABLE later (id INT)")
        assert endpoint.move().cut == 1


@pytest.mark.parametrize(("length", "cut"), [(2047, 0), (2048, 1)])
def test_a_variable_that_the_server_shows_only_in_part_is_not_taken_along_in_part(endpoint, length, cut):
    with endpoint.connect() as session:
        ask(session, f"SET @long = REPEAT('é', {length})")
        assert endpoint.move().cut == cut
        if not cut:
            assert ask(session, "SELECT @long") == (("é" * length,),)


def test_a_packet_that_kills_finds_a_session_by_the_id_that_it_knows(endpoint):
    with endpoint.connect() as victim, endpoint.connect() as killer:
        known = victim.thread_id()
        assert endpoint.move().cut == 0
        assert ask(victim, "SELECT CONNECTION_ID()")[0][0] != known
        command(killer, _KILL, struct.pack("<I", known))
        with pytest.raises(pymysql.OperationalError):
            ask(victim, "SELECT 1")
        assert ask(killer, "SELECT 1") == ((1,),)


def test_who_says_no_more_still_gets_the_answer_that_is_under_way(endpoint):
    with endpoint.connect() as session:
        session._sock.settimeout(30)
        session._sock.sendall(wire.framed(bytes((_QUERY,)) + b"SELECT SLEEP(0.3), REPEAT('x', 500000)", 0))
        session._sock.shutdown(socket.SHUT_WR)
        answer = session._rfile.read()
        assert b"x" * 500_000 in answer
        session._force_close()


@pytest.mark.parametrize("length", [0, 1, 5, 31])
def test_who_answers_with_too_little_is_sent_away(endpoint, length):
    with socket.create_connection((endpoint.spec.address, endpoint.spec.port), timeout=30) as client:
        assert client.recv(4096)
        client.sendall(wire.framed(b"\xff" * length, 1))
        assert b"".join(iter(lambda: client.recv(4096), b"")) == b""
    with endpoint.connect() as session:
        assert ask(session, "SELECT 1") == ((1,),)
