"""PutRetentionPolicy and DeleteRetentionPolicy, and that retention really deletes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs import jobs
from coldframe.services.logs.records import LogGroup

DAY = 86_400_000
DAYS = [
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
]


@pytest.fixture
def logs(server):
    client = server.client("logs")
    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="s")
    return client


def messages(client):
    return [event["message"] for event in client.filter_log_events(logGroupName="g")["events"]]


def retention(client):
    return client.describe_log_groups()["logGroups"][0].get("retentionInDays")


def test_every_documented_value_and_none_beside_them(logs):
    assert retention(logs) is None
    for days in DAYS:
        logs.put_retention_policy(logGroupName="g", retentionInDays=days)
        assert retention(logs) == days
    for days in (0, 2, -1, 3654, 366):
        with pytest.raises(ClientError) as caught:
            logs.put_retention_policy(logGroupName="g", retentionInDays=days)
        error = caught.value.response["Error"]
        assert error["Code"] == "InvalidParameterException"
        assert f"Value '{days}' at 'retentionInDays'" in error["Message"]
        assert "3653" in error["Message"]
    logs.delete_retention_policy(logGroupName="g")
    assert retention(logs) is None


def test_groups_that_have_none(logs):
    logs.create_log_group(logGroupName="d", logGroupClass="DELIVERY")
    for call, more in (
        (logs.put_retention_policy, {"retentionInDays": 7}),
        (logs.delete_retention_policy, {}),
    ):
        with pytest.raises(logs.exceptions.ResourceNotFoundException):
            call(logGroupName="missing", **more)
        with pytest.raises(logs.exceptions.InvalidParameterException):
            call(logGroupName="d", **more)


def test_events_past_their_retention_are_deleted_for_good(logs, server):
    now = server.clock.milliseconds()
    events = [{"timestamp": now - age * DAY, "message": f"{age} days"} for age in (8, 6, 2, 0)]
    for event in events:
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    assert jobs.expire_events(server.installation) == 0
    assert len(messages(logs)) == 4

    logs.put_retention_policy(logGroupName="g", retentionInDays=7)
    assert messages(logs) == ["6 days", "2 days", "0 days"]
    assert jobs.expire_events(server.installation) == 1
    logs.delete_retention_policy(logGroupName="g")
    assert messages(logs) == ["6 days", "2 days", "0 days"]

    logs.put_retention_policy(logGroupName="g", retentionInDays=3)
    server.clock.advance(3 * 86_400 + 60)
    assert messages(logs) == []
    jobs.expire_events(server.installation)
    logs.delete_retention_policy(logGroupName="g")
    assert messages(logs) == []
    with server.installation.store.read() as transaction:
        group = transaction.records(server.account, "us-east-1").get(LogGroup, "g")
    server.installation.parts.get(LogStore).flush()
    assert server.installation.parts.get(LogStore).group_bytes(group.id) == 0


def test_the_server_expires_events_every_hour(server):
    (periodic,) = (each for each in jobs.periodic(server.installation) if "expire" in each.name)
    assert periodic.every == 3600
    assert periodic.work() == 0


def test_a_longer_retention_takes_events_of_a_time_that_was_emptied(logs, server):
    """What PutLogEvents takes is told by the retention of now; what was deleted stays deleted."""

    def send(text, days=5):
        event = {"timestamp": server.clock.milliseconds() - days * DAY, "message": text}
        return logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])

    expired = {"expiredLogEventEndIndex": 1}
    send("first")
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert send("too old")["rejectedLogEventsInfo"] == expired
    assert jobs.expire_events(server.installation) == 1
    logs.put_retention_policy(logGroupName="g", retentionInDays=30)
    assert messages(logs) == []
    assert "rejectedLogEventsInfo" not in send("second")
    assert messages(logs) == ["second"]
    logs.put_retention_policy(logGroupName="g", retentionInDays=3)
    assert send("too old")["rejectedLogEventsInfo"] == expired
    jobs.expire_events(server.installation)
    logs.delete_retention_policy(logGroupName="g")
    assert "rejectedLogEventsInfo" not in send("third")
    assert "rejectedLogEventsInfo" not in send("new", days=0)
    assert messages(logs) == ["third", "new"]
    found = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)["events"]
    assert [event["message"] for event in found] == ["third", "new"]


def test_an_event_accepted_under_a_longer_retention_is_not_deleted_with_those_before(
    logs, server, monkeypatch
):
    """The retention is lengthened just while it is being applied."""
    now = server.clock.milliseconds()

    def send(text):
        logs.put_log_events(
            logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now - 5 * DAY, "message": text}]
        )

    def lengthened():
        logs.put_retention_policy(logGroupName="g", retentionInDays=30)
        send("new")

    send("old")
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    store = server.installation.parts.get(LogStore)
    expire, changes = store.expire, []

    def slow(*arguments):
        changes.append(threads.submit(lengthened))
        with pytest.raises(TimeoutError):
            changes[0].result(0.3)
        expire(*arguments)

    monkeypatch.setattr(store, "expire", slow)
    with ThreadPoolExecutor(1) as threads:
        assert jobs.expire_events(server.installation) == 1
        changes[0].result(20)
    assert messages(logs) == ["new"]


def test_a_retention_lengthened_before_anything_expired(logs, server):
    event = {"timestamp": server.clock.milliseconds() - 5 * DAY, "message": "kept"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert messages(logs) == []
    logs.put_retention_policy(logGroupName="g", retentionInDays=7)
    jobs.expire_events(server.installation)
    assert messages(logs) == ["kept"]
