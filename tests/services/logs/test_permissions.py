"""What IAM is asked for: the ARNs of groups, streams and destinations as AWS evaluates them, and their tags."""

import json

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from coldframe.identity.accounts import create_access_key
from coldframe.identity.records import User
from coldframe.services.logs.records import LogGroup
from tests.server_fixtures import running_server

GROUP = "arn:aws:logs:us-east-1:ACCOUNT:log-group:/app/web"
STREAM = {"logGroupName": "/app/web", "logStreamName": "s"}
TRANSFORMATIONS = [{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("permissions") / "data") as server:
        client = server.client("logs")
        client.create_log_group(logGroupName="/app/web", tags={"team": "web"})
        client.create_log_stream(logGroupName="/app/web", logStreamName="s")
        client.create_log_group(logGroupName="/app/other", tags={"team": "other"})
        client.create_log_stream(logGroupName="/app/other", logStreamName="s")
        yield server


@pytest.fixture(scope="module")
def as_user(running):
    """Makes clients of users with the statements given; `ACCOUNT` in them is the account."""
    made = []

    def client(*statements):
        name = f"user{len(made)}"
        made.append(name)
        text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)}).replace(
            "ACCOUNT", running.account
        )
        with running.installation.store.write() as transaction:
            records = transaction.records(running.account, "")
            records.add(
                User(name=name, id=f"AIDA{name.upper():X<17}", path="/", created=0, inline={"only": text})
            )
            key, secret = create_access_key(
                records, running.installation.seal, account=running.account, user=name, now=0
            )
        return running.client("logs", aws_access_key_id=key.id, aws_secret_access_key=secret)

    return client


def allow(action, *resources, **more):
    return {"Effect": "Allow", "Action": action, "Resource": list(resources), **more}


def outcome(call, **parameters):
    """`ok`, or `denied`, whatever else the call may have to say."""
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            return "denied"
    return "ok"


CALLS = [
    ("DescribeLogStreams", {"logGroupName": "/app/web"}),
    ("DescribeLogStreams", {"logGroupIdentifier": "/app/web"}),
    ("DescribeLogStreams", {"logGroupIdentifier": GROUP}),
    ("GetLogEvents", STREAM),
    ("GetLogEvents", {"logGroupIdentifier": GROUP, "logStreamName": "s"}),
    ("FilterLogEvents", {"logGroupName": "/app/web"}),
    ("FilterLogEvents", {"logGroupIdentifier": "/app/web"}),
    ("PutLogEvents", {**STREAM, "logEvents": [{"timestamp": 1, "message": "x"}]}),
    ("PutRetentionPolicy", {"logGroupName": "/app/web", "retentionInDays": 3653}),
    ("DescribeLogGroups", {"logGroupNamePrefix": "/app/web"}),
    ("DescribeSubscriptionFilters", {"logGroupName": "/app/web"}),
    (
        "PutMetricFilter",
        {
            "logGroupName": "/app/web",
            "filterName": "f",
            "filterPattern": "",
            "metricTransformations": TRANSFORMATIONS,
        },
    ),
    ("DescribeResourcePolicies", {"resourceArn": GROUP}),
    ("DescribeLogGroups", {"logGroupIdentifiers": ["/app/web"]}),
    ("GetDataProtectionPolicy", {"logGroupIdentifier": GROUP}),
    ("PutLogGroupDeletionProtection", {"logGroupIdentifier": GROUP, "deletionProtectionEnabled": False}),
]


def method(client, operation):
    return getattr(client, xform_name(operation))


def filled(value, account):
    return json.loads(json.dumps(value).replace("ACCOUNT", account))


def other(value):
    return json.loads(json.dumps(value).replace("/app/web", "/app/other"))


@pytest.mark.parametrize(("operation", "parameters"), CALLS)
def test_a_policy_for_the_streams_of_a_group(running, as_user, operation, parameters):
    client = as_user(allow(f"logs:{operation}", f"{GROUP}:*"))
    parameters = filled(parameters, running.account)
    assert outcome(method(client, operation), **parameters) == "ok"
    assert outcome(method(client, operation), **other(parameters)) == "denied"


@pytest.mark.parametrize("operation", ["GetLogEvents", "PutLogEvents", "CreateLogStream", "DeleteLogStream"])
def test_a_policy_for_one_stream(running, as_user, operation):
    client = as_user(allow(f"logs:{operation}", f"{GROUP}:log-stream:gone"))
    more = {"logEvents": [{"timestamp": 1, "message": "x"}]} if operation == "PutLogEvents" else {}
    assert outcome(method(client, operation), logGroupName="/app/web", logStreamName="gone", **more) == "ok"
    assert outcome(method(client, operation), logGroupName="/app/web", logStreamName="s", **more) == "denied"


def test_the_message_names_the_resource(running, as_user):
    client = as_user(allow("logs:GetLogEvents", "*"))
    with pytest.raises(ClientError) as caught:
        client.describe_log_streams(logGroupName="/app/web")
    assert caught.value.response["Error"]["Message"].partition(" is not authorized to perform: ")[2] == (
        f"logs:DescribeLogStreams on resource: {filled(GROUP, running.account)}:log-stream: because no identity-based"
        " policy allows the logs:DescribeLogStreams action"
    )


def test_tags_go_by_the_arn_without_streams(running, as_user):
    client = as_user(allow(["logs:TagResource", "logs:ListTagsForResource", "logs:UntagResource"], GROUP))
    arn = filled(GROUP, running.account)
    assert outcome(client.tag_resource, resourceArn=arn, tags={"a": "b"}) == "ok"
    assert outcome(client.untag_resource, resourceArn=arn, tagKeys=["a"]) == "ok"
    assert outcome(client.list_tags_for_resource, resourceArn=other(arn)) == "denied"


def test_access_by_the_tags_of_a_group(running, as_user):
    mine = {"StringEquals": {"aws:ResourceTag/team": "web"}}
    client = as_user(allow("logs:*", "*", Condition=mine))
    for parameters in ({"logGroupName": "/app/web"}, {"logGroupIdentifier": filled(GROUP, running.account)}):
        assert outcome(client.describe_log_streams, **parameters) == "ok"
        assert outcome(client.describe_log_streams, **other(parameters)) == "denied"
    assert outcome(client.describe_log_groups) == "denied"


def test_tags_that_must_be_given(running, as_user):
    must = {
        "StringEquals": {"aws:RequestTag/team": "web"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    client = as_user(allow(["logs:CreateLogGroup", "logs:TagResource"], "*", Condition=must))
    assert outcome(client.create_log_group, logGroupName="untagged") == "denied"
    assert outcome(client.create_log_group, logGroupName="more", tags={"team": "web", "b": "c"}) == "denied"
    assert outcome(client.create_log_group, logGroupName="tagged", tags={"team": "web"}) == "ok"


def test_creating_with_tags_needs_a_permission_to_tag(running, as_user):
    client = as_user(allow("logs:CreateLogGroup", "*"))
    assert outcome(client.create_log_group, logGroupName="with", tags={"a": "b"}) == "denied"
    assert running.installation.store.cached(LogGroup, running.account, "us-east-1", "with") is None
    assert outcome(client.create_log_group, logGroupName="without") == "ok"
    for action in ("logs:TagResource", "logs:TagLogGroup"):
        tagger = as_user(allow(["logs:CreateLogGroup", action], "*"))
        assert (
            outcome(tagger.create_log_group, logGroupName=action.replace(":", "-"), tags={"a": "b"}) == "ok"
        )


def test_a_role_is_passed_by_those_who_may(running, as_user):
    role = f"arn:aws:iam::{running.account}:role/r"
    parameters = {
        "logGroupName": "/app/web",
        "filterName": "f",
        "filterPattern": "never",
        "destinationArn": other(filled(GROUP, running.account)),
        "roleArn": role,
    }
    assert outcome(as_user(allow("logs:*", "*")).put_subscription_filter, **parameters) == "denied"
    both = as_user(allow("logs:*", "*"), allow("iam:PassRole", role))
    assert outcome(both.put_subscription_filter, **parameters) == "ok"
    only_elsewhere = {"StringEquals": {"logs:DestinationArn": "arn:aws:logs:us-east-1:1:log-group:x"}}
    limited = as_user(allow("logs:*", "*", Condition=only_elsewhere), allow("iam:PassRole", role))
    assert outcome(limited.put_subscription_filter, **parameters) == "denied"


@pytest.mark.parametrize("operation", ["PutDestinationPolicy", "DeleteDestination"])
def test_destinations_by_name(running, as_user, operation):
    client = as_user(allow(f"logs:{operation}", "arn:aws:logs:us-east-1:ACCOUNT:destination:mine"))
    more = {"accessPolicy": "{}"} if operation == "PutDestinationPolicy" else {}
    assert outcome(method(client, operation), destinationName="mine", **more) == "ok"
    assert outcome(method(client, operation), destinationName="yours", **more) == "denied"


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        ("DATA_PROTECTION_POLICY", "GetDataProtectionPolicy"),
        ("SUBSCRIPTION_FILTER_POLICY", "DescribeSubscriptionFilters"),
    ],
)
def test_account_policies_need_the_permission_of_their_kind(running, as_user, kind, also):
    alone = as_user(allow("logs:DescribeAccountPolicies", "*"))
    assert outcome(alone.describe_account_policies, policyType=kind) == "denied"
    both = as_user(allow(["logs:DescribeAccountPolicies", f"logs:{also}"], "arn:aws:logs:*:*:log-group:*"))
    assert outcome(both.describe_account_policies, policyType=kind) == "ok"
    narrow = as_user(allow(["logs:DescribeAccountPolicies", f"logs:{also}"], f"{GROUP}:*"))
    assert outcome(narrow.describe_account_policies, policyType=kind) == "denied"
