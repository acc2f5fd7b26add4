"""Who gets into a database: IAM tokens for PostgreSQL, and master passwords that live in Secrets Manager."""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.journeys.process import until
from tests.server_fixtures import running_server
from tests.services.rds.conftest import PASSWORD, available, code_of, described, made, remove_all, wanted

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    with running_server(folder / "data") as running:
        try:
            yield running
        finally:
            remove_all(running.client("rds"))
    shutil.rmtree(folder)


@contextlib.contextmanager
def connected(instance, user, password):
    where = instance["Endpoint"]
    with psycopg.connect(
        host=where["Address"],
        port=where["Port"],
        user=user,
        password=password,
        dbname="app",
        sslmode="require",
        autocommit=True,
    ) as connection:
        yield connection


def token(server, instance, user, key=None, address=None):
    """A token as the AWS CLI makes it, signed by root or by (access key id, secret)."""
    key_id, secret = key or (server.access_key_id, server.secret_access_key)
    client = boto3.client(
        "rds", region_name="us-east-1", aws_access_key_id=key_id, aws_secret_access_key=secret
    )
    where = instance["Endpoint"]
    return client.generate_db_auth_token(
        DBHostname=address or where["Address"], Port=where["Port"], DBUsername=user
    )


def test_a_token_lets_in_whom_policies_let_connect_and_nobody_else(server, rds):
    instance = made(rds, "postgres", DBName="app", EnableIAMDatabaseAuthentication=True)
    assert instance["IAMDatabaseAuthenticationEnabled"] is True
    with connected(instance, "owner", PASSWORD) as connection:
        connection.execute("CREATE ROLE visitor LOGIN")
        connection.execute("GRANT rds_iam TO visitor")
        connection.execute("CREATE ROLE plain LOGIN PASSWORD 'plain-word-9'")
    with connected(instance, "visitor", token(server, instance, "visitor")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("visitor",)
    iam = server.client("iam")
    iam.create_user(UserName="reader")
    made_key = iam.create_access_key(UserName="reader")["AccessKey"]
    key = (made_key["AccessKeyId"], made_key["SecretAccessKey"])
    with (
        pytest.raises(psycopg.OperationalError),
        connected(instance, "visitor", token(server, instance, "visitor", key)),
    ):
        pass
    resource = f"arn:aws:rds-db:us-east-1:{server.account}:dbuser:{instance['DbiResourceId']}/visitor"
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}],
    }
    iam.put_user_policy(UserName="reader", PolicyName="connect", PolicyDocument=json.dumps(document))
    with connected(instance, "visitor", token(server, instance, "visitor", key)):
        pass
    for wrong in (
        token(server, instance, "plain", key),
        token(server, instance, "visitor", key, address="127.0.0.1"),
        token(server, instance, "visitor", (key[0], "x" * 40)),
        token(server, instance, "visitor", key)[:-4] + "0000",
        "nonsense",
    ):
        with pytest.raises(psycopg.OperationalError), connected(instance, "visitor", wrong):
            pass
    late = token(server, instance, "visitor", key)
    server.clock.advance(1000)
    with pytest.raises(psycopg.OperationalError), connected(instance, "visitor", late):
        pass


def test_a_managed_password_is_a_secret_and_is_rotated(server, rds):
    asked = wanted("postgres", DBName="app", ManageMasterUserPassword=True)
    with pytest.raises(ClientError) as caught:
        rds.create_db_instance(**asked)
    assert code_of(caught) == "InvalidParameterCombination"
    del asked["MasterUserPassword"]
    first = rds.create_db_instance(**asked)["DBInstance"]
    name = first["DBInstanceIdentifier"]
    assert first["MasterUserSecret"]["SecretArn"].startswith("arn:aws:secretsmanager:us-east-1:")
    assert first["MasterUserSecret"]["SecretStatus"] == "creating"
    assert first["MasterUserSecret"]["KmsKeyId"].startswith("arn:aws:kms:us-east-1:")
    assert first["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    instance = available(rds, name)
    assert instance["MasterUserSecret"]["SecretStatus"] == "active"
    assert instance["PendingModifiedValues"] == {}
    secrets = server.client("secretsmanager")

    def kept():
        return json.loads(
            secrets.get_secret_value(SecretId=instance["MasterUserSecret"]["SecretArn"])["SecretString"]
        )

    before = kept()
    assert before["username"] == "owner"
    with connected(instance, "owner", before["password"]):
        pass
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(DBInstanceIdentifier=name, RotateMasterUserPassword=True)
    assert code_of(caught) == "InvalidParameterCombination"
    answer = rds.modify_db_instance(
        DBInstanceIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True
    )["DBInstance"]
    assert answer["MasterUserSecret"]["SecretStatus"] == "rotating"
    assert kept()["password"] != before["password"]

    def lets_in():
        with contextlib.suppress(psycopg.OperationalError), connected(instance, "owner", kept()["password"]):
            return True

    until(lets_in)
    until(lambda: described(rds, name)["DBInstanceStatus"] == "available")
    assert described(rds, name)["MasterUserSecret"]["SecretStatus"] == "active"
    with pytest.raises(psycopg.OperationalError), connected(instance, "owner", before["password"]):
        pass


def test_a_reset_in_dev_mode_leaves_no_process(short_dev_server):
    rds = short_dev_server.client("rds")
    instance = made(rds, "postgres", DBName="app")
    with connected(instance, "owner", PASSWORD):
        pass
    short_dev_server.assembly.reset()
    assert short_dev_server.client("rds").describe_db_instances()["DBInstances"] == []
    with pytest.raises(psycopg.OperationalError), connected(instance, "owner", PASSWORD):
        pass


@pytest.fixture
def short_dev_server():
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    with running_server(folder / "data", dev=True) as running:
        yield running
    shutil.rmtree(folder)
