"""PutAccountPolicy, DescribeAccountPolicies and DeleteAccountPolicy."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.server_fixtures import running_server

ARN = "arn:aws:dataprotection::aws:data-identifier/"
UNBUILT = ("METRIC_EXTRACTION_POLICY",)
PROTECTION, SUBSCRIPTION = "DATA_PROTECTION_POLICY", "SUBSCRIPTION_FILTER_POLICY"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("account-policies") / "data") as server:
        yield server


@pytest.fixture
def logs(running):
    """A client in an account without policies, with groups `g` and `target`."""
    client = running.client("logs")
    for kind in (PROTECTION, SUBSCRIPTION):
        for policy in client.describe_account_policies(policyType=kind)["accountPolicies"]:
            client.delete_account_policy(policyName=policy["policyName"], policyType=kind)
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    for name in ("g", "target"):
        client.create_log_group(logGroupName=name)
        client.create_log_stream(logGroupName=name, logStreamName="s")
    return client


def protection(*kinds, destination=None):
    identifiers = [ARN + kind for kind in kinds or ("EmailAddress",)]
    return json.dumps(
        {
            "Name": "account",
            "Version": "2021-06-01",
            "Statement": [
                {
                    "DataIdentifier": identifiers,
                    "Operation": {"Audit": {"FindingsDestination": destination or {}}},
                },
                {"DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
            ],
        }
    )


def subscription(running, **members):
    arn = f"arn:aws:logs:us-east-1:{running.account}:log-group:target"
    return json.dumps({"DestinationArn": arn, "FilterPattern": "ERROR", **members})


def put(client, kind, document, name="p", **more):
    return client.put_account_policy(policyName=name, policyType=kind, policyDocument=document, **more)


def code_of(call, *args, **parameters):
    with pytest.raises(ClientError) as caught:
        call(*args, **parameters)
    return caught.value.response["Error"]["Code"]


def send(client, running, text):
    now = running.clock.milliseconds()
    client.put_log_events(
        logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": text}]
    )


def seen(client, group="g"):
    return [event["message"] for event in client.filter_log_events(logGroupName=group)["events"]]


def test_data_protection_for_all_groups(logs, running):
    text, before = protection(), running.clock.milliseconds()
    answer = put(logs, PROTECTION, text)["accountPolicy"]
    assert before <= answer["lastUpdatedTime"] <= running.clock.milliseconds()
    assert logs.describe_account_policies(policyType=PROTECTION)["accountPolicies"] == [answer]
    del answer["lastUpdatedTime"]
    assert answer == {
        "policyName": "p",
        "policyDocument": text,
        "policyType": PROTECTION,
        "scope": "ALL",
        "accountId": running.account,
    }
    logs.create_log_group(logGroupName="later")
    for group in logs.describe_log_groups()["logGroups"]:
        assert group["inheritedProperties"] == ["ACCOUNT_DATA_PROTECTION"]
        assert "dataProtectionStatus" not in group
    send(logs, running, "ann@example.com")
    logs.delete_account_policy(policyName="p", policyType=PROTECTION)
    send(logs, running, "bob@example.com")
    assert seen(logs) == ["***************", "bob@example.com"]
    assert "inheritedProperties" not in logs.describe_log_groups()["logGroups"][0]


def test_the_policies_of_account_and_group_add_up(logs, running):
    put(logs, PROTECTION, protection("EmailAddress"))
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=protection("IpAddress"))
    send(logs, running, "ann@example.com from 192.0.2.17")
    assert seen(logs) == ["*************** from **********"]


def customs(prefix, count):
    """A policy with so many custom identifiers: C0 is the prefix and 0, and so on."""
    document = json.loads(protection())
    document["Configuration"] = {
        "CustomDataIdentifier": [{"Name": f"C{at}", "Regex": rf"{prefix}{at}\d{{4}}"} for at in range(count)]
    }
    for statement in document["Statement"]:
        statement["DataIdentifier"] = [f"C{at}" for at in range(count)]
    return json.dumps(document)


def test_custom_identifiers_of_account_and_group_both_count(logs, running):
    """Also with ten in each, and where the group calls its own as the account calls its."""
    put(logs, PROTECTION, customs("ACC", 10))
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=customs("GRP", 10))
    send(logs, running, "ACC01234 GRP01234 ACC95678 GRP95678 XYZ01234")
    assert seen(logs) == ["******** ******** ******** ******** XYZ01234"]


def test_one_policy_of_a_kind(logs, running):
    for kind, document, more in (
        (PROTECTION, protection(), {}),
        (SUBSCRIPTION, subscription(running), {"selectionCriteria": 'LogGroupName NOT IN ["target"]'}),
    ):
        put(logs, kind, document, **more)
        put(logs, kind, document, **more)
        assert code_of(put, logs, kind, document, name="q", **more) == "LimitExceededException"


def test_a_subscription_for_all_groups_but_some(logs, running):
    criteria = 'LogGroupName NOT IN ["target", "quiet"]'
    answer = put(logs, SUBSCRIPTION, subscription(running), selectionCriteria=criteria)["accountPolicy"]
    assert answer["selectionCriteria"] == criteria
    logs.create_log_group(logGroupName="quiet")
    logs.create_log_stream(logGroupName="quiet", logStreamName="s")
    now = running.clock.milliseconds()
    for group in ("g", "quiet", "target"):
        logs.put_log_events(
            logGroupName=group, logStreamName="s", logEvents=[{"timestamp": now, "message": f"ERROR {group}"}]
        )
    send(logs, running, "fine")
    assert sorted(seen(logs, "target")) == ["ERROR g", "ERROR target"]


@pytest.mark.parametrize(
    ("members", "criteria"),
    [
        ({}, None),
        ({}, 'LogGroupName NOT IN ["g"]'),
        ({}, 'LogGroupName IN ["target"]'),
        ({}, 'LogGroupName NOT IN ["target"'),
        ({}, "LogGroupName NOT IN [5]"),
        ({}, 'LogGroupName NOT IN ["target", "\\ud800"]'),
        ({}, 'LogGroupNamePrefix NOT IN ["target"]'),
        ({}, 'LogGroupName NOT IN ["target", "' + "x" * 25_600 + '"]'),
        ({"FilterPattern": "{ $.a"}, 'LogGroupName NOT IN ["target"]'),
        ({"Distribution": "Even"}, 'LogGroupName NOT IN ["target"]'),
        ({"FilterPattern": "\ud800"}, 'LogGroupName NOT IN ["target"]'),
        ({"Surprise": 1}, 'LogGroupName NOT IN ["target"]'),
        ({"RoleArn": "nobody"}, 'LogGroupName NOT IN ["target"]'),
        ({"DestinationArn": "arn:aws:s3:::bucket"}, None),
    ],
)
def test_subscriptions_that_are_refused(logs, running, members, criteria):
    more = {} if criteria is None else {"selectionCriteria": criteria}
    assert (
        code_of(put, logs, SUBSCRIPTION, subscription(running, **members), **more)
        == "InvalidParameterException"
    )
    assert logs.describe_account_policies(policyType=SUBSCRIPTION)["accountPolicies"] == []


@pytest.mark.parametrize(
    ("document", "more"),
    [
        ("{}", {}),
        (protection("ShoeSize"), {}),
        (protection(destination={"CloudWatchLogs": {"LogGroup": "missing"}}), {}),
        (protection(), {"selectionCriteria": 'LogGroupName NOT IN ["g"]'}),
        (protection(), {"dryRun": True}),
        (protection(), {"name": "aws/p"}),
        (protection(), {"name": ""}),
        (protection(), {"scope": "SOME"}),
    ],
)
def test_data_protection_that_is_refused(logs, document, more):
    assert code_of(put, logs, PROTECTION, document, **more) == "InvalidParameterException"
    assert logs.describe_account_policies(policyType=PROTECTION)["accountPolicies"] == []


@pytest.mark.parametrize("kind", UNBUILT)
def test_kinds_that_are_not_built_say_so(logs, kind):
    assert code_of(put, logs, kind, "{}") == "NotImplemented"
    assert code_of(logs.describe_account_policies, policyType=kind) == "NotImplemented"
    assert code_of(logs.delete_account_policy, policyType=kind, policyName="p") == "NotImplemented"


def test_describe_and_delete_by_name(logs, running):
    put(logs, PROTECTION, protection())
    found = logs.describe_account_policies(
        policyType=PROTECTION, policyName="p", accountIdentifiers=[running.account]
    )
    assert [each["policyName"] for each in found["accountPolicies"]] == ["p"]
    missing = {"policyType": PROTECTION, "policyName": "q"}
    for call in (logs.describe_account_policies, logs.delete_account_policy):
        assert code_of(call, **missing) == "ResourceNotFoundException"
    assert (
        code_of(logs.describe_account_policies, policyType=PROTECTION, accountIdentifiers=["999999999999"])
        == "InvalidParameterException"
    )
