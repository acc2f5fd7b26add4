"""The master user has the rights that the service gives and no way to those of a superuser."""

import psycopg
import pytest

pytestmark = pytest.mark.xdist_group("postgresql")

_FORBIDDEN = [
    "ALTER ROLE master SUPERUSER",
    "ALTER ROLE master REPLICATION",
    "ALTER ROLE master BYPASSRLS",
    "GRANT pg_execute_server_program TO master",
    "GRANT pg_read_server_files TO master",
    "GRANT pg_write_server_files TO master",
    "GRANT rdsadmin TO master",
    "ALTER ROLE rdsadmin PASSWORD 'mine'",
    "SET ROLE rdsadmin",
    "COPY pg_class TO PROGRAM 'cat'",
    "COPY pg_class TO '/tmp/out'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "ALTER SYSTEM SET listen_addresses = '*'",
    "CREATE EXTENSION file_fdw",
    "CREATE LANGUAGE plpython3u",
    "LOAD 'auto_explain'",
    "UPDATE pg_authid SET rolsuper = true WHERE rolname = 'master'",
    "DROP FUNCTION public.coldframe_verifier",
    "SELECT pg_promote()",
    "CREATE SUBSCRIPTION s CONNECTION 'dbname=app' PUBLICATION p WITH (connect = false)",
]


@pytest.fixture(scope="module", params=["15", "17"])
def instance(request, instances):
    return instances.running(f"rights-{request.param}", version=request.param)


@pytest.mark.parametrize("statement", _FORBIDDEN)
def test_what_would_lead_out_of_the_database_is_refused(instances, instance, statement):
    with pytest.raises(psycopg.Error) as refused:
        instances.rows(instance, statement)
    assert refused.value.sqlstate in {"42501", "0A000", "58P01", "42704", "0LP01", "42883"}, refused.value


def test_the_master_makes_roles_databases_and_trusted_extensions(instances, instance):
    instances.rows(instance, "CREATE ROLE worker LOGIN PASSWORD 'w'")
    instances.rows(instance, "GRANT rds_iam TO worker")
    instances.rows(instance, "CREATE DATABASE second")
    instances.rows(instance, "CREATE EXTENSION pgcrypto")
    instances.rows(instance, "SET session_replication_role = replica")
    assert instances.rows(instance, "SELECT count(*) > 0 FROM pg_stat_activity") == [(True,)]
    attributes = "SELECT rolsuper, rolreplication, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'master'"
    assert instances.rows(instance, attributes) == [(False, False, False, True, True)]
    assert instances.rows(
        instance, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'"
    ) == [("master",)]


def test_the_administrators_database_is_closed(instances, instance):
    with pytest.raises(psycopg.OperationalError):
        instances.session(instance, dbname="rdsadmin")


def test_nobody_but_the_owner_is_listened_to(instances, instance):
    assert instances.rows(instance, "SHOW listen_addresses") == [("",)]
    assert instances.socket(instance).parent.stat().st_mode & 0o077 == 0
