"""Log groups with a KMS key: what is stored can be read while the key lets CloudWatch Logs, and is ciphertext on the disk."""

import json

import pytest
from botocore.exceptions import ClientError

from coldframe.engines.logstore.store import LogStore
from tests.server_fixtures import running_server

MARKER = "the-quick-brown-fox"
NOT_ALLOWED = "The specified KMS key does not exist or is not allowed to be used with Arn"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("logs") / "data") as running:
        yield running


@pytest.fixture
def data(cloud):
    return cloud.installation.settings.data_dir


@pytest.fixture
def logs(cloud):
    """A client; the groups that a test makes are gone after it."""
    client = cloud.client("logs")
    yield client
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])


@pytest.fixture
def kms(cloud):
    return cloud.client("kms")


def policy(account, *, service=True, condition=None):
    """The key policy that the guide of CloudWatch Logs shows."""
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
    if service:
        actions = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        context = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{account}:log-group:*"}
        statements.append(
            {
                "Effect": "Allow",
                "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                "Action": actions,
                "Resource": "*",
                "Condition": condition or {"ArnLike": context},
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def key(cloud, kms):
    return kms.create_key(Policy=policy(cloud.account))["KeyMetadata"]["Arn"]


def put(cloud, logs, *messages, group="g"):
    now = cloud.clock.milliseconds()
    events = [{"timestamp": now + index, "message": text} for index, text in enumerate(messages)]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def read(logs, group="g", **more):
    events = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True, **more)["events"]
    return [event["message"] for event in events]


def make(logs, key=None, group="g"):
    logs.create_log_group(logGroupName=group, **({"kmsKeyId": key} if key else {}))
    logs.create_log_stream(logGroupName=group, logStreamName="s")


def refused(use):
    with pytest.raises(ClientError) as error:
        use()
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def files_with(folder, text):
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_events_come_back_and_lie_encrypted(cloud, logs, key, data) -> None:
    make(logs, key)
    make(logs, group="plain")
    (about,) = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"]
    assert about["kmsKeyId"] == key
    put(cloud, logs, f"{MARKER} één", "second")
    put(cloud, logs, "control-in-clear", group="plain")
    for _ in range(2):  # from memory, then from segments
        assert read(logs) == [f"{MARKER} één", "second"]
        found = logs.filter_log_events(logGroupName="g", filterPattern=f'"{MARKER}"')["events"]
        assert [event["message"] for event in found] == [f"{MARKER} één"]
        assert files_with(data / "logs", "control-in-clear") or files_with(data / "logs", "PAR1")
        assert files_with(data, MARKER) == []
        cloud.installation.parts.get(LogStore).flush()


def test_a_disabled_key_makes_reads_and_writes_fail(cloud, logs, kms, key) -> None:
    make(logs, key)
    put(cloud, logs, "one")
    kms.disable_key(KeyId=key)
    arn = f"arn:aws:logs:us-east-1:{cloud.account}:log-group:g"
    for use in (
        lambda: read(logs),
        lambda: logs.filter_log_events(logGroupName="g"),
        lambda: put(cloud, logs, "two"),
    ):
        assert refused(use) == ("AccessDeniedException", f"{NOT_ALLOWED} '{arn}'")
    kms.enable_key(KeyId=key)
    assert read(logs) == ["one"]
    kms.put_key_policy(KeyId=key, Policy=policy(cloud.account, service=False))
    assert refused(lambda: read(logs))[0] == "AccessDeniedException"


def test_a_key_must_let_the_service_in(cloud, logs, kms) -> None:
    closed = kms.create_key()["KeyMetadata"]["Arn"]
    code, text = refused(lambda: make(logs, closed))
    arn = f"arn:aws:logs:us-east-1:{cloud.account}:log-group:g"
    assert (code, text) == ("AccessDeniedException", f"{NOT_ALLOWED} '{arn}'")
    only = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arn}}
    narrow = kms.create_key(Policy=policy(cloud.account, condition=only))["KeyMetadata"]["Arn"]
    make(logs, narrow)
    assert refused(lambda: make(logs, narrow, group="other"))[0] == "AccessDeniedException"
    gone = narrow[:-4] + "0000"
    disabled = kms.create_key(Policy=policy(cloud.account))["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=disabled)
    for wrong in (gone, disabled, "nonsense"):
        assert refused(lambda: make(logs, wrong, group="other"))[0] == "InvalidParameterException"  # noqa: B023
    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == ["g"]


def test_keys_are_associated_for_what_comes(cloud, logs, kms, key) -> None:
    second = kms.create_key(Policy=policy(cloud.account))["KeyMetadata"]["Arn"]
    make(logs)
    put(cloud, logs, "before")
    logs.associate_kms_key(logGroupName="g", kmsKeyId=key)
    put(cloud, logs, "first")
    arn = f"arn:aws:logs:us-east-1:{cloud.account}:log-group:g"
    logs.associate_kms_key(resourceIdentifier=arn, kmsKeyId=second)
    put(cloud, logs, "second")
    logs.disassociate_kms_key(logGroupName="g")
    put(cloud, logs, "after")
    assert read(logs) == ["before", "first", "second", "after"]
    assert "kmsKeyId" not in logs.describe_log_groups()["logGroups"][0]
    # What a key encrypted needs it still, and nothing else does.
    kms.disable_key(KeyId=second)
    assert refused(lambda: read(logs))[0] == "AccessDeniedException"
    put(cloud, logs, "later")


def test_masked_events_are_covered_with_their_originals(cloud, logs, key, data) -> None:
    make(logs, key)
    protection = {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {
                "Sid": "audit",
                "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
                "Operation": {"Audit": {"FindingsDestination": {}}},
            },
            {
                "Sid": "mask",
                "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
                "Operation": {"Deidentify": {"MaskConfig": {}}},
            },
        ],
    }
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=json.dumps(protection))
    put(cloud, logs, f"{MARKER} jane@example.com", "plain")
    assert read(logs) == [f"{MARKER} ****************", "plain"]
    assert read(logs, unmask=True) == [f"{MARKER} jane@example.com", "plain"]
    cloud.installation.parts.get(LogStore).flush()
    assert read(logs, unmask=True) == [f"{MARKER} jane@example.com", "plain"]
    for text in (MARKER, "jane@example.com"):
        assert files_with(data, text) == []


def test_insights_reads_covered_events(cloud, logs, kms, key) -> None:
    make(logs, key)
    put(cloud, logs, "alpha 1", "beta 2", "alpha 3")
    cloud.installation.parts.get(LogStore).flush()
    put(cloud, logs, "alpha 4")

    def query(text):
        now = int(cloud.clock.seconds())
        started = logs.start_query(logGroupName="g", startTime=now - 60, endTime=now + 60, queryString=text)
        while True:
            found = logs.get_query_results(queryId=started["queryId"])
            if found["status"] not in {"Scheduled", "Running"}:
                return found

    found = query("filter @message like /alpha/ | stats count(*) as n")
    assert found["results"] == [[{"field": "n", "value": "3"}]]
    kms.disable_key(KeyId=key)
    assert query("filter @message like /alpha/ | stats count(*) as n")["status"] == "Failed"


def test_deleting_a_group_drops_its_wrapped_keys(cloud, logs, key) -> None:
    make(logs, key)
    put(cloud, logs, "x")
    logs.delete_log_group(logGroupName="g")
    assert cloud.assembly.runner.idle(20)
    with cloud.installation.store.read() as transaction:
        rows = transaction.run(f"SELECT * FROM logs_group_covers WHERE _body LIKE '%{key}%'").fetchall()
    assert rows == []
    make(logs, key)
    assert read(logs) == []
