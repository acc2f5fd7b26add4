"""CreateLogGroup, DeleteLogGroup, DescribeLogGroups, ListLogGroups and deletion protection, from the API reference."""

import time

import pytest
from botocore.exceptions import ClientError

from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.records import LogGroup, LogStream, MetricFilter, SubscriptionFilter
from tests.server_fixtures import running_server


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("groups") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client in a server without log groups."""
    client = running.client("logs")
    pages = list(client.get_paginator("describe_log_groups").paginate())
    for name in [name for page in pages for name in names(page)]:
        client.put_log_group_deletion_protection(logGroupIdentifier=name, deletionProtectionEnabled=False)
        client.delete_log_group(logGroupName=name)
    return client


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def put(client, group, stream, *messages):
    now = int(time.time() * 1000)
    client.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": text} for text in messages],
    )


def names(answer):
    return [group["logGroupName"] for group in answer["logGroups"]]


def test_a_group_is_described_with_its_members(logs, running):
    before = running.clock.milliseconds()
    logs.create_log_group(logGroupName="/app/web")
    (group,) = logs.describe_log_groups()["logGroups"]
    arn = f"arn:aws:logs:us-east-1:{running.account}:log-group:/app/web"
    assert before <= group.pop("creationTime") <= running.clock.milliseconds()
    assert group == {
        "logGroupName": "/app/web",
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "deletionProtectionEnabled": False,
    }


def test_stored_bytes_and_metric_filters_are_counted(logs):
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    put(logs, "g", "s", "12345", "678")
    for name in "ab":
        logs.put_metric_filter(
            logGroupName="g",
            filterName=name,
            filterPattern="x",
            metricTransformations=[{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}],
        )
    (group,) = logs.describe_log_groups()["logGroups"]
    assert (group["storedBytes"], group["metricFilterCount"]) == (8, 2)


def test_a_name_is_taken_once(logs):
    logs.create_log_group(logGroupName="g")
    assert refused(logs.create_log_group, logGroupName="g") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )


@pytest.mark.parametrize("name", ["aws/mine", "AWS/mine", "with space", "a*b", "a:b", "x" * 513])
def test_names_that_are_refused(logs, name):
    code, _ = refused(logs.create_log_group, logGroupName=name)
    assert code == "InvalidParameterException"


@pytest.mark.parametrize("name", ["/aws/lambda/f", "a.b_c-d/e#f", "x" * 512])
def test_names_that_are_taken(logs, name):
    logs.create_log_group(logGroupName=name)
    assert names(logs.describe_log_groups()) == [name]


@pytest.mark.parametrize("kind", ["STANDARD", "INFREQUENT_ACCESS", "ESSENTIALS", "DELIVERY"])
def test_a_class_is_kept(logs, kind):
    logs.create_log_group(logGroupName="g", logGroupClass=kind)
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["logGroupClass"] == kind
    assert group.get("retentionInDays") == (1 if kind == "DELIVERY" else None)


def test_a_key_that_is_none_is_refused_and_nothing_is_made(logs):
    code, text = refused(
        logs.create_log_group, logGroupName="g", kmsKeyId="arn:aws:kms:us-east-1:123456789012:key/1"
    )
    assert code == "InvalidParameterException"
    assert "The specified KMS key" in text
    assert names(logs.describe_log_groups()) == []


def test_delete_takes_everything_with_it(logs, running):
    logs.create_log_group(logGroupName="g")
    logs.create_log_group(logGroupName="other")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.create_log_stream(logGroupName="other", logStreamName="s")
    put(logs, "g", "s", "gone")
    put(logs, "other", "s", "stays")
    logs.put_metric_filter(
        logGroupName="g",
        filterName="f",
        filterPattern="",
        metricTransformations=[{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}],
    )
    target = f"arn:aws:logs:us-east-1:{running.account}:log-group:other"
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="", destinationArn=target)
    with running.installation.store.read() as transaction:
        group = transaction.records(running.account, "us-east-1").get(LogGroup, "g")
    logs.delete_log_group(logGroupName="g")

    with running.installation.store.read() as transaction:
        records = transaction.records(running.account, "us-east-1")
        for kind in (LogStream, MetricFilter, SubscriptionFilter):
            assert records.list(kind, key_prefix=("g",)) == []
    assert running.assembly.runner.idle(10)
    assert running.installation.parts.get(LogStore).streams(group.id) == {}
    assert [event["message"] for event in logs.filter_log_events(logGroupName="other")["events"]] == ["stays"]


def test_a_group_made_again_is_empty(logs):
    for _ in range(2):
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        assert logs.filter_log_events(logGroupName="g")["events"] == []
        assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []
        put(logs, "g", "s", "old")
        assert len(logs.filter_log_events(logGroupName="g")["events"]) == 1
        logs.delete_log_group(logGroupName="g")


def test_deleting_what_is_not_there(logs):
    assert refused(logs.delete_log_group, logGroupName="g") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )


def test_deletion_protection(logs, running):
    logs.create_log_group(logGroupName="g", deletionProtectionEnabled=True)
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert logs.describe_log_groups()["logGroups"][0]["deletionProtectionEnabled"] is True
    code, text = refused(logs.delete_log_group, logGroupName="g")
    assert code == "ValidationException"
    assert "deletion protection" in text
    assert refused(logs.delete_log_stream, logGroupName="g", logStreamName="s")[0] == "ValidationException"
    arn = f"arn:aws:logs:us-east-1:{running.account}:log-group:g"
    logs.put_log_group_deletion_protection(logGroupIdentifier=arn, deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="g")
    assert names(logs.describe_log_groups()) == []


class TestDescribe:
    @pytest.fixture(autouse=True)
    def groups(self, logs):
        for name in ("/aws/b", "/aws/a", "app/DataLogs", "app/data", "Zed"):
            logs.create_log_group(logGroupName=name)
        logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
        logs.create_log_group(logGroupName="essential", logGroupClass="ESSENTIALS")

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({}, ["/aws/a", "/aws/b", "Zed", "app/DataLogs", "app/data", "essential", "rare"]),
            ({"logGroupNamePrefix": "/aws/"}, ["/aws/a", "/aws/b"]),
            ({"logGroupNamePrefix": "aws"}, []),
            ({"logGroupNamePattern": "Data"}, ["app/DataLogs"]),
            (
                {"logGroupNamePattern": "a"},
                ["/aws/a", "/aws/b", "app/DataLogs", "app/data", "essential", "rare"],
            ),
            ({"logGroupClass": "INFREQUENT_ACCESS"}, ["essential", "rare"]),
            ({"logGroupClass": "ESSENTIALS"}, ["essential", "rare"]),
            ({"logGroupClass": "DELIVERY"}, []),
            ({"logGroupClass": "STANDARD", "logGroupNamePrefix": "app/"}, ["app/DataLogs", "app/data"]),
            ({"logGroupIdentifiers": ["Zed", "/aws/b", "missing"]}, ["/aws/b", "Zed"]),
            ({"includeLinkedAccounts": True, "accountIdentifiers": ["999999999999"]}, []),
        ],
    )
    def test_filters(self, logs, filters, expected):
        assert names(logs.describe_log_groups(**filters)) == expected

    @pytest.mark.parametrize("limit", [1, 2, 3, 7])
    def test_pages_join_to_the_whole(self, logs, limit):
        pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": limit})
        sizes, found = [], []
        for answer in pages:
            sizes.append(len(answer["logGroups"]))
            found += names(answer)
        assert found == names(logs.describe_log_groups())
        assert sizes == [limit] * (7 // limit) + ([7 % limit] if 7 % limit else [])

    def test_the_default_page_has_fifty(self, logs):
        for number in range(50):
            logs.create_log_group(logGroupName=f"n{number:02d}")
        answer = logs.describe_log_groups()
        assert len(answer["logGroups"]) == 50
        rest = logs.describe_log_groups(nextToken=answer["nextToken"])
        assert len(rest["logGroups"]) == 7
        assert "nextToken" not in rest

    @pytest.mark.parametrize(
        "parameters",
        [
            {"logGroupNamePrefix": "a", "logGroupNamePattern": "b"},
            {"logGroupIdentifiers": ["a"], "logGroupNamePrefix": "b"},
            {"logGroupIdentifiers": ["a"], "logGroupClass": "STANDARD"},
            {"limit": 51},
            {"nextToken": "made-up"},
        ],
    )
    def test_refusals(self, logs, parameters):
        assert refused(logs.describe_log_groups, **parameters)[0] == "InvalidParameterException"

    def test_a_token_of_another_listing_is_refused(self, logs):
        token = logs.list_log_groups(limit=1)["nextToken"]
        assert refused(logs.describe_log_groups, nextToken=token)[0] == "InvalidParameterException"


class TestList:
    @pytest.fixture(autouse=True)
    def groups(self, logs):
        logs.create_log_group(logGroupName="/aws/lambda/f", tags={"env": "prod", "team": "Core"})
        logs.create_log_group(logGroupName="my-discovery", tags={"env": "production"})
        logs.create_log_group(logGroupName="plain", logGroupClass="INFREQUENT_ACCESS")

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({}, ["/aws/lambda/f", "my-discovery", "plain"]),
            ({"logGroupNamePattern": "^/aws/lambda|discovery"}, ["/aws/lambda/f", "my-discovery"]),
            ({"logGroupNamePattern": "^lambda"}, []),
            ({"logGroupNamePattern": "lambda"}, ["/aws/lambda/f"]),
            ({"logGroupClass": "INFREQUENT_ACCESS"}, ["plain"]),
            ({"logGroupTags": [{"key": "env"}]}, ["/aws/lambda/f", "my-discovery"]),
            ({"logGroupTags": [{"key": "env", "values": ["prod"]}]}, ["/aws/lambda/f"]),
            ({"logGroupTags": [{"key": "env", "values": ["prod*"]}]}, ["/aws/lambda/f", "my-discovery"]),
            ({"logGroupTags": [{"key": "env", "values": ["!prod"]}]}, ["my-discovery"]),
            ({"logGroupTags": [{"key": "team", "values": ["core"]}]}, []),
            ({"logGroupTags": [{"key": "team", "values": ["*ORE"]}]}, ["/aws/lambda/f"]),
            ({"logGroupTags": [{"key": "env"}, {"key": "team"}]}, ["/aws/lambda/f"]),
            ({"dataSources": [{"name": "amazon_vpc"}]}, []),
        ],
    )
    def test_filters(self, logs, filters, expected):
        assert names(logs.list_log_groups(**filters)) == expected

    def test_pages(self, logs):
        found, token = [], {}
        while True:
            answer = logs.list_log_groups(limit=1, **token)
            found += names(answer)
            if "nextToken" not in answer:
                break
            token = {"nextToken": answer["nextToken"]}
        assert found == ["/aws/lambda/f", "my-discovery", "plain"]

    def test_members(self, logs, running):
        assert logs.list_log_groups(logGroupNamePattern="plain")["logGroups"] == [
            {
                "logGroupName": "plain",
                "logGroupArn": f"arn:aws:logs:us-east-1:{running.account}:log-group:plain",
                "logGroupClass": "INFREQUENT_ACCESS",
            }
        ]


def test_groups_of_another_region_are_not_seen(logs, running):
    logs.create_log_group(logGroupName="here")
    assert running.client("logs", region="eu-west-1").describe_log_groups()["logGroups"] == []
