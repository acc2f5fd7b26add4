"""Export tasks: what is written where, who may, one at a time, cancelled, and resumed after a kill."""

import gzip
import json
import random
import threading
import time

import pytest
from botocore.exceptions import ClientError

from coldframe.services.logs import exporting
from tests.server_fixtures import running_server

MASKING = json.dumps(
    {
        "Name": "protect",
        "Version": "2021-06-01",
        "Statement": [
            {
                "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
                "Operation": {"Audit": {"FindingsDestination": {}}},
            },
            {
                "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
                "Operation": {"Deidentify": {"MaskConfig": {}}},
            },
        ],
    }
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("exports")) as running:
        yield running


@pytest.fixture(scope="module")
def logs(server):
    return server.client("logs")


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


def bucket_policy(bucket, account, *, without=()):
    """The bucket policy of the user guide."""
    condition = {
        "StringEquals": {"aws:SourceAccount": [account]},
        "ArnLike": {"aws:SourceArn": [f"arn:aws:logs:us-east-1:{account}:log-group:*"]},
    }
    allow = {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}}
    statements = [
        allow | {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}", "Condition": condition},
        allow | {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": condition},
    ]
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [each for each in statements if each["Action"] not in without]}
    )


def open_bucket(server, name, **policy):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=bucket_policy(name, server.account, **policy))


def group(server, name, **streams):
    """A group with a stream of some messages for each name; `__` stands for a slash."""
    logs, now = server.client("logs"), server.clock.milliseconds()
    logs.create_log_group(logGroupName=name)
    for stream, messages in streams.items():
        stream = stream.replace("__", "/")
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        events = [{"timestamp": now - 1000 + at, "message": text} for at, text in enumerate(messages)]
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=events)
    return now - 1000


def ended(logs, task):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = logs.describe_export_tasks(taskId=task)["exportTasks"][0]
        if found["status"]["code"] not in {"PENDING", "RUNNING", "PENDING_CANCEL"}:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def exported(s3, bucket, prefix="exportedlogs/"):
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    return {
        key: gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).decode()
        for key in keys
        if key.endswith(".gz")
    }


def test_masked_lines_by_stream(server, logs, s3):
    open_bucket(server, "lines")
    logs.create_log_group(logGroupName="lines")
    logs.put_data_protection_policy(logGroupIdentifier="lines", policyDocument=MASKING)
    created = logs.describe_log_groups(logGroupNamePrefix="lines")["logGroups"][0]["creationTime"]
    for stream in ("a/b", "a-b", "other", "empty"):
        logs.create_log_stream(logGroupName="lines", logStreamName=stream)
    for stream in ("a/b", "a-b", "other"):
        events = [
            {"timestamp": created, "message": f"{stream} wrote to jane.doe@example.com"},
            {"timestamp": created + 7, "message": "last"},
            {"timestamp": created + 8, "message": "too late"},
        ]
        logs.put_log_events(logGroupName="lines", logStreamName=stream, logEvents=events)
    asked = {"logGroupName": "lines", "from": created, "to": created + 7, "destination": "lines"}
    task = logs.create_export_task(taskName="mine", **asked)["taskId"]
    found = ended(logs, task)
    completed = found["executionInfo"].pop("completionTime")
    assert completed >= found["executionInfo"].pop("creationTime") >= created
    assert found == {
        "taskId": task,
        "taskName": "mine",
        **asked,
        "destinationPrefix": "exportedlogs",
        "status": {"code": "COMPLETED", "message": "Completed successfully"},
        "executionInfo": {},
    }
    texts = exported(s3, "lines")
    assert sorted(texts) == [
        f"exportedlogs/{task}/a-b/000000.gz",
        f"exportedlogs/{task}/a-b/000001.gz",
        f"exportedlogs/{task}/other/000000.gz",
    ]
    lines = texts[f"exportedlogs/{task}/other/000000.gz"].splitlines()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created // 1000)) + f".{created % 1000:03d}Z"
    assert lines[0] == f"{stamp} other wrote to ********************"
    assert lines[1].endswith("Z last")
    assert len(lines) == 2
    assert "jane.doe" not in "".join(texts.values())
    test = s3.get_object(Bucket="lines", Key="exportedlogs/aws-logs-write-test")["Body"].read()
    assert test == b"Permission Check Successful"


def test_only_streams_of_a_prefix_under_a_prefix(server, logs, s3):
    open_bucket(server, "prefixes")
    start = group(server, "prefixes", web1=["x"], web2=["y"], db=["z"])
    task = logs.create_export_task(
        logGroupName="prefixes",
        logStreamNamePrefix="web",
        destination="prefixes",
        destinationPrefix="year/2026",
        **{"from": start, "to": start + 100_000},
    )["taskId"]
    assert ended(logs, task)["status"]["code"] == "COMPLETED"
    assert sorted(exported(s3, "prefixes", "year/")) == [
        f"year/2026/{task}/web1/000000.gz",
        f"year/2026/{task}/web2/000000.gz",
    ]


@pytest.mark.parametrize(
    ("without", "operation"), [("s3:GetBucketAcl", "GetBucketAcl"), ("s3:PutObject", "PutObject")]
)
def test_a_bucket_that_does_not_let_the_service_in(server, logs, without, operation):
    name = f"closed-{operation.lower()}"
    open_bucket(server, name, without=(without,))
    start = group(server, name, one=["x"])
    with pytest.raises(ClientError, match=f"{operation} call on the given bucket failed") as caught:
        logs.create_export_task(logGroupName=name, destination=name, **{"from": start, "to": start + 100_000})
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def test_another_account_than_the_policy_names(server, logs, s3):
    open_bucket(server, "others")
    s3.put_bucket_policy(Bucket="others", Policy=bucket_policy("others", "111122223333"))
    start = group(server, "others", one=["x"])
    with pytest.raises(ClientError, match="GetBucketAcl call on the given bucket failed"):
        logs.create_export_task(
            logGroupName="others", destination="others", **{"from": start, "to": start + 100_000}
        )


def test_a_caller_who_may_not_write_to_the_bucket(server):
    open_bucket(server, "callers")
    start = group(server, "callers", one=["x"])
    iam = server.client("iam")
    iam.create_user(UserName="exporter")
    policy = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    iam.put_user_policy(
        UserName="exporter",
        PolicyName="logs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
    key = iam.create_access_key(UserName="exporter")["AccessKey"]
    client = server.client(
        "logs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    with pytest.raises(ClientError, match="s3:PutObject") as caught:
        client.create_export_task(
            logGroupName="callers", destination="callers", **{"from": start, "to": start + 100_000}
        )
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_what_is_refused(server, logs):
    open_bucket(server, "refusals")
    start = group(server, "refusals", one=["x"])
    good = {"logGroupName": "refusals", "destination": "refusals", "from": start, "to": start + 100_000}
    for change, code in (
        ({"logGroupName": "absent"}, "ResourceNotFoundException"),
        ({"destination": "no-such-bucket-here"}, "InvalidParameterException"),
        ({"from": start + 100_001}, "InvalidParameterException"),
        ({"from": 0, "to": 1}, "InvalidParameterException"),
        ({"destinationPrefix": "x" * 1020}, "InvalidParameterException"),
    ):
        with pytest.raises(ClientError) as caught:
            logs.create_export_task(**(good | change))
        assert caught.value.response["Error"]["Code"] == code, change
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.cancel_export_task(taskId="absent")
    assert logs.describe_export_tasks(taskId="absent")["exportTasks"] == []


def test_one_at_a_time_cancelled_and_listed(server, logs, s3, monkeypatch):
    open_bucket(server, "turns")
    start = group(server, "turns", one=["x"], two=["y"])
    asked = {"logGroupName": "turns", "destination": "turns", "from": start, "to": start + 100_000}
    begin, cancelled = exporting.Exporter.begin, threading.Event()

    def waiting(self, *args):
        cancelled.wait(20)
        return begin(self, *args)

    monkeypatch.setattr(exporting.Exporter, "begin", waiting)
    task = logs.create_export_task(**asked)["taskId"]
    with pytest.raises(ClientError, match="LimitExceededException"):
        logs.create_export_task(**asked)
    logs.cancel_export_task(taskId=task)
    cancelled.set()
    found = ended(logs, task)
    assert found["status"]["code"] == "CANCELLED"
    assert exported(s3, "turns") == {}
    with pytest.raises(ClientError, match="InvalidOperationException"):
        logs.cancel_export_task(taskId=task)
    monkeypatch.undo()
    second = logs.create_export_task(**asked)["taskId"]
    assert ended(logs, second)["status"]["code"] == "COMPLETED"
    pages = logs.get_paginator("describe_export_tasks").paginate(PaginationConfig={"PageSize": 1})
    listed = [each["taskId"] for answer in pages for each in answer["exportTasks"]]
    assert listed[:2] == [second, task]
    found = logs.describe_export_tasks(statusCode="CANCELLED")["exportTasks"]
    assert [each["taskId"] for each in found] == [task]


def test_a_bucket_that_is_closed_meanwhile_fails_the_task(server, logs, s3, monkeypatch):
    open_bucket(server, "shutting")
    start = group(server, "shutting", one=["x"])
    streams = exporting.Exporter.streams

    def closing(self, *args):
        s3.delete_bucket_policy(Bucket="shutting")
        return streams(self, *args)

    monkeypatch.setattr(exporting.Exporter, "streams", closing)
    task = logs.create_export_task(
        logGroupName="shutting", destination="shutting", **{"from": start, "to": start + 100_000}
    )["taskId"]
    found = ended(logs, task)["status"]
    assert found["code"] == "FAILED"
    assert "AccessDenied" in found["message"]


def test_long_streams_go_in_parts(server, logs, s3, monkeypatch):
    monkeypatch.setattr(exporting, "PART_BYTES", 5 * 1024 * 1024)
    open_bucket(server, "parts")
    rng, messages = random.Random(1), []
    logs.create_log_group(logGroupName="parts")
    logs.create_log_stream(logGroupName="parts", logStreamName="long")
    start = server.clock.milliseconds()
    for batch in range(14):
        texts = [f"{batch}-{each} " + rng.randbytes(100_000).hex() for each in range(5)]
        messages += texts
        events = [{"timestamp": start + batch, "message": text} for text in texts]
        logs.put_log_events(logGroupName="parts", logStreamName="long", logEvents=events)
    task = logs.create_export_task(
        logGroupName="parts", destination="parts", **{"from": start, "to": start + 100_000}
    )["taskId"]
    assert ended(logs, task)["status"]["code"] == "COMPLETED"
    text = exported(s3, "parts")[f"exportedlogs/{task}/long/000000.gz"]
    assert [line.partition(" ")[2] for line in text.splitlines()] == messages
    head = s3.head_object(Bucket="parts", Key=f"exportedlogs/{task}/long/000000.gz", PartNumber=1)
    assert head["PartsCount"] == 2
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="parts")
