"""Audit findings to S3: who may, what the objects hold, and that no finding is lost by a kill or a closed bucket."""

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from coldframe.services.logs import audit_objects
from coldframe.services.logs.audit_objects import FindingsOutbox
from coldframe.services.logs.records import WaitingFindings
from tests.server_fixtures import running_server

ROOT = Path(__file__).parents[3]
EMAIL = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("findings")) as running:
        yield running


def protection(bucket, **destination):
    """A policy whose findings go to a bucket, or elsewhere."""
    audit = {"Audit": {"FindingsDestination": destination or {"S3": {"Bucket": bucket}}}}
    mask = {"Deidentify": {"MaskConfig": {}}}
    statements = [{"DataIdentifier": [EMAIL], "Operation": operation} for operation in (audit, mask)]
    return json.dumps({"Name": "protect", "Version": "2021-06-01", "Statement": statements})


def open_bucket(server, name, account=None):
    """A bucket with the policy that AWS documents for logs that are delivered."""
    account = account or server.account
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/AWSLogs/{account}/*",
        "Condition": {
            "StringEquals": {
                "s3:x-amz-acl": "bucket-owner-full-control",
                "aws:SourceAccount": [account],
            },
            "ArnLike": {"aws:SourceArn": [f"arn:aws:logs:us-east-1:{account}:*"]},
        },
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3 = server.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    return policy


def protected_group(server, name):
    logs = server.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    logs.put_data_protection_policy(logGroupIdentifier=name, policyDocument=protection(name))
    return logs


def put(server, group, *messages):
    now = server.clock.milliseconds()
    events = [{"timestamp": now, "message": text} for text in messages]
    server.client("logs").put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


def objects(server, bucket):
    s3 = server.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {
        key: [
            json.loads(line)
            for line in gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).splitlines()
        ]
        for key in keys
        if key.endswith(".gz")
    }


def waiting(server, bucket):
    with server.installation.store.read() as transaction:
        rows = transaction.records(server.account, "us-east-1").list(WaitingFindings)
    return [row for row in rows if row.destination == f"arn:aws:s3:::{bucket}"]


def deliver(server):
    server.installation.parts.get(FindingsOutbox).deliver()


def test_findings_become_an_object(server):
    open_bucket(server, "reports")
    protected_group(server, "reports")
    put(server, "reports", "from jane@example.com", "nothing", "to joe@example.com and ann@example.com")
    put(server, "reports", "again jane@example.com")
    assert objects(server, "reports") == {}
    assert len(waiting(server, "reports")) == 2
    deliver(server)
    ((key, found),) = objects(server, "reports").items()
    assert key.startswith(f"AWSLogs/{server.account}/CloudWatchLogs/us-east-1/")
    assert [each["dataIdentifiers"][0]["count"] for each in found] == [1, 2, 1]
    assert found[0]["resourceArn"] == f"arn:aws:logs:us-east-1:{server.account}:log-group:reports:*"
    assert found[0]["dataIdentifiers"][0]["detections"] == [{"start": 5, "end": 21}]
    assert "jane" not in json.dumps(found)
    assert waiting(server, "reports") == []
    deliver(server)
    assert len(objects(server, "reports")) == 1


def test_five_megabytes_do_not_wait(server, monkeypatch):
    monkeypatch.setattr(audit_objects, "FULL", 1000)
    open_bucket(server, "quick")
    protected_group(server, "quick")
    for _ in range(12):
        put(server, "quick", "from jane@example.com")
    found = objects(server, "quick")
    assert found
    assert len(waiting(server, "quick")) + sum(map(len, found.values())) == 12
    deliver(server)
    assert sum(map(len, objects(server, "quick").values())) == 12


@pytest.mark.parametrize("kind", ["absent", "closed", "denied"])
def test_a_bucket_that_does_not_let_the_service_in(server, kind):
    name = f"bucket-{kind}"
    logs = server.client("logs")
    logs.create_log_group(logGroupName=name)
    if kind != "absent":
        server.client("s3").create_bucket(Bucket=name)
    if kind == "denied":
        everyone = {"Effect": "Deny", "NotPrincipal": {"AWS": server.account}, "Action": "s3:PutObject"}
        statement = {**everyone, "Resource": f"arn:aws:s3:::{name}/*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        server.client("s3").put_bucket_policy(Bucket=name, Policy=policy)
    if kind == "closed":
        allowed = {"Effect": "Allow", "Action": ["logs:*", "s3:GetBucketPolicy"], "Resource": "*"}
        logs = server.client("logs", **server.add_user("logger", allowed)[1])
    said = "does not exist" if kind == "absent" else "PutObject call on the given bucket failed"
    with pytest.raises(ClientError, match=said) as caught:
        logs.put_data_protection_policy(logGroupIdentifier=name, policyDocument=protection(name))
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"
    with pytest.raises(ClientError, match=said):
        logs.put_account_policy(
            policyName="all", policyType="DATA_PROTECTION_POLICY", policyDocument=protection(name)
        )
    assert "policyDocument" not in logs.get_data_protection_policy(logGroupIdentifier=name)


@pytest.mark.parametrize("kind", ["bare", "others"])
def test_a_bucket_is_opened_by_a_caller_who_may(server, kind):
    name, s3 = f"opened-{kind}", server.client("s3")
    if kind == "bare":
        s3.create_bucket(Bucket=name)
    else:
        open_bucket(server, name, account="111122223333")
    protected_group(server, name)
    put(server, name, "from jane@example.com")
    deliver(server)
    assert [len(found) for found in objects(server, name).values()] == [1]
    sids = [each.get("Sid") for each in json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]]
    assert sids == [None] * (kind == "others") + ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"]


def test_a_name_that_is_no_bucket(server):
    logs = server.client("logs")
    logs.create_log_group(logGroupName="badname")
    with pytest.raises(ClientError, match="is not the name of a bucket"):
        logs.put_data_protection_policy(logGroupIdentifier="badname", policyDocument=protection("No Bucket"))


def test_findings_wait_for_a_bucket_that_was_closed(server):
    policy = open_bucket(server, "shut")
    protected_group(server, "shut")
    s3 = server.client("s3")
    s3.delete_bucket_policy(Bucket="shut")
    put(server, "shut", "from jane@example.com")
    deliver(server)
    assert len(waiting(server, "shut")) == 1
    s3.put_bucket_policy(Bucket="shut", Policy=policy)
    deliver(server)
    assert waiting(server, "shut") == []
    assert len(objects(server, "shut")) == 1


def test_an_account_policy_reports_to_a_bucket(server):
    open_bucket(server, "everywhere")
    logs = server.client("logs")
    logs.create_log_group(logGroupName="plain")
    logs.create_log_stream(logGroupName="plain", logStreamName="one")
    logs.put_account_policy(
        policyName="all", policyType="DATA_PROTECTION_POLICY", policyDocument=protection("everywhere")
    )
    put(server, "plain", "from jane@example.com")
    deliver(server)
    logs.delete_account_policy(policyName="all", policyType="DATA_PROTECTION_POLICY")
    assert [len(found) for found in objects(server, "everywhere").values()] == [1]


def test_findings_go_to_a_delivery_stream(server):
    logs, iam, firehose = (server.client(name) for name in ("logs", "iam", "firehose"))
    logs.create_log_group(logGroupName="streamed")
    logs.create_log_stream(logGroupName="streamed", logStreamName="one")
    policy = protection("", Firehose={"DeliveryStream": "findings"})
    with pytest.raises(ClientError, match="delivery stream findings, does not exist") as caught:
        logs.put_data_protection_policy(logGroupIdentifier="streamed", policyDocument=policy)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "firehose.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="stream", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName="stream", PolicyName="write", PolicyDocument=document)
    server.client("s3").create_bucket(Bucket="behind-the-stream")
    firehose.create_delivery_stream(
        DeliveryStreamName="findings",
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": "arn:aws:s3:::behind-the-stream",
            "CompressionFormat": "GZIP",
            "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
        },
    )
    logs.put_data_protection_policy(logGroupIdentifier="streamed", policyDocument=policy)
    put(server, "streamed", *["from jane@example.com"] * 1001)
    deliver(server)
    deadline = time.monotonic() + 20
    while sum(map(len, objects(server, "behind-the-stream").values())) < 1001:
        assert time.monotonic() < deadline
        time.sleep(0.1)


# Dies right after an acknowledged batch, or between the object and the end of the findings that it holds.
CHILD = """
import json, os, sys
from pathlib import Path
from tests.server_fixtures import running_server
from tests.services.logs.test_audit_objects import deliver, open_bucket, protected_group, put
from coldframe.services.logs.audit_objects import FindingsOutbox

folder, point = sys.argv[1:]
with running_server(Path(folder)) as server:
    print(json.dumps([server.account, server.access_key_id, server.secret_access_key]), flush=True)
    open_bucket(server, "killed")
    protected_group(server, "killed")
    put(server, "killed", "from jane@example.com")
    if point == "delivered":
        FindingsOutbox._forget = lambda *_: os._exit(9)
        deliver(server)
    if point == "acknowledged":
        os._exit(9)
"""


@pytest.mark.parametrize(("point", "code"), [("acknowledged", 9), ("delivered", 9), ("stopped", 0)])
def test_killed_and_started_again(tmp_path, point, code):
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "data"), point],
        cwd=ROOT, env={"PYTHONPATH": f"{ROOT}/src:{ROOT}", "PATH": "/usr/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == code, child.stderr
    with running_server(tmp_path / "data", root=tuple(json.loads(child.stdout))) as server:
        if point == "stopped":
            assert waiting(server, "killed") == []
        deliver(server)
        assert [len(found) for found in objects(server, "killed").values()] == [1]
        assert waiting(server, "killed") == []
