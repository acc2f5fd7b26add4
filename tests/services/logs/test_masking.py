"""Data protection end to end: masked for every reader, whole for the one who may, never in clear on the disk."""

import json
import mmap
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from coldframe.core.offers import MetricSink
from coldframe.engines.logstore.store import LogStore
from coldframe.identity.accounts import create_access_key
from coldframe.identity.records import User
from coldframe.services.logs.records import AccountPolicy, MetricFilter, SubscriptionFilter
from tests.services.logs.conftest import add_group, policy

SECRET = "jane.doe@example.com"
LINE = f"login failed for {SECRET} from card 4532015112830366"
HIDDEN = f"login failed for {'*' * len(SECRET)} from card {'*' * 16}"


@pytest.fixture
def protected(logs):
    """A group `safe` that masks e-mail addresses and card numbers and reports them to the group `audit`."""
    add_group(logs.server, "audit")
    add_group(
        logs.server, "safe", "one", protection=policy("EmailAddress", "CreditCardNumber", log_group="audit")
    )
    return logs


def read(client, group="safe", **more):
    answer = client.get_log_events(logGroupName=group, logStreamName="one", startFromHead=True, **more)
    return [event["message"] for event in answer["events"]]


def user(server, name, *actions):
    """A client of logs as a user who may do some actions on everything."""
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
    with server.installation.store.write() as transaction:
        records = transaction.records(server.account, "")
        records.add(
            User(name=name, id=f"AIDA{name.upper()}", path="/", created=0, inline={"p": json.dumps(document)})
        )
        key, secret = create_access_key(
            records, server.installation.seal, account=server.account, user=name, now=0
        )
    return server.client("logs", aws_access_key_id=key.id, aws_secret_access_key=secret)


def test_readers_see_asterisks(protected):
    protected.put(LINE, group="safe")
    assert read(protected.client) == [HIDDEN]
    events = protected.client.filter_log_events(logGroupName="safe")["events"]
    assert [event["message"] for event in events] == [HIDDEN]


def test_whoever_may_unmask_sees_the_original(protected):
    protected.put(LINE, "clean", group="safe")
    admin = user(protected.server, "admin", "logs:*")
    assert read(admin, unmask=True) == [LINE, "clean"]
    events = admin.filter_log_events(logGroupName="safe", unmask=True)["events"]
    assert [event["message"] for event in events] == [LINE, "clean"]


def test_whoever_may_not_is_told_which_permission_is_missing(protected):
    protected.put(LINE, group="safe")
    reader = user(protected.server, "reader", "logs:Get*", "logs:FilterLogEvents")
    assert read(reader) == [HIDDEN]
    for call, more in ((reader.get_log_events, {"logStreamName": "one"}), (reader.filter_log_events, {})):
        with pytest.raises(ClientError) as refused:
            call(logGroupName="safe", unmask=True, **more)
        error = refused.value.response["Error"]
        assert error["Code"] == "AccessDeniedException"
        assert "is not authorized to perform: logs:Unmask" in error["Message"]


def test_a_search_for_the_secret_finds_nothing(protected):
    protected.put(LINE, group="safe")
    assert (
        protected.client.filter_log_events(logGroupName="safe", filterPattern=f'"{SECRET}"')["events"] == []
    )


def test_findings_are_reported_without_the_data(protected):
    protected.put(LINE, "clean", group="safe")
    events = protected.client.filter_log_events(logGroupName="audit")["events"]
    assert len(events) == 1
    report = json.loads(events[0]["message"])
    assert report["resourceArn"] == f"arn:aws:logs:us-east-1:{protected.server.account}:log-group:safe:*"
    kinds = {found["name"]: found for found in report["dataIdentifiers"]}
    start = LINE.index(SECRET)
    assert kinds["EmailAddress"] == {
        "name": "EmailAddress",
        "count": 1,
        "detections": [{"start": start, "end": start + len(SECRET)}],
    }
    assert kinds["CreditCardNumber"]["count"] == 1
    assert SECRET not in events[0]["message"]


def total(server, namespace, name, **dimensions):
    """The sum of a metric over the last and the next minutes, as CloudWatch tells it."""
    server.installation.parts.get(MetricSink).flush()
    now = server.clock.now()
    points = server.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def test_events_with_findings_are_counted(protected):
    protected.put(LINE, LINE, "clean", group="safe")
    server, name = protected.server, "LogEventsWithFindings"
    assert total(server, "AWS/Logs", name, LogGroupName="safe") == 2
    assert total(server, "AWS/Logs", name, LogGroupName="safe", DataProtectionOperation="Audit") == 2


def test_what_comes_in_is_counted(protected):
    protected.put("one", "three", group="safe")
    assert total(protected.server, "AWS/Logs", "IncomingLogEvents", LogGroupName="safe") == 2
    assert total(protected.server, "AWS/Logs", "IncomingBytes", LogGroupName="safe") == 8


def test_events_from_before_the_policy_stay_as_they_were(protected):
    protected.put(LINE)
    with protected.server.installation.store.write() as transaction:
        transaction.records(protected.server.account, "us-east-1").add(
            AccountPolicy(
                kind="DATA_PROTECTION_POLICY", name="all", document=policy("EmailAddress"), updated=0
            )
        )
    protected.put(LINE)
    assert read(protected.client, "app") == [LINE, LINE.replace(SECRET, "*" * len(SECRET))]


def test_account_and_group_policies_add_up(protected):
    with protected.server.installation.store.write() as transaction:
        transaction.records(protected.server.account, "us-east-1").add(
            AccountPolicy(kind="DATA_PROTECTION_POLICY", name="all", document=policy("IpAddress"), updated=0)
        )
    protected.put(f"{SECRET} at 203.0.113.77", group="safe")
    assert read(protected.client) == [f"{'*' * len(SECRET)} at {'*' * 12}"]


def test_subscribers_and_metric_filters_get_masked_text(protected):
    server = protected.server
    add_group(server, "downstream")
    arn = f"arn:aws:logs:us-east-1:{server.account}:log-group:downstream"
    value = [{"metricName": "hits", "metricNamespace": "test", "metricValue": "1"}]
    other = [{"metricName": "logins", "metricNamespace": "test", "metricValue": "1"}]
    with server.installation.store.write() as transaction:
        records = transaction.records(server.account, "us-east-1")
        records.add(SubscriptionFilter(group="safe", name="on", pattern="", destination=arn, created=0))
        records.add(
            MetricFilter(group="safe", name="leak", pattern=f'"{SECRET}"', transformations=value, created=0)
        )
        records.add(MetricFilter(group="safe", name="any", pattern="login", transformations=other, created=0))
    protected.put(LINE, group="safe")
    events = protected.client.filter_log_events(logGroupName="downstream")["events"]
    assert [event["message"] for event in events] == [HIDDEN]
    assert total(server, "test", "logins") == 1
    assert total(server, "test", "hits") == 0


def test_no_file_of_the_data_directory_holds_the_secret(protected):
    control = "an-innocent-control-text"
    for number in range(200):
        protected.put(f"{LINE} {control} {number}", group="safe")
    store = protected.server.installation.parts.get(LogStore)
    folder = protected.server.installation.settings.data_dir
    assert not _holding(folder, SECRET)
    assert _holding(folder, control), "the control must be found, or the search finds nothing at all"
    store.flush()
    assert not _holding(folder, SECRET)
    assert _holding(folder, control)
    assert list(folder.rglob("*.parquet"))


def _holding(folder: Path, text: str) -> list[Path]:
    """The files that hold a text, as bytes or inside a Parquet column."""
    found = []
    for path in folder.rglob("*"):
        if not path.is_file() or path.stat().st_size == 0:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            holds = content.find(text.encode()) >= 0
        if not holds and path.suffix == ".parquet":
            rows = pyarrow.parquet.read_table(path).to_pylist()
            holds = any(text.encode() in _bytes(value) for row in rows for value in row.values())
        if holds:
            found.append(path)
    return found


def _bytes(value):
    return value if isinstance(value, bytes) else str(value).encode()
