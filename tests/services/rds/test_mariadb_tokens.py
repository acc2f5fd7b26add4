"""IAM tokens in place of passwords for MariaDB, with its own client and with PyMySQL."""

import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import boto3
import pymysql
import pytest

from tests.journeys.writers import connector, session
from tests.server_fixtures import running_server
from tests.services.rds.conftest import PASSWORD, made, remove_all

pytestmark = pytest.mark.xdist_group("mariadb")


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    with running_server(folder / "data") as running:
        try:
            yield running
        finally:
            remove_all(running.client("rds"))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def instance(rds):
    found = made(rds, DBName="app", EnableIAMDatabaseAuthentication=True)
    assert found["IAMDatabaseAuthenticationEnabled"] is True
    with session(connector(found, PASSWORD)) as cursor:
        cursor.execute("CREATE USER visitor IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
        cursor.execute("ALTER USER 'visitor'@'%' REQUIRE SSL")
        cursor.execute("GRANT SELECT ON app.* TO visitor")
        cursor.execute("CREATE USER plain IDENTIFIED BY 'plain-word-9'")
        cursor.execute("CREATE TABLE app.seen (id INT)")
        cursor.execute("INSERT INTO app.seen VALUES (4)")
    return found


def token(server, instance, user="visitor", key=None, address=None, region="us-east-1"):
    """A token as boto3 makes it, signed by root or with a user's key."""
    key = key or {
        "aws_access_key_id": server.access_key_id,
        "aws_secret_access_key": server.secret_access_key,
    }
    where = instance["Endpoint"]
    return boto3.client("rds", region_name=region, **key).generate_db_auth_token(
        DBHostname=address or where["Address"], Port=where["Port"], DBUsername=user
    )


def entered(instance, user, password, *, tls=True):
    """Who one is, signed in with PyMySQL; raises what it raises."""
    where, context = instance["Endpoint"], ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    more = {"ssl": context} if tls else {"ssl_disabled": True}
    connection = pymysql.connect(
        host=where["Address"], port=where["Port"], user=user, password=password, database="app", **more
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT CURRENT_USER(), (SELECT id FROM seen)")
            return cursor.fetchone()
    finally:
        connection.close()


def refused(instance, user, password, **more):
    """The number of the error that signing in ends with."""
    with pytest.raises(pymysql.err.OperationalError) as caught:
        entered(instance, user, password, **more)
    return caught.value.args[0]


def test_a_token_lets_in_by_both_clients(server, instance):
    assert entered(instance, "visitor", token(server, instance)) == ("visitor@%", 4)
    where = instance["Endpoint"]
    said = subprocess.run(
        [
            "mariadb",
            "--no-defaults",
            f"--host={where['Address']}",
            f"--port={where['Port']}",
            "--user=visitor",
            "--ssl",
            "--batch",
            "--skip-column-names",
            "--execute=SELECT id FROM app.seen",
        ],
        env={"MYSQL_PWD": token(server, instance), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout) == (0, "4\n"), said.stderr


def test_what_is_no_good_token_is_refused(server, instance):
    for password in (
        "",
        "visitor",
        token(server, instance, user="plain"),
        token(server, instance, address="127.0.0.1"),
        token(server, instance, region="eu-west-1"),
        token(server, instance)[:-4] + "0000",
    ):
        assert refused(instance, "visitor", password) == 1045
    assert refused(instance, "visitor", token(server, instance), tls=False) == 1045
    # A token is no password of other accounts.
    assert refused(instance, "plain", token(server, instance, user="plain")) == 1045
    late = token(server, instance)
    server.clock.advance(901)
    assert refused(instance, "visitor", late) == 1045


def test_policies_say_who_may_connect_as_whom(server, instance):
    resource = f"arn:aws:rds-db:us-east-1:{server.account}:dbuser:{instance['DbiResourceId']}"
    allow = {"Effect": "Allow", "Action": "rds-db:connect"}
    _, nobody = server.add_user("nobody")
    _, other = server.add_user("other", {**allow, "Resource": f"{resource}/somebody"})
    _, reader = server.add_user("reader", {**allow, "Resource": f"{resource}/visitor"})
    assert refused(instance, "visitor", token(server, instance, key=nobody)) == 1045
    assert refused(instance, "visitor", token(server, instance, key=other)) == 1045
    assert entered(instance, "visitor", token(server, instance, key=reader)) == ("visitor@%", 4)


def test_accounts_for_tokens_are_made_in_every_way(server, instance):
    with session(connector(instance, PASSWORD)) as cursor:
        cursor.execute(
            "/* two */ create user if not exists `a b`@'%' identified via 'AWSAuthenticationPlugin' using \"RDS\","
            " second@`%` IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL"
        )
        cursor.execute("GRANT SELECT ON app.* TO `a b`, second")
        cursor.execute("CREATE USER later IDENTIFIED BY 'word-word-9'")
        cursor.execute("GRANT SELECT ON app.* TO later")
        cursor.execute("ALTER USER later IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
        cursor.execute("SELECT 'IDENTIFIED WITH AWSAuthenticationPlugin AS ''RDS'''")
        assert cursor.fetchone() == ("IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'",)
    for user in ("a b", "second", "later"):
        assert entered(instance, user, token(server, instance, user=user)) == (f"{user}@%", 4)
    assert refused(instance, "later", "word-word-9") == 1045
