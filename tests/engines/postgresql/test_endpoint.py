"""Real clients of PostgreSQL at an endpoint: signing in, being held, being moved with all that a session has set up."""

import io
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest

from coldframe.engines.accounts import service_account
from coldframe.engines.database import Login
from coldframe.engines.sign_in import SignIns
from tests.engines.postgresql.conftest import MASTER, until

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture(scope="module")
def pair(instances):
    """Two instances with the same users, as the copy of one has them, and a table in each that tells them apart."""
    here, there = instances.running("here"), instances.spec("there")
    instances.rows(here, "CREATE ROLE worker LOGIN PASSWORD 'w'")
    instances.rows(here, "CREATE ROLE tokens LOGIN")
    instances.rows(here, "GRANT rds_iam TO tokens")
    instances.rows(here, "CREATE TABLE place (name text)")
    instances.rows(here, "GRANT SELECT ON place TO worker, tokens")
    instances.engine.copies.copy(here, there, "physical")
    instances.engine.start(there)
    position = instances.engine.copies.position(here)
    until(lambda: instances.engine.copies.reached(there, position))
    instances.engine.copies.promote(there)
    instances.engine.set_read_only(there, on=False)
    instances.rows(here, "INSERT INTO place VALUES ('here')")
    instances.rows(there, "INSERT INTO place VALUES ('there')")
    return here, there


@pytest.fixture(scope="module")
def judged(instances):
    """Where tokens are judged: the good one is `good`."""
    judge = SignIns(
        instances.folder / "sign-in.sock",
        service_account(),
        b"secret",
        lambda user, token: (user, token) == ("tokens", "good"),
    )
    yield instances.folder / "sign-in.sock"
    judge.close()


@pytest.fixture(scope="module")
def endpoint(instances, pair, certificate, judged):
    instances.folder.chmod(0o711)
    return instances.endpoint("door", pair[0], certificate=certificate[0], key=certificate[1], sign_in=judged)


@pytest.fixture
def at_home(instances, pair, endpoint):
    """The endpoint is at the first instance before a test and after it."""
    home = instances.socket(pair[0])
    instances.endpoints.release(endpoint, home)
    yield
    instances.endpoints.hold(endpoint, drain=0, deadline=60)
    instances.endpoints.release(endpoint, home)


def place(session):
    return session.execute("SELECT name FROM place").fetchone()[0]


def swap(instances, endpoint, target, drain=2.0):
    """Hold and release to another instance; answers what the hold did."""
    held = instances.endpoints.hold(endpoint, drain=drain, deadline=60)
    instances.endpoints.release(endpoint, instances.socket(target))
    return held


@pytest.mark.parametrize("mode", ["disable", "require"])
def test_a_password_lets_in_and_a_wrong_one_does_not(instances, endpoint, at_home, mode):
    with instances.session(endpoint, sslmode=mode) as session:
        assert session.pgconn.ssl_in_use == (mode == "require")
        assert session.execute("SELECT current_user").fetchone() == ("master",)
    for user in ("master", "nobody at all"):
        with pytest.raises(psycopg.OperationalError) as refused:
            instances.session(endpoint, Login(user, "wrong"), sslmode=mode)
        assert f'password authentication failed for user "{user}"' in str(refused.value)


def test_a_password_may_be_bound_to_the_certificate_which_clients_verify(
    instances, endpoint, at_home, certificate
):
    verified = {"sslmode": "verify-full", "sslrootcert": str(certificate[0])}
    bound = {**verified, "channel_binding": "require"}
    # The certificate names the host and not its address.
    with instances.session(endpoint, host="database.test", hostaddr=endpoint.address, **bound) as session:
        assert session.execute("SELECT current_user").fetchone() == ("master",)
    for more in ({**verified}, {**bound, "sslmode": "disable"}):
        with pytest.raises(psycopg.OperationalError):
            instances.session(endpoint, **more)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        instances.session(
            endpoint, Login("master", "wrong"), host="database.test", hostaddr=endpoint.address, **bound
        )


def test_a_database_that_is_not_there_is_named(instances, endpoint, at_home):
    with pytest.raises(psycopg.OperationalError, match='database "nowhere" does not exist'):
        instances.session(endpoint, dbname="nowhere")
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
        instances.session(endpoint, dbname="rdsadmin")


def test_psql_works(endpoint, at_home):
    place = ["-h", endpoint.address, "-p", str(endpoint.port), "-U", "master", "-d", "app"]
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": MASTER.password, "PGSSLMODE": "require"}
    done = subprocess.run(
        [shutil.which("psql"), *place, "-XAtc", "SELECT 1 + 1", "-c", r"\conninfo"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[0] == "2"
    assert "SSL connection" in done.stdout


def test_a_token_takes_the_place_of_a_password_inside_of_tls(instances, endpoint, at_home):
    with instances.session(endpoint, Login("tokens", "good"), sslmode="require") as session:
        assert session.execute("SELECT current_user").fetchone() == ("tokens",)
    for token, mode in (("bad", "require"), ("good", "disable")):
        with pytest.raises(psycopg.OperationalError, match='PAM authentication failed for user "tokens"'):
            instances.session(endpoint, Login("tokens", token), sslmode=mode)


def test_an_endpoint_that_requires_tls_turns_away_who_comes_without(instances, pair, certificate):
    strict = instances.endpoint(
        "strict", pair[0], certificate=certificate[0], key=certificate[1], require_tls=True
    )
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        instances.session(strict, sslmode="disable")
    assert instances.rows(strict, "SELECT 1", sslmode="require") == [(1,)]
    assert instances.endpoints.status(strict).refused == 1


def test_large_results_and_copies_pass_in_both_directions(instances, pair, endpoint, at_home):
    with instances.session(endpoint, sslmode="require") as session:
        session.execute("CREATE TABLE IF NOT EXISTS bulk (id int, pad text)")
        session.execute("TRUNCATE bulk")
        with session.cursor().copy("COPY bulk FROM STDIN") as copy:
            for number in range(20_000):
                copy.write_row((number, "x" * 100))
        assert session.execute("SELECT count(*), sum(length(pad)) FROM bulk").fetchone() == (
            20_000,
            2_000_000,
        )
        out = io.BytesIO()
        with session.cursor().copy("COPY bulk TO STDOUT") as copy:
            for data in copy:
                out.write(data)
        assert out.getvalue().count(b"\n") == 20_000
        assert len(session.execute("SELECT repeat('y', 5000000)").fetchone()[0]) == 5_000_000
        assert len(session.execute("SELECT %s::text", ["z" * 3_000_000]).fetchone()[0]) == 3_000_000
        with pytest.raises(psycopg.Error), session.cursor().copy("COPY bulk FROM STDIN") as copy:
            copy.write("not a number\tx\n")
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert swap(instances, endpoint, pair[1]).cut == 0


def test_a_session_is_moved_with_what_it_has_set_up(instances, pair, endpoint, at_home):
    with instances.session(endpoint, Login("worker", "w"), application_name="mine") as session:
        session.execute("SET search_path TO pg_catalog, public")
        session.execute("SET statement_timeout = '7s'")
        session.execute("SET app.tenant = 'one'")
        session.execute("SELECT set_config('app.other', 'it''s \\ two', false)")
        session.execute("PREPARE by_name AS SELECT 41 + $1::int")
        asked = "SELECT name, %s::text FROM place"
        for _ in range(7):
            session.execute(asked, ["x"], prepare=True)
        assert place(session) == "here"
        assert swap(instances, endpoint, pair[1]).cut == 0
        assert session.execute(asked, ["x"], prepare=True).fetchone() == ("there", "x")
        for name, value in (
            ("search_path", "pg_catalog, public"), ("statement_timeout", "7s"), ("application_name", "mine"),
            ("app.tenant", "one"), ("app.other", "it's \\ two"),
        ):  # fmt: skip
            assert session.execute(f"SHOW {name}").fetchone() == (value,), name
        assert session.execute("EXECUTE by_name(1)").fetchone() == (42,)
        assert session.execute("SELECT current_user").fetchone() == ("worker",)
        assert swap(instances, endpoint, pair[0]).cut == 0
        assert place(session) == "here"
        assert session.execute("SHOW statement_timeout").fetchone() == ("7s",)


def test_sessions_are_opened_ahead_where_everybody_will_probably_go(instances, pair, endpoint, at_home):
    opened = "SELECT pid FROM pg_stat_activity WHERE usename = 'worker'"
    with instances.session(endpoint, Login("worker", "w")) as session:
        instances.endpoints.prepare(endpoint, instances.socket(pair[1]))
        (ahead,) = instances.rows(pair[1], opened)
        assert place(session) == "here"
        assert swap(instances, endpoint, pair[1]).cut == 0
        assert place(session) == "there"
        assert session.execute("SELECT pg_backend_pid()").fetchone() == ahead
        # Somebody else than expected becomes the target: what was opened is not left behind.
        instances.endpoints.prepare(endpoint, instances.socket(pair[1]))
        assert swap(instances, endpoint, pair[0]).cut == 0
        assert place(session) == "here"
    until(lambda: instances.rows(pair[1], opened) == [])


def test_a_session_that_came_with_a_token_is_moved(instances, pair, endpoint, at_home):
    with instances.session(endpoint, Login("tokens", "good"), sslmode="require") as session:
        assert swap(instances, endpoint, pair[1]).cut == 0
        assert place(session) == "there"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMP TABLE mine (id int)",
        "SELECT pg_advisory_lock(7)",
        "LISTEN something",
        "DECLARE kept CURSOR WITH HOLD FOR SELECT 1",
    ],
)
def test_a_session_with_what_cannot_be_moved_is_cut_and_counted(
    instances, pair, endpoint, at_home, statement
):
    before = instances.endpoints.status(endpoint).cut
    with instances.session(endpoint) as session:
        session.execute(statement)
        assert swap(instances, endpoint, pair[1]).cut == 1
        with pytest.raises(psycopg.OperationalError) as ended:
            session.execute("SELECT 1")
        assert ended.value.sqlstate in {"57P01", None}
    assert instances.endpoints.status(endpoint).cut == before + 1


def test_an_open_transaction_ends_before_everybody_is_moved(instances, pair, endpoint, at_home):
    held = []
    with instances.session(endpoint) as session, instances.session(endpoint) as other:
        session.execute("BEGIN")
        session.execute("CREATE TABLE IF NOT EXISTS drained (id int)")
        swapping = threading.Thread(target=lambda: held.append(swap(instances, endpoint, pair[1], drain=30)))
        swapping.start()
        until(lambda: instances.endpoints.status(endpoint).holding)
        session.execute("INSERT INTO drained VALUES (1)")
        assert not held
        session.execute("COMMIT")
        swapping.join()
        assert held[0].cut == 0
        assert (place(session), place(other)) == ("there", "there")
    assert instances.rows(pair[0], "SELECT count(*) FROM drained") == [(1,)]


def test_a_transaction_that_does_not_end_is_cut_and_leaves_nothing(instances, pair, endpoint, at_home):
    with instances.session(endpoint) as session:
        session.execute("CREATE TABLE undone (id int)")
        session.execute("BEGIN")
        session.execute("INSERT INTO undone VALUES (1)")
        assert swap(instances, endpoint, pair[1], drain=0.05).cut == 1
        with pytest.raises(psycopg.OperationalError):
            session.execute("COMMIT")
    assert instances.rows(pair[0], "SELECT count(*) FROM undone") == [(0,)]


def test_no_statement_is_under_way_after_a_hold(instances, pair, endpoint, at_home):
    with instances.session(endpoint) as session:
        ended = []

        def run():
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT pg_sleep(600)")
            ended.append(True)

        thread = threading.Thread(target=run)
        thread.start()
        active = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        )
        until(lambda: instances.rows(pair[0], active) == [(1,)])
        assert instances.endpoints.hold(endpoint, drain=0.01, deadline=60).cut == 1
        until(lambda: instances.rows(pair[0], active) == [(0,)])
        thread.join()
        assert ended


def test_a_client_waits_while_held_and_a_new_one_too(instances, pair, endpoint, at_home):
    with instances.session(endpoint) as session:
        instances.endpoints.hold(endpoint, drain=1, deadline=60)
        answers = []
        old = threading.Thread(target=lambda: answers.append(place(session)))
        new = threading.Thread(
            target=lambda: answers.append(instances.rows(endpoint, "SELECT name FROM place")[0][0])
        )
        old.start()
        new.start()
        old.join(0.2)
        assert answers == []
        instances.endpoints.release(endpoint, instances.socket(pair[1]))
        old.join()
        new.join()
        assert answers == ["there", "there"]


def test_whom_nobody_releases_in_time_gets_an_error_and_no_database(instances, pair, endpoint, at_home):
    with instances.session(endpoint) as session, instances.session(endpoint) as quiet:
        instances.endpoints.hold(endpoint, drain=1, deadline=0.05)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="did not come back"):
            instances.session(endpoint)
        assert instances.endpoints.status(endpoint).holding
        instances.endpoints.release(endpoint, instances.socket(pair[1]))
        assert place(quiet) == "there"


def test_a_cancel_reaches_the_statement_also_after_a_move(instances, pair, endpoint, at_home):
    with instances.session(endpoint) as session:
        swap(instances, endpoint, pair[1])
        active = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        )

        def cancel():
            until(lambda: instances.rows(pair[1], active) == [(1,)])
            session.cancel()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("SELECT pg_sleep(600)")
        canceller.join()
        assert place(session) == "there"


def test_what_is_cancelled_while_it_waits_ends_where_it_begins(instances, pair, endpoint, at_home):
    with instances.session(endpoint) as session:
        instances.endpoints.hold(endpoint, drain=1, deadline=60)
        ended = []

        def run():
            with pytest.raises(psycopg.errors.QueryCanceled):
                session.execute("SELECT pg_sleep(600)")
            ended.append(True)

        thread = threading.Thread(target=run)
        heard = instances.endpoints.status(endpoint).bytes_in
        thread.start()
        until(lambda: instances.endpoints.status(endpoint).bytes_in > heard)
        session.cancel()
        instances.endpoints.release(endpoint, instances.socket(pair[1]))
        thread.join()
        assert ended
        assert place(session) == "there"


def test_who_begins_to_speak_while_it_is_moved_is_heard_at_the_new_database_alone(
    instances, pair, endpoint, at_home
):
    """It was silent when everybody was held; the database to come takes its time to let it in."""
    running = instances.engine.reattach(pair[1])
    with instances.session(endpoint) as session:
        instances.endpoints.hold(endpoint, drain=1, deadline=60)
        os.kill(running.pid, signal.SIGSTOP)
        try:
            moving = threading.Thread(
                target=lambda: instances.endpoints.release(endpoint, instances.socket(pair[1]))
            )
            moving.start()
            until(lambda: not instances.endpoints.status(endpoint).holding)
            heard = instances.endpoints.status(endpoint).bytes_in
            session.pgconn.send_query(b"SELECT name FROM place")
            session.pgconn.flush()
            until(lambda: instances.endpoints.status(endpoint).bytes_in > heard)
        finally:
            os.kill(running.pid, signal.SIGCONT)
        moving.join()
        until(lambda: session.pgconn.consume_input() or not session.pgconn.is_busy(), 20)
        assert session.pgconn.get_result().get_value(0, 0) == b"there"
        assert session.pgconn.get_result() is None


def test_a_pipeline_is_held_between_its_parts(instances, pair, endpoint, at_home):
    with instances.session(endpoint) as session, session.pipeline() as pipeline:
        first = session.execute("SELECT name FROM place")
        pipeline.sync()
        assert first.fetchone() == ("here",)
        assert swap(instances, endpoint, pair[1]).cut == 0
        second = session.execute("SELECT name FROM place")
        pipeline.sync()
        assert second.fetchone() == ("there",)


def test_every_session_can_be_ended(instances, pair, endpoint, at_home):
    with instances.session(endpoint) as session:
        assert instances.endpoints.cut(endpoint) == 1
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    until(lambda: instances.endpoints.status(endpoint).sessions == 0)


def test_an_endpoint_without_a_database_lets_clients_wait_for_one(instances, pair, endpoint):
    """Its process was killed, and a new one was started: nobody but who released it before knows where to go."""
    os.kill(instances.endpoints.status(endpoint).pid, signal.SIGKILL)
    until(lambda: instances.endpoints.status(endpoint) is None)
    instances.endpoints.start(endpoint, None)
    answers = []
    waiting = threading.Thread(
        target=lambda: answers.append(instances.rows(endpoint, "SELECT name FROM place"))
    )
    waiting.start()
    waiting.join(0.1)
    assert answers == []
    instances.endpoints.release(endpoint, instances.socket(pair[1]))
    waiting.join()
    assert answers == [[("there",)]]
    instances.endpoints.release(endpoint, instances.socket(pair[0]))


def test_the_endpoint_runs_without_rights(instances, endpoint):
    owner = Path(f"/proc/{instances.endpoints.status(endpoint).pid}").stat().st_uid
    assert owner == service_account().user
