"""Subscription filters and the destinations of other accounts, from the API reference."""

import json

import pytest
from botocore.exceptions import ClientError

from coldframe.engines.logstore.errors import StorageFull
from coldframe.engines.logstore.store import LogStore
from coldframe.identity.accounts import create_access_key, create_account
from coldframe.identity.records import User
from coldframe.services.logs import jobs
from tests.server_fixtures import running_server

ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("subscriptions") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client, groups `source`, `target` and `other`, and no destinations."""
    client = running.client("logs")
    empty(client)
    return client


@pytest.fixture(scope="module")
def neighbour(running):
    """A user who may do anything in another account of the same server."""
    with running.installation.store.write() as transaction:
        create_account(
            transaction.records("", ""), account_id="222222222222", name="two", email="two@example.com", now=0
        )
        records = transaction.records("222222222222", "")
        records.add(User(name="ann", id="AIDAANNXXXXXXXXXXXXXX", path="/", created=0, inline={"all": ALL}))
        key, secret = create_access_key(
            records, running.installation.seal, account="222222222222", user="ann", now=0
        )
    return running.client("logs", aws_access_key_id=key.id, aws_secret_access_key=secret)


def empty(client):
    for destination in client.describe_destinations()["destinations"]:
        client.delete_destination(destinationName=destination["destinationName"])
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    for name in ("source", "target", "other"):
        client.create_log_group(logGroupName=name)
        client.create_log_stream(logGroupName=name, logStreamName="s")


def arn_of(running, resource, account=None):
    return f"arn:aws:logs:us-east-1:{account or running.account}:{resource}"


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def subscribe(client, name, destination, group="source", pattern="", **more):
    client.put_subscription_filter(
        logGroupName=group, filterName=name, filterPattern=pattern, destinationArn=destination, **more
    )


def send(client, running, *messages):
    now = running.clock.milliseconds()
    events = [{"timestamp": now, "message": text} for text in messages]
    client.put_log_events(logGroupName="source", logStreamName="s", logEvents=events)


def received(client, group="target"):
    return [event["message"] for event in client.filter_log_events(logGroupName=group)["events"]]


def destination(client, running, *, policy=None):
    """Make destination `d` for group `target`."""
    answer = client.put_destination(
        destinationName="d",
        targetArn=arn_of(running, "log-group:target"),
        roleArn=f"arn:aws:iam::{running.account}:role/r",
    )
    if policy is not None:
        client.put_destination_policy(destinationName="d", accessPolicy=policy)
    return answer["destination"]["arn"]


def access_policy(running, principal, effect="Allow"):
    statement = {
        "Effect": effect,
        "Principal": {"AWS": principal},
        "Action": "logs:PutSubscriptionFilter",
        "Resource": arn_of(running, "destination:d"),
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_subscription_delivers_and_is_described(logs, running):
    before = running.clock.milliseconds()
    target = arn_of(running, "log-group:target")
    subscribe(logs, "f", target, pattern="ERROR", distribution="Random")
    send(logs, running, "ERROR one", "fine", "ERROR two")
    assert received(logs) == ["ERROR one", "ERROR two"]
    (found,) = logs.describe_subscription_filters(logGroupName="source")["subscriptionFilters"]
    assert before <= found.pop("creationTime") <= running.clock.milliseconds()
    assert found == {
        "filterName": "f",
        "logGroupName": "source",
        "filterPattern": "ERROR",
        "destinationArn": target,
        "distribution": "Random",
        "applyOnTransformedLogs": False,
    }
    logs.delete_subscription_filter(logGroupName="source", filterName="f")
    send(logs, running, "ERROR three")
    assert len(received(logs)) == 2


def test_two_subscriptions_a_group(logs, running):
    target = arn_of(running, "log-group:target:*")
    for name in "ab":
        subscribe(logs, name, target)
    with pytest.raises(logs.exceptions.LimitExceededException, match="Resource limit exceeded"):
        subscribe(logs, "c", target)
    subscribe(logs, "a", arn_of(running, "log-group:other"), pattern="changed")
    found = logs.describe_subscription_filters(logGroupName="source")["subscriptionFilters"]
    assert [(each["filterName"], each["filterPattern"]) for each in found] == [("a", "changed"), ("b", "")]


def test_pages_and_prefix(logs, running):
    for name in ("b2", "a1"):
        subscribe(logs, name, arn_of(running, "log-group:target"))
    pages = logs.get_paginator("describe_subscription_filters").paginate(
        logGroupName="source", PaginationConfig={"PageSize": 1}
    )
    assert [[each["filterName"] for each in page["subscriptionFilters"]] for page in pages] == [
        ["a1"],
        ["b2"],
    ]
    found = logs.describe_subscription_filters(logGroupName="source", filterNamePrefix="b")
    assert [each["filterName"] for each in found["subscriptionFilters"]] == ["b2"]


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        ("arn:aws:firehose:us-east-1:ACCOUNT:deliverystream/s", "cannot be used without roleArn"),
        ("arn:aws:s3:::bucket", "Invalid destination"),
        ("nonsense", "Invalid ARN"),
        ("arn:aws:logs:us-east-1:ACCOUNT:log-group:missing", "Could not deliver test message"),
        ("arn:aws:logs:eu-west-1:ACCOUNT:log-group:target", "Could not deliver test message"),
        ("arn:aws:logs:us-east-1:222222222222:log-group:target", "Could not deliver test message"),
        ("arn:aws:logs:us-east-1:ACCOUNT:destination:missing", "does not exist"),
        ("arn:aws:logs:us-east-1:ACCOUNT:log-group:source", "its own subscription filter"),
    ],
)
def test_where_nothing_can_be_delivered(logs, running, arn, words):
    code, text = refused(
        logs.put_subscription_filter,
        logGroupName="source",
        filterName="f",
        filterPattern="",
        destinationArn=arn.replace("ACCOUNT", running.account),
    )
    assert code == "InvalidParameterException"
    assert words in text
    assert logs.describe_subscription_filters(logGroupName="source")["subscriptionFilters"] == []


@pytest.mark.parametrize(
    ("arn", "code", "words"),
    [
        (
            "arn:aws:kinesis:us-east-1:123456789012:stream/s",
            "InvalidParameterException",
            "destinationArn for vendor kinesis cannot be used without roleArn",
        ),
        (
            "arn:aws:lambda:us-east-1:100000000001:function:f",
            "AccessDeniedException",
            "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers.",
        ),
    ],
)
def test_what_is_wrong_with_a_destination_comes_before_its_being_built(logs, arn, code, words):
    asked = {"logGroupName": "source", "filterName": "f", "filterPattern": "", "destinationArn": arn}
    with pytest.raises(ClientError) as caught:
        logs.put_subscription_filter(**asked)
    error = caught.value.response
    assert (error["Error"]["Code"], error["Error"]["Message"]) == (code, words)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("arn", ["kinesis:us-east-1:{}:stream/s", "lambda:us-east-1:{}:function:f"])
def test_destinations_that_are_not_built(logs, running, arn):
    asked = {
        "logGroupName": "source",
        "filterName": "f",
        "filterPattern": "",
        "destinationArn": f"arn:aws:{arn.format(running.account)}",
        "roleArn": f"arn:aws:iam::{running.account}:role/r",
    }
    with pytest.raises(ClientError, match="not built in coldframe") as caught:
        logs.put_subscription_filter(**asked)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert logs.describe_subscription_filters(logGroupName="source")["subscriptionFilters"] == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"filterPattern": "{ $.a"}, "InvalidParameterException"),
        ({"roleArn": "arn:aws:s3:::bucket"}, "InvalidParameterException"),
        ({"applyOnTransformedLogs": True}, "InvalidParameterException"),
        ({"distribution": "Even"}, "InvalidParameterException"),
        ({"emitSystemFields": ["@aws.region"]}, "NotImplemented"),
        ({"fieldSelectionCriteria": '@aws.region = "x"'}, "NotImplemented"),
        ({"logGroupName": "missing"}, "ResourceNotFoundException"),
        ({"logGroupName": "rare"}, "InvalidOperationException"),
    ],
)
def test_other_refusals(logs, running, more, code):
    logs.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    parameters = {
        "logGroupName": "source",
        "filterName": "f",
        "filterPattern": "",
        "destinationArn": arn_of(running, "log-group:target"),
    }
    assert refused(logs.put_subscription_filter, **parameters | more)[0] == code


def test_missing_filters(logs):
    for group, name in (("source", "missing"), ("missing", "f")):
        with pytest.raises(logs.exceptions.ResourceNotFoundException):
            logs.delete_subscription_filter(logGroupName=group, filterName=name)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.describe_subscription_filters(logGroupName="missing")


def test_a_destination_is_described(logs, running):
    policy = access_policy(running, "222222222222")
    destination(logs, running, policy=policy)
    (found,) = logs.describe_destinations()["destinations"]
    assert found.pop("creationTime")
    assert found == {
        "destinationName": "d",
        "targetArn": arn_of(running, "log-group:target"),
        "roleArn": f"arn:aws:iam::{running.account}:role/r",
        "accessPolicy": policy,
        "arn": arn_of(running, "destination:d"),
    }
    destination(logs, running)
    assert logs.describe_destinations()["destinations"][0]["accessPolicy"] == policy


def test_destinations_by_name(logs, running):
    for name in ("b", "ab", "a"):
        logs.put_destination(
            destinationName=name,
            targetArn=arn_of(running, "log-group:target"),
            roleArn=f"arn:aws:iam::{running.account}:role/r",
        )
    pages = logs.get_paginator("describe_destinations").paginate(PaginationConfig={"PageSize": 2})
    assert [[each["destinationName"] for each in page["destinations"]] for page in pages] == [
        ["a", "ab"],
        ["b"],
    ]
    found = logs.describe_destinations(DestinationNamePrefix="a")["destinations"]
    assert [each["destinationName"] for each in found] == ["a", "ab"]


@pytest.mark.parametrize(
    "policy",
    [
        "{}",
        "not json",
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:PutSubscriptionFilter","Resource":"*"}]}',
        json.dumps({"Version": "2012-10-17", "Id": "x" * 5120, "Statement": []}),
    ],
)
def test_access_policies_that_are_refused(logs, running, policy):
    destination(logs, running)
    code, _ = refused(logs.put_destination_policy, destinationName="d", accessPolicy=policy)
    assert code == "InvalidParameterException"
    assert "accessPolicy" not in logs.describe_destinations()["destinations"][0]


def test_destinations_that_are_missing_or_lead_nowhere(logs, running):
    for call, more in ((logs.delete_destination, {}), (logs.put_destination_policy, {"accessPolicy": ALL})):
        assert refused(call, destinationName="missing", **more)[0] == "ResourceNotFoundException"
    role = f"arn:aws:iam::{running.account}:role/r"
    for target, expected in (
        ("arn:aws:kinesis:us-east-1:123456789012:stream/s", "NotImplemented"),
        (arn_of(running, "log-group:missing"), "InvalidParameterException"),
    ):
        code, _ = refused(logs.put_destination, destinationName="d", targetArn=target, roleArn=role)
        assert code == expected


def test_a_neighbour_needs_the_access_policy(logs, running, neighbour):
    empty(neighbour)
    there = destination(logs, running)
    with pytest.raises(neighbour.exceptions.ClientError, match="not authorized") as caught:
        subscribe(neighbour, "f", there)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"

    logs.put_destination_policy(destinationName="d", accessPolicy=access_policy(running, "333333333333"))
    with pytest.raises(neighbour.exceptions.ClientError, match="not authorized"):
        subscribe(neighbour, "f", there)

    logs.put_destination_policy(destinationName="d", accessPolicy=access_policy(running, "222222222222"))
    subscribe(neighbour, "f", there, pattern="ERROR")
    send(neighbour, running, "ERROR over there", "fine")
    assert received(logs) == ["ERROR over there"]
    assert received(neighbour) == []

    logs.delete_destination(destinationName="d")
    send(neighbour, running, "ERROR again")
    assert received(logs) == ["ERROR over there"]


def test_a_neighbour_who_is_denied(logs, running, neighbour):
    empty(neighbour)
    denial = json.loads(access_policy(running, "222222222222", effect="Deny"))["Statement"]
    allowed = json.loads(access_policy(running, "222222222222"))
    allowed["Statement"] += denial
    there = destination(logs, running, policy=json.dumps(allowed))
    with pytest.raises(neighbour.exceptions.ClientError, match="explicit deny"):
        subscribe(neighbour, "f", there)


def fail(*_):
    raise StorageFull("the disk is full")


def test_a_stream_that_was_deleted_begins_anew_with_the_next_delivery(logs, running, monkeypatch):
    subscribe(logs, "f", arn_of(running, "log-group:target"))
    send(logs, running, "old")
    name = f"{running.account}/source/s"
    with monkeypatch.context() as patched:
        patched.setattr(LogStore, "drop_stream", fail)
        logs.delete_log_stream(logGroupName="target", logStreamName=name)
    send(logs, running, "new")
    assert received(logs) == ["new"]
    jobs.expire_events(running.installation)
    assert received(logs) == ["new"]
