"""The endpoint of MariaDB, with the real clients that people use: what it carries over when the database changes, and what it cuts."""

import contextlib
import os
import signal
import threading
from pathlib import Path

import mysql.connector
import pymysql
import pytest

from coldframe.core.process import own_account
from coldframe.engines.accounts import service_account
from coldframe.engines.database import Login
from coldframe.engines.endpoint import EndpointSpec
from coldframe.engines.mariadb.endpoints import MariaDBEndpoints
from coldframe.engines.sign_in import SignIns, password
from tests.engines.databases.kits import MASTER, loopback, until
from tests.engines.databases.mariadb.conftest import Endpoint, ask, server_of

pytestmark = pytest.mark.xdist_group("databases")


def test_a_wrong_password_is_refused_as_the_database_refuses_it(endpoint):
    with pytest.raises(pymysql.OperationalError) as refused, endpoint.connect(password="wrong"):
        pass
    assert refused.value.args[0] == 1045
    assert endpoint.of.status(endpoint.spec).refused == 1


@pytest.mark.parametrize("name", sorted({own_account().name, service_account().name}))
def test_the_administrators_of_the_database_cannot_come_in_through_it(endpoint, name):
    # They sign in by the user of the system at the other end of the socket, which here is the endpoint's own.
    with pytest.raises(pymysql.OperationalError) as refused, endpoint.connect(user=name, password=""):
        pass
    assert refused.value.args[0] in {1045, 1698}
    with endpoint.connect() as session, pytest.raises(pymysql.MySQLError):
        session._execute_command(0x11, name.encode() + b"\0\0app\0\x2d\0mysql_native_password\0")
        session._read_ok_packet()


def test_what_a_session_has_set_up_goes_with_it(endpoint):
    with endpoint.connect(database=None) as session:
        before = server_of(session)
        ask(session, "USE app")
        ask(session, "SET NAMES latin1")
        ask(session, "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', time_zone = '+03:00'")
        ask(session, "SET SESSION max_statement_time = 12.5, group_concat_max_len = 4711, autocommit = 0")
        ask(session, "SET @number = 42, @text = 'gr\u00fcn \\', @nothing = NULL, @`odd name` = 1.5")
        ask(session, "SET ROLE painter")
        ask(session, "INSERT INTO t (word) VALUES ('x')")
        session.commit()
        state = (
            "SELECT DATABASE(), @@character_set_client, @@character_set_results, @@collation_connection, @@sql_mode,"
            " @@time_zone, @@max_statement_time, @@group_concat_max_len, @@autocommit, @number, @text, @nothing,"
            " @`odd name`, CURRENT_ROLE(), LAST_INSERT_ID(), USER()"
        )
        wanted = ask(session, state)
        session.rollback()
        held = endpoint.move()
        assert (held.held, held.cut) == (1, 0)
        assert server_of(session) != before
        assert ask(session, state)[0][:-1] == wanted[0][:-1]
    assert endpoint.of.status(endpoint.spec).moved == 1


def test_a_prepared_statement_goes_on_with_the_types_it_was_given(endpoint):
    session = mysql.connector.connect(
        host=endpoint.spec.address,
        port=endpoint.spec.port,
        user=MASTER.user,
        password=MASTER.password,
        database="app",
        use_pure=True,
        collation="utf8mb4_general_ci",
        autocommit=True,
    )
    with contextlib.closing(session):
        adds, asks = session.cursor(prepared=True), session.cursor(prepared=True)
        adds.execute("INSERT INTO entries VALUES (?, ?)", (1, "before"))
        asks.execute("SELECT id, word, @@server_id FROM entries WHERE id >= ? ORDER BY id", (0,))
        first = asks.fetchall()
        assert [row[:2] for row in first] == [(1, "before")]
        endpoint.move()
        adds.execute("INSERT INTO entries VALUES (?, ?)", (2, "after"))
        asks.execute("SELECT id, word, @@server_id FROM entries WHERE id >= ? ORDER BY id", (0,))
        rows = asks.fetchall()
        assert [row[:2] for row in rows] == [(2, "after")]
        assert rows[0][2] != first[0][2]
        more = session.cursor(prepared=True)
        more.execute("SELECT ? + 1", (41,))
        assert more.fetchall() == [(42,)]
        asks.execute("SELECT id, word, @@server_id FROM entries WHERE id >= ? ORDER BY id", (3,))
        assert asks.fetchall() == []
    with endpoint.connect() as cleaner:
        ask(cleaner, "DELETE FROM entries")
        endpoint.hold()
        endpoint.release(0)
        ask(cleaner, "DELETE FROM entries")


def test_an_open_transaction_ends_where_it_began_and_the_next_command_goes_on_elsewhere(endpoint):
    with endpoint.connect(autocommit=False) as session:
        ask(session, "INSERT INTO t (word) VALUES ('in transaction')")
        before = server_of(session)
        held = []
        holding = threading.Thread(target=lambda: held.append(endpoint.hold(drain=30)))
        holding.start()
        until(lambda: endpoint.of.status(endpoint.spec).holding)
        assert server_of(session) == before
        session.commit()
        holding.join()
        assert (held[0].held, held[0].cut) == (1, 0)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(server_of(session)))
        waiting.start()
        endpoint.release(1)
        waiting.join()
        assert answers != [before]


def test_a_transaction_that_does_not_end_in_time_is_cut_and_leaves_nothing(endpoint, kit, pair):
    with endpoint.connect(autocommit=False) as session:
        ask(session, "INSERT INTO t (word) VALUES ('never committed')")
        held = endpoint.hold(drain=0.1)
        assert (held.held, held.cut) == (0, 1)
        # It is over at the database itself when the hold returns.
        assert kit.rows(pair[0], "SELECT COUNT(*) FROM information_schema.innodb_trx") == [(0,)]
        with pytest.raises(pymysql.MySQLError):
            ask(session, "SELECT 1")
    assert kit.rows(pair[0], "SELECT COUNT(*) FROM t WHERE word = 'never committed'") == [(0,)]


def test_a_statement_that_runs_too_long_is_ended_with_an_error(endpoint):
    with endpoint.connect() as session:
        errors = []

        def run():
            try:
                ask(session, "SELECT SLEEP(600)")
            except pymysql.MySQLError as error:
                errors.append(error)

        running = threading.Thread(target=run)
        running.start()
        until(lambda: endpoint.of.status(endpoint.spec).bytes_in > 30)
        assert endpoint.hold(drain=0.1).cut == 1
        running.join()
        assert errors


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMPORARY TABLE scratch (id INT)",
        "/* first */ create temporary table scratch (id int)",
        "SELECT GET_LOCK('name', 1)",
        "LOCK TABLES t READ",
        "PREPARE s FROM 'SELECT 1'",
        "HANDLER t OPEN",
        "CALL hides()",
        "SET @bytes = X'00FF'",
    ],
)
def test_a_session_whose_state_cannot_be_carried_is_cut_and_counted(endpoint, statement):
    with endpoint.connect() as session, endpoint.connect() as plain:
        ask(session, statement)
        held = endpoint.move()
        assert (held.held, held.cut) == (1, 1)
        assert endpoint.of.status(endpoint.spec).cut == 1
        with pytest.raises(pymysql.MySQLError):
            ask(session, "SELECT 1")
        assert ask(plain, "SELECT 1") == ((1,),)


def test_a_procedure_that_leaves_nothing_does_not_hinder_a_move(endpoint):
    with endpoint.connect() as session:
        ask(session, "CALL shows()")
        assert endpoint.move().cut == 0
        ask(session, "CALL shows()")


def test_commands_wait_while_it_holds_and_go_on_where_they_were(endpoint):
    with endpoint.connect() as session, endpoint.connect() as idle:
        before = server_of(session)
        endpoint.hold()
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(server_of(session)))
        waiting.start()
        newcomer = threading.Thread(target=lambda: answers.append(endpoint.connect().__enter__().close()))
        newcomer.start()
        waiting.join(0.2)
        newcomer.join(0.1)
        assert answers == []
        endpoint.release(0)
        waiting.join()
        newcomer.join()
        assert sorted(answers, key=str) == sorted([before, None], key=str)
        assert server_of(idle) == before
    assert endpoint.of.status(endpoint.spec).moved == 0


def test_who_begins_to_speak_while_it_waits_to_be_moved_is_heard_at_the_new_database_alone(
    endpoint, kit, instances
):
    """They were silent when everybody was held, and more than are moved at once; the database to come takes its time."""
    pid = kit.engine.reattach(instances.made["other"]).pid
    with contextlib.ExitStack() as open_sessions:
        sessions = [open_sessions.enter_context(endpoint.connect()) for _ in range(20)]
        before = server_of(sessions[0])
        endpoint.hold()
        os.kill(pid, signal.SIGSTOP)
        try:
            moving = threading.Thread(target=lambda: endpoint.release(1))
            moving.start()
            until(lambda: not endpoint.of.status(endpoint.spec).holding)
            heard = endpoint.of.status(endpoint.spec).bytes_in
            for session in sessions:
                session._execute_command(3, "SELECT @@server_id")
            until(lambda: endpoint.of.status(endpoint.spec).bytes_in >= heard + 20 * 23)
        finally:
            os.kill(pid, signal.SIGCONT)
        moving.join()
        for session in sessions:
            session._read_query_result()
            assert session._result.rows[0][0] != before


def test_those_who_wait_get_an_error_when_nobody_releases_them(endpoint, kit, pair):
    with endpoint.connect() as session:
        endpoint.hold(deadline=0.3)
        with pytest.raises(pymysql.OperationalError) as late:
            ask(session, "INSERT INTO t (word) VALUES ('too late')")
        assert late.value.args[0] == 1927
    with pytest.raises(pymysql.OperationalError), endpoint.connect():
        pass
    status = endpoint.of.status(endpoint.spec)
    assert status.holding
    assert status.target == pair[0]
    endpoint.release(1)
    with endpoint.connect() as session:
        assert ask(session, "SELECT COUNT(*) FROM t WHERE word = 'too late'") == ((0,),)
    assert kit.rows(pair[0], "SELECT COUNT(*) FROM t WHERE word = 'too late'") == [(0,)]


def test_sessions_sign_in_as_the_user_they_were(endpoint):
    with endpoint.connect("reader", "only reads") as session:
        endpoint.move()
        assert ask(session, "SELECT CURRENT_USER()") == (("reader@%",),)
        with pytest.raises(pymysql.OperationalError) as denied:
            ask(session, "DELETE FROM t")
        assert denied.value.args[0] == 1142


def test_kill_finds_a_session_by_the_id_that_it_knows(endpoint):
    with endpoint.connect() as victim, endpoint.connect() as killer:
        number = victim.thread_id()
        endpoint.move()
        assert ask(killer, "SELECT 1") == ((1,),)
        ask(killer, f"KILL {number}")
        with pytest.raises(pymysql.MySQLError):
            until(lambda: ask(victim, "SELECT 1") == (), seconds=10)
        assert ask(killer, "SELECT 1") == ((1,),)


def test_several_statements_in_one_command_are_one(endpoint):
    with endpoint.connect(client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS) as session:
        with session.cursor() as cursor:
            cursor.execute("SELECT 1; SET NAMES latin1; SELECT 2; CREATE TEMPORARY TABLE many (id INT)")
            results = [cursor.fetchall()]
            while cursor.nextset():
                results.append(cursor.fetchall())
        assert [result for result in results if result] == [((1,),), ((2,),)]
        assert endpoint.move().cut == 1


def test_changing_the_user_changes_who_is_signed_in_elsewhere(endpoint):
    session = mysql.connector.connect(
        host=endpoint.spec.address,
        port=endpoint.spec.port,
        user=MASTER.user,
        password=MASTER.password,
        use_pure=True,
        collation="utf8mb4_general_ci",
    )
    with contextlib.closing(session):
        session.cmd_change_user("reader", "only reads", "app")
        for _ in range(2):
            cursor = session.cursor()
            cursor.execute("SELECT CURRENT_USER(), DATABASE()")
            assert cursor.fetchall() == [("reader@%", "app")]
            assert endpoint.move().cut == 0
            session.rollback()
            session.cmd_change_user("reader", "only reads", "app")
            session.cmd_reset_connection()


def test_clients_may_use_tls_and_must_if_told(endpoint, pair, certificate):
    with endpoint.connect(ssl={"ca": str(certificate[0]), "check_hostname": False}) as session:
        endpoint.move()
        assert ask(session, "SELECT REPEAT('x', 5000000)")[0][0] == "x" * 5000000
    address, port = loopback()
    folder = endpoint.spec.folder.with_name("strict")
    strict = Endpoint(
        EndpointSpec("strict", "mariadb", address, port, folder, *certificate, require_tls=True), pair
    )
    try:
        with strict.connect(ssl={"ca": str(certificate[0]), "check_hostname": False}) as session:
            assert ask(session, "SELECT 1") == ((1,),)
        with pytest.raises(pymysql.MySQLError) as refused, strict.connect(ssl_disabled=True):
            pass
        assert refused.value.args[0] == 3159
    finally:
        strict.of.stop(strict.spec)


def test_an_account_that_requires_tls_needs_it_up_to_the_database(endpoint, certificate):
    tls = {"ssl": {"ca": str(certificate[0]), "check_hostname": False}}
    with endpoint.connect("careful", "c", **tls) as session:
        before = server_of(session)
        assert ask(session, "SHOW STATUS LIKE 'Ssl_version'")[0][1].startswith("TLSv1")
        for _ in range(2):
            assert ask(session, "SELECT CURRENT_USER(), REPEAT('x', 3000000)")[0][0] == "careful@%"
            assert endpoint.move().cut == 0
        assert server_of(session) != before
        # It is no less fast to be moved than others are: signed in ahead, too.
        endpoint.of.prepare(endpoint.spec, endpoint.pair[0])
        endpoint.hold()
        endpoint.release(0)
        assert server_of(session) == before
    # Others have TLS up to the endpoint alone.
    with endpoint.connect(**tls) as session:
        assert ask(session, "SHOW STATUS LIKE 'Ssl_version'")[0][1] == ""
        ask(session, "CREATE USER IF NOT EXISTS late IDENTIFIED BY 'l'")
        with endpoint.connect("late", "l", database=None) as other:
            assert ask(other, "SELECT 1") == ((1,),)
        ask(session, "ALTER USER late REQUIRE SSL")
    for user, word, more in (
        ("careful", "c", {}),
        ("late", "l", {"database": None}),
        ("careful", "wrong", tls),
        # A client's certificate ends at the endpoint, and none is asked for.
        ("certified", "c", tls),
    ):
        with pytest.raises(pymysql.OperationalError) as refused, endpoint.connect(user, word, **more):
            pass
        assert refused.value.args[0] == 1045
    with endpoint.connect("careful", "c", **tls) as session:
        assert ask(session, "SELECT 1") == ((1,),)


def test_a_token_signs_in_where_the_account_is_for_tokens(endpoint, pair, kit, certificate, instances):
    secret = b"of this test"
    for where in pair:
        kit.rows(where, "CREATE USER IF NOT EXISTS jane IDENTIFIED BY %s", password(secret, "jane"))
    asked = []

    def judge(user, token):
        asked.append((user, token))
        return (user, token) == ("jane", "a good token")

    path = instances.folder / "sign-in.sock"
    address, port = loopback()
    spec = EndpointSpec(
        "tokens", "mariadb", address, port, instances.folder / "tokens", *certificate, sign_in=path
    )
    door = SignIns(path, service_account(), secret, judge)
    made = Endpoint(spec, pair)
    try:
        tls = {"ssl": {"ca": str(certificate[0]), "check_hostname": False}, "database": None}
        with made.connect("jane", "a good token", **tls) as session:
            assert ask(session, "SELECT CURRENT_USER()") == (("jane@%",),)
            assert made.move().cut == 0
            assert ask(session, "SELECT CURRENT_USER()") == (("jane@%",),)
        for token, more in (("a bad token", tls), ("a good token", {"database": None, "ssl_disabled": True})):
            with pytest.raises(pymysql.OperationalError) as refused, made.connect("jane", token, **more):
                pass
            assert refused.value.args[0] == 1045
        with made.connect() as session:
            assert ask(session, "SELECT 1") == ((1,),)
        assert asked == [("jane", "a good token"), ("jane", "a bad token")]
    finally:
        made.of.stop(spec)
        door.close()


def test_it_outlives_the_one_who_started_it_and_its_address_is_free_when_it_ends(endpoint):
    with endpoint.connect() as session:
        another = MariaDBEndpoints()
        status = another.start(endpoint.spec, None)
        assert status == another.status(endpoint.spec)
        assert status.sessions == 1
        assert status.target == endpoint.pair[0]
        assert another.cut(endpoint.spec) == 1
        with pytest.raises(pymysql.MySQLError):
            ask(session, "SELECT 1")
        another.stop(endpoint.spec)
    assert another.status(endpoint.spec) is None
    assert another.start(endpoint.spec, endpoint.pair[0]).pid != status.pid


def test_it_shows_no_secret(endpoint):
    with endpoint.connect() as session:
        endpoint.move()
        ask(session, "SELECT 1")
        pid = endpoint.of.status(endpoint.spec).pid
        seen = [
            Path(f"/proc/{pid}/cmdline").read_bytes(),
            Path(f"/proc/{pid}/environ").read_bytes(),
            *(path.read_bytes() for path in endpoint.spec.folder.iterdir() if path.is_file()),
        ]
    assert all(MASTER.password.encode() not in text for text in seen)
    assert (endpoint.spec.folder / "control.sock").stat().st_mode & 0o777 == 0o600


def test_login_never_prints_its_password():
    assert "x" not in repr(Login("me", "x"))
