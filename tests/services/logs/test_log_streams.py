"""CreateLogStream, DeleteLogStream and DescribeLogStreams, from the API reference."""

import pytest
from botocore.exceptions import ClientError

from coldframe.engines.logstore.errors import StorageFull
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs import jobs
from coldframe.services.logs.records import DroppedStream, LogGroup, LogStream
from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("streams") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client, and an empty group `g`."""
    client = running.client("logs")
    if client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName="g")
    client.create_log_group(logGroupName="g")
    return client


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def put(client, stream, *times, text="event"):
    client.put_log_events(
        logGroupName="g",
        logStreamName=stream,
        logEvents=[{"timestamp": time, "message": text} for time in times],
    )


def names(answer):
    return [stream["logStreamName"] for stream in answer["logStreams"]]


def messages(client):
    return [event["message"] for event in client.filter_log_events(logGroupName="g")["events"]]


def whole(client, limit, **parameters):
    """The names of all pages."""
    pages = client.get_paginator("describe_log_streams").paginate(
        logGroupName="g", PaginationConfig={"PageSize": limit}, **parameters
    )
    return [name for page in pages for name in names(page)]


def test_an_empty_stream(logs, running):
    before = running.clock.milliseconds()
    logs.create_log_stream(logGroupName="g", logStreamName="a b/$[1]")
    (stream,) = logs.describe_log_streams(logGroupName="g")["logStreams"]
    assert before <= stream.pop("creationTime") <= running.clock.milliseconds()
    assert stream == {
        "logStreamName": "a b/$[1]",
        "arn": f"arn:aws:logs:us-east-1:{running.account}:log-group:g:log-stream:a b/$[1]",
        "storedBytes": 0,
    }


def test_a_stream_tells_of_its_events(logs, running):
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = running.clock.milliseconds()
    put(logs, "s", now - 5000, now - 1000)
    (stream,) = logs.describe_log_streams(logGroupName="g")["logStreams"]
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (now - 5000, now - 1000)
    assert now <= stream["lastIngestionTime"] <= running.clock.milliseconds()
    assert stream["storedBytes"] == 0
    assert stream["uploadSequenceToken"]


@pytest.mark.parametrize("name", ["a:b", "a*b", "x" * 513])
def test_names_that_are_refused(logs, name):
    assert (
        refused(logs.create_log_stream, logGroupName="g", logStreamName=name)[0]
        == "InvalidParameterException"
    )


def test_missing_and_taken(logs):
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert refused(logs.create_log_stream, logGroupName="g", logStreamName="s") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    gone = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert refused(logs.create_log_stream, logGroupName="x", logStreamName="s") == gone
    assert refused(logs.describe_log_streams, logGroupName="x") == gone
    assert refused(logs.delete_log_stream, logGroupName="x", logStreamName="s") == gone
    assert refused(logs.delete_log_stream, logGroupName="g", logStreamName="x") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


class TestOrder:
    """Streams c (latest), a, b (earliest), and d and e without events."""

    @pytest.fixture(autouse=True)
    def streams(self, logs, running):
        now = running.clock.milliseconds()
        for name, age in (("a", 2000), ("b", 3000), ("c", 1000), ("d", None), ("e", None)):
            logs.create_log_stream(logGroupName="g", logStreamName=name)
            if age is not None:
                put(logs, name, now - age)

    ORDERS = (
        ({}, "abcde"),
        ({"descending": True}, "edcba"),
        ({"orderBy": "LogStreamName", "descending": False}, "abcde"),
        ({"orderBy": "LastEventTime"}, "debac"),
        ({"orderBy": "LastEventTime", "descending": True}, "cabed"),
    )

    @pytest.mark.parametrize(("parameters", "expected"), ORDERS)
    def test_whole(self, logs, parameters, expected):
        assert names(logs.describe_log_streams(logGroupName="g", **parameters)) == list(expected)

    @pytest.mark.parametrize("limit", [1, 2, 5])
    @pytest.mark.parametrize(("parameters", "expected"), ORDERS)
    def test_pages(self, logs, parameters, expected, limit):
        assert whole(logs, limit, **parameters) == list(expected)

    def test_streams_made_and_deleted_between_pages_move_no_others(self, logs):
        first = logs.describe_log_streams(logGroupName="g", limit=2)
        logs.create_log_stream(logGroupName="g", logStreamName="0")
        logs.delete_log_stream(logGroupName="g", logStreamName="b")
        second = logs.describe_log_streams(logGroupName="g", limit=2, nextToken=first["nextToken"])
        assert names(first) + names(second) == ["a", "b", "c", "d"]

    def test_a_token_belongs_to_its_order(self, logs):
        token = logs.describe_log_streams(logGroupName="g", limit=1)["nextToken"]
        code, _ = refused(
            logs.describe_log_streams, logGroupName="g", nextToken=token, orderBy="LastEventTime"
        )
        assert code == "InvalidParameterException"

    def test_no_prefix_with_last_event_time(self, logs):
        assert refused(
            logs.describe_log_streams, logGroupName="g", orderBy="LastEventTime", logStreamNamePrefix="a"
        ) == ("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")


def test_prefix(logs):
    for name in ("web/1", "web/2", "weird", "db"):
        logs.create_log_stream(logGroupName="g", logStreamName=name)
    assert whole(logs, 1, logStreamNamePrefix="web/") == ["web/1", "web/2"]
    assert whole(logs, 1, logStreamNamePrefix="we", descending=True) == ["weird", "web/2", "web/1"]


def test_a_group_is_named_once(logs, running):
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    arn = f"arn:aws:logs:us-east-1:{running.account}:log-group:g"
    for identifier in ("g", arn):
        assert names(logs.describe_log_streams(logGroupIdentifier=identifier)) == ["s"]
    for parameters in (
        {},
        {"logGroupIdentifier": f"{arn}:*"},
    ):
        assert refused(logs.describe_log_streams, **parameters)[0] == "InvalidParameterException"
    both = refused(logs.describe_log_streams, logGroupName="g", logGroupIdentifier="g")
    assert both == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )


def test_deleting_a_stream_deletes_its_events_and_no_others(logs, running):
    now = running.clock.milliseconds()
    for name in ("s", "t"):
        logs.create_log_stream(logGroupName="g", logStreamName=name)
        put(logs, name, now, text=name)
    logs.delete_log_stream(logGroupName="g", logStreamName="s")
    assert messages(logs) == ["t"]
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []
    put(logs, "s", now, text="new")
    jobs.expire_events(running.installation)
    assert sorted(messages(logs)) == ["new", "t"]


def fail(*_):
    raise StorageFull("the disk is full")


def test_what_a_full_disk_kept_is_dropped_before_the_stream_is_made_again(logs, running, monkeypatch):
    now = running.clock.milliseconds()
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    put(logs, "s", now, text="old")
    with monkeypatch.context() as patched:
        patched.setattr(LogStore, "drop_stream", fail)
        logs.delete_log_stream(logGroupName="g", logStreamName="s")
        code, _ = refused(logs.create_log_stream, logGroupName="g", logStreamName="s")
        assert code == "ServiceUnavailableException"
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []
    put(logs, "s", now, text="new")
    jobs.expire_events(running.installation)
    assert messages(logs) == ["new"]


def test_what_a_full_disk_kept_is_dropped_within_the_hour(logs, running, monkeypatch):
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    put(logs, "s", running.clock.milliseconds())
    with monkeypatch.context() as patched:
        patched.setattr(LogStore, "drop_stream", fail)
        logs.delete_log_stream(logGroupName="g", logStreamName="s")
    assert messages(logs) == ["event"]
    jobs.expire_events(running.installation)
    assert messages(logs) == []
    with running.installation.store.read() as transaction:
        assert transaction.records("", "").everywhere(DroppedStream) == []


def test_events_that_arrived_while_their_stream_was_deleted_are_dropped(logs, running):
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    put(logs, "s", running.clock.milliseconds())
    with running.installation.store.write() as transaction:
        records = transaction.records(running.account, "us-east-1")
        group = records.get(LogGroup, "g")
        records.remove(records.list(LogStream, key_prefix=("g",))[0])
    assert running.installation.parts.get(LogStore).streams(group.id)
    jobs.expire_events(running.installation)
    assert messages(logs) == []
