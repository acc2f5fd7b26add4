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

from coldframe.services.secretsmanager.jobs import rotate_due
from tests.journeys.process import until
from tests.server_fixtures import running_server
from tests.services.rds.conftest import PASSWORD, available, code_of, described, made, remove_all, wanted
from tests.services.rds.test_log_exports import events

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


def said(logs, group, stream):
    return [each["message"] for each in events(logs, group, stream)]


@pytest.fixture
def stack():
    with contextlib.ExitStack() as entered:
        yield entered


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
    instance = made(
        rds,
        "postgres",
        DBName="app",
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=["iam-db-auth-error"],
    )
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
    # Each refusal is told, and no token with it.
    name, logs = instance["DBInstanceIdentifier"], server.client("logs")
    group = f"/aws/rds/instance/{name}/iam-db-auth-error"
    until(lambda: "or is none" in "".join(said(logs, group, f"{name}.0")[-1:]), 20)
    told = said(logs, group, f"{name}.0")
    assert len(told) >= 6
    assert all("IAM authentication failed for user 'visitor'" in each for each in told)
    assert "may not rds-db:connect" in told[0]
    assert not [each for each in told if "X-Amz" in each or "nonsense" in each]
    late = token(server, instance, "visitor", key)
    server.clock.advance(1000)
    with pytest.raises(psycopg.OperationalError), connected(instance, "visitor", late):
        pass


def test_a_managed_password_is_a_secret_and_is_rotated(server, rds, stack):
    asked = wanted("postgres", DBName="app", ManageMasterUserPassword=True)
    with pytest.raises(ClientError) as caught:
        rds.create_db_instance(**asked)
    assert code_of(caught) == "InvalidParameterCombination"
    del asked["MasterUserPassword"]
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    first = rds.create_db_instance(**asked, MasterUserSecretKmsKeyId=key)["DBInstance"]
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
    secret = instance["MasterUserSecret"]["SecretArn"]
    told = secrets.describe_secret(SecretId=secret)
    assert (told["RotationEnabled"], told["RotationRules"]) == (True, {"AutomaticallyAfterDays": 7})
    assert "LastRotatedDate" not in told
    stays = stack.enter_context(connected(instance, "owner", before["password"]))
    with pytest.raises(ClientError) as caught:
        rds.modify_db_instance(DBInstanceIdentifier=name, RotateMasterUserPassword=True)
    assert code_of(caught) == "InvalidParameterCombination"
    _, key_pair = server.add_user("modifies", {"Effect": "Allow", "Action": "rds:*", "Resource": "*"})
    with pytest.raises(ClientError) as caught:
        server.client("rds", **key_pair).modify_db_instance(
            DBInstanceIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True
        )
    assert code_of(caught) == "AccessDenied"
    assert "secretsmanager:RotateSecret" in str(caught.value)
    answer = rds.modify_db_instance(
        DBInstanceIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True
    )["DBInstance"]
    assert answer["MasterUserSecret"]["SecretStatus"] == "rotating"
    assert answer["DBInstanceStatus"] == "resetting-master-credentials"
    rotated(rds, name)
    assert kept()["password"] != before["password"]
    with connected(instance, "owner", kept()["password"]):
        pass
    with pytest.raises(psycopg.OperationalError), connected(instance, "owner", before["password"]):
        pass
    # Who was in stays.
    assert stays.execute("SELECT 1").fetchone() == (1,)
    old = secrets.get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")["SecretString"]
    assert json.loads(old) == before
    labels = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"].values()
    assert sorted(labels) == [["AWSCURRENT"], ["AWSPREVIOUS"]]

    # By Secrets Manager, too, at once and by itself: the secret's own rules say when.
    version = "a" * 32
    begun = secrets.rotate_secret(SecretId=secret, ClientRequestToken=version)
    assert begun["VersionId"] == version
    rotated(rds, name)
    assert secrets.get_secret_value(SecretId=secret)["VersionId"] == version
    with connected(instance, "owner", kept()["password"]):
        pass
    last = secrets.describe_secret(SecretId=secret)
    assert 6 < (last["NextRotationDate"] - last["LastRotatedDate"]).total_seconds() / 86_400 < 8
    secrets.rotate_secret(
        SecretId=secret, RotateImmediately=False, RotationRules={"ScheduleExpression": "rate(4 hours)"}
    )
    assert secrets.get_secret_value(SecretId=secret)["VersionId"] == version
    server.clock.advance(4 * 3600)
    rotate_due(server.installation)
    rotated(rds, name)
    assert secrets.get_secret_value(SecretId=secret)["VersionId"] != version
    # The next window is four hours away.
    rotate_due(server.installation)
    assert described(rds, name)["DBInstanceStatus"] == "available"
    with connected(instance, "owner", kept()["password"]):
        pass
    # While the key cannot be used the password stays, and the next rotation mends it.
    kms.disable_key(KeyId=key)
    rds.modify_db_instance(DBInstanceIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True)
    rotated(rds, name, "impaired")
    kms.enable_key(KeyId=key)
    with connected(instance, "owner", kept()["password"]):
        pass
    rds.modify_db_instance(DBInstanceIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True)
    rotated(rds, name)
    with connected(instance, "owner", kept()["password"]):
        pass
    for refused in ({"RotationLambdaARN": "arn:aws:lambda:us-east-1:123456789012:function:f"}, {}):
        act = secrets.rotate_secret if refused else secrets.cancel_rotate_secret
        with pytest.raises(ClientError) as caught:
            act(SecretId=secret, **refused)
        assert code_of(caught) == "InvalidRequestException"


def rotated(rds, name, status="active"):
    """Wait until no rotation of an instance's password is under way any more; it leaves the secret in this status."""
    until(lambda: described(rds, name)["DBInstanceStatus"] == "available")
    assert described(rds, name)["MasterUserSecret"]["SecretStatus"] == status


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
