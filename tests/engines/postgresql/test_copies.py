"""Logical copies bring over what belongs to a cluster, refuse what they would break, and say what they do not carry."""

import msgspec
import psycopg
import pytest

from coldframe.engines.database import DatabaseError, Login
from tests.engines.postgresql.conftest import MASTER, until

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture(scope="module")
def source(instances):
    """An instance with users, settings, rights and objects of many kinds."""
    made = instances.running("source")
    for statement in (
        "CREATE ROLE app_owner NOLOGIN CREATEDB CONNECTION LIMIT 7",
        "CREATE ROLE app_user LOGIN PASSWORD 'of the user' VALID UNTIL '2099-01-01'",
        "GRANT app_owner TO app_user, master",
        "GRANT rds_iam TO app_user",
        "ALTER ROLE app_user SET search_path TO 'odd, name', public",
        "ALTER ROLE app_user IN DATABASE app SET work_mem = '3MB'",
        'CREATE DATABASE "Odd ""one"" here" OWNER app_owner',
        "REVOKE CONNECT ON DATABASE app FROM PUBLIC",
        "GRANT CONNECT ON DATABASE app TO app_user",
        'CREATE TABLE "Quoted ""name""" (id serial PRIMARY KEY, word text)',
        'INSERT INTO "Quoted ""name""" (word) SELECT \'w\' FROM generate_series(1, 50)',
        'CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM "Quoted ""name"""',
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app_user",
        "CREATE EXTENSION citext",
    ):
        instances.rows(made, statement)
    return made


@pytest.mark.parametrize("version", ["15", "17"])
def test_a_logical_copy_has_users_settings_and_rows(instances, source, version):
    copy = instances.spec(f"copy-{version}", version=version, read_only=True)
    for _ in range(2):
        instances.engine.copies.copy(source, copy, "logical")
    instances.engine.start(copy)
    instances.engine.copies.follow(source, copy)
    user = Login("app_user", "of the user")
    assert instances.rows(copy, "SHOW search_path", login=user) == [('"odd, name", public',)]
    assert instances.rows(copy, "SHOW work_mem", login=user) == [("3MB",)]
    assert instances.rows(copy, "SELECT count >= 50 FROM counted", login=user) == [(True,)]
    rows = 'SELECT * FROM "Quoted ""name""" ORDER BY id'
    assert instances.rows(copy, rows) == instances.rows(source, rows)
    assert instances.rows(
        copy, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname LIKE 'Odd%%'"
    ) == [("app_owner",)]
    assert instances.rows(copy, "SELECT has_database_privilege('public', 'app', 'CONNECT')") == [(False,)]
    assert instances.rows(copy, "SELECT pg_has_role('app_user', 'rds_iam', 'MEMBER')") == [(True,)]
    instances.rows(source, 'INSERT INTO "Quoted ""name""" (word) VALUES (\'later\')')
    position = instances.engine.copies.position(source)
    until(lambda: instances.engine.copies.reached(copy, position))
    assert instances.rows(copy, rows) == instances.rows(source, rows)
    (last,) = instances.rows(source, 'SELECT max(id) FROM "Quoted ""name"""')[0]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        instances.rows(copy, 'INSERT INTO "Quoted ""name""" (word) VALUES (\'no\')')
    instances.engine.copies.finish(source, copy)
    instances.engine.copies.promote(copy)
    instances.engine.set_read_only(copy, on=False)
    assert instances.rows(copy, 'INSERT INTO "Quoted ""name""" (word) VALUES (\'own\') RETURNING id') == [
        (last + 1,)
    ]
    left = "SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_publication)"
    assert instances.rows(source, left) == [(0,)]


def test_what_is_in_the_way_is_listed_and_a_copy_that_would_break_it_refused(instances, source):
    other = 'Odd "one" here'
    for statement in (
        "CREATE TABLE nameless (a int)",
        "CREATE UNLOGGED TABLE fleeting (a int PRIMARY KEY)",
        "SELECT lo_create(0)",
    ):
        instances.rows(source, statement, dbname=other)
    found = {(each.kind, each.database, each.name) for each in instances.engine.copies.obstacles(source)}
    assert found == {
        ("no_identity", other, "public.nameless"),
        ("unlogged", other, "public.fleeting"),
        ("large_objects", other, "pg_largeobject"),
    }
    with pytest.raises(DatabaseError, match=r"public\.nameless has no replica identity"):
        instances.engine.copies.copy(source, instances.spec("refused", version="17"), "logical")
    # An UPDATE of that table goes on at the source, whatever was tried.
    instances.rows(source, "UPDATE nameless SET a = 1", dbname=other)
    with pytest.raises(DatabaseError, match="a physical copy of PostgreSQL 15 cannot be 17"):
        instances.engine.copies.copy(source, instances.spec("other-version", version="17"), "physical")


def test_a_standby_cannot_be_written_to_by_whoever_lifts_read_only(instances):
    primary, standby = instances.running("primary"), instances.spec("standby")
    instances.rows(primary, "CREATE TABLE kept (id int PRIMARY KEY)")
    instances.engine.copies.copy(primary, standby, "physical")
    instances.engine.start(standby)
    with instances.session(standby) as session:
        session.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.Error):
            session.execute("INSERT INTO kept VALUES (1)")


def test_read_only_holds_from_the_first_start(instances):
    spec = instances.spec("born-closed", read_only=True)
    instances.engine.create(spec, MASTER, "app")
    instances.engine.start(spec)
    with instances.session(spec) as session:
        session.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.Error):
            session.execute("CREATE TABLE no (a int)")
    opened = msgspec.structs.replace(spec, read_only=False)
    instances.engine.set_read_only(opened, on=False)
    instances.rows(opened, "CREATE TABLE yes (a int)")


def test_temporary_tables_and_files_lie_on_scratch_storage_with_a_limit(instances):
    scratch = instances.folder / "scratch"
    scratch.mkdir(mode=0o711)
    spec = instances.running("scratching", scratch=scratch, scratch_quota=4 * 1024 * 1024, untorn_writes=True)
    own = scratch / f"{spec.name}-{spec.serial}"
    with instances.session(spec) as session:
        session.execute("CREATE TEMP TABLE t AS SELECT generate_series(1, 50000) AS a")
        (path,) = session.execute("SELECT pg_relation_filepath('t')").fetchone()
        assert (spec.folder / "data" / path).resolve().is_relative_to(own)
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            session.execute("SET work_mem = '64kB'")
            session.execute(
                "SELECT a, repeat('x', 200) AS b FROM generate_series(1, 200000) a ORDER BY b, a"
            ).fetchone()
        assert session.execute("SHOW full_page_writes").fetchone() == ("off",)
    instances.engine.stop(spec)
    # Without it they lie in the data directory again.
    plain = msgspec.structs.replace(spec, scratch=None, scratch_quota=0, untorn_writes=False)
    instances.engine.start(plain)
    with instances.session(plain) as session:
        session.execute("CREATE TEMP TABLE t (a int)")
        assert session.execute("SHOW full_page_writes").fetchone() == ("on",)
    instances.engine.stop(plain)
    instances.engine.start(spec)
