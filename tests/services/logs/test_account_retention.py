"""Account policies of the type RETENTION_POLICY, from the API reference: which applies, from when on, and dry runs."""

import json

import pytest
from botocore.exceptions import ClientError

from coldframe.services.logs.jobs import expire_events
from tests.server_fixtures import running_server

KIND = "RETENTION_POLICY"
DAY = 86_400


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("retention") / "data") as server:
        yield server


@pytest.fixture
def logs(served):
    """A client, the groups `app` (of 7 days), `app-b` and `other` without a retention, and no policies."""
    client = served.client("logs")
    for policy in client.describe_account_policies(policyType=KIND)["accountPolicies"]:
        client.delete_account_policy(policyType=KIND, policyName=policy["policyName"])
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    for name in ("app", "app-b", "other"):
        client.create_log_group(logGroupName=name)
        client.create_log_stream(logGroupName=name, logStreamName="s")
    client.put_retention_policy(logGroupName="app", retentionInDays=7)
    return client


def document(days, mode="RETROACTIVE"):
    return json.dumps({"retentionInDays": days, "enforcementMode": mode})


def put(client, name, text, **more):
    return client.put_account_policy(policyName=name, policyType=KIND, policyDocument=text, **more)


def retentions(client):
    groups = client.describe_log_groups()["logGroups"]
    return {
        each["logGroupName"]: (each.get("retentionInDays"), each.get("retentionPolicyName"))
        for each in groups
    }


OWN = {"app": (7, None), "app-b": (None, None), "other": (None, None)}


def test_a_policy_replaces_what_groups_say_a_day_after_it_was_made(served, logs):
    answer = put(logs, "all", document(90))["accountPolicy"]
    assert (answer["policyType"], answer["policyName"]) == (KIND, "all")
    assert retentions(logs) == OWN
    served.clock.advance(DAY - 60)
    assert retentions(logs) == OWN
    served.clock.advance(120)
    assert retentions(logs) == dict.fromkeys(OWN, (90, "all"))
    logs.put_retention_policy(logGroupName="other", retentionInDays=1)
    assert retentions(logs)["other"] == (90, "all")
    logs.delete_account_policy(policyType=KIND, policyName="all")
    assert retentions(logs) == {**OWN, "other": (1, None)}


def test_a_change_takes_a_day_and_what_was_said_before_stays_until_then(served, logs):
    put(logs, "all", document(90))
    served.clock.advance(DAY + 1)
    put(logs, "all", document(30))
    assert retentions(logs)["app"] == (90, "all")
    put(logs, "all", document(60))
    assert retentions(logs)["app"] == (90, "all")
    served.clock.advance(DAY + 1)
    assert retentions(logs)["app"] == (60, "all")


def test_the_longest_of_several_policies_counts(served, logs):
    put(logs, "base", document(30))
    put(logs, "apps", document(365), selectionCriteria='LogGroupNamePrefix IN ["app"]')
    put(logs, "twin", document(30))
    served.clock.advance(DAY + 1)
    assert retentions(logs) == {"app": (365, "apps"), "app-b": (365, "apps"), "other": (30, "base")}
    put(logs, "never", document("NEVER_EXPIRE"), selectionCriteria='LogGroupNamePrefix IN ["app-b"]')
    served.clock.advance(DAY + 1)
    assert retentions(logs)["app-b"] == (None, "never")


def test_a_policy_for_new_groups_leaves_the_others_alone(served, logs):
    put(logs, "new", document(90, "NEW_ONLY"))
    served.clock.advance(DAY + 1)
    logs.create_log_group(logGroupName="later")
    assert retentions(logs) == {**OWN, "later": (90, "new")}


def test_events_are_hidden_and_deleted_as_the_policy_says(served, logs):
    now = served.clock.milliseconds()
    old, young = now - 10 * DAY * 1000, now
    for time, text in ((old, "old"), (young, "young")):
        logs.put_log_events(
            logGroupName="other", logStreamName="s", logEvents=[{"timestamp": time, "message": text}]
        )
    put(logs, "all", document(30))
    served.clock.advance(25 * DAY)

    def messages():
        return [each["message"] for each in logs.filter_log_events(logGroupName="other")["events"]]

    assert messages() == ["young"]
    expire_events(served.installation)
    logs.delete_account_policy(policyType=KIND, policyName="all")
    assert messages() == ["young"]


def test_a_shorter_retention_of_the_group_does_not_delete_what_the_policy_keeps(served, logs):
    logs.put_log_events(
        logGroupName="app",
        logStreamName="s",
        logEvents=[{"timestamp": served.clock.milliseconds(), "message": "kept"}],
    )
    put(logs, "all", document(90))
    served.clock.advance(20 * DAY)
    expire_events(served.installation)
    assert [each["message"] for each in logs.filter_log_events(logGroupName="app")["events"]] == ["kept"]


def test_a_dry_run_says_what_would_change_and_changes_nothing(served, logs):
    logs.put_retention_policy(logGroupName="other", retentionInDays=3653)
    answer = put(logs, "all", document(90), dryRun=True)
    assert "accountPolicy" not in answer
    result = answer["dryRunResult"]
    groups = {
        each["logGroupName"]: (each["currentRetention"], each["proposedRetention"])
        for each in result.pop("topLogGroupsImpacted")
    }
    assert groups == {"app": ("7", "90"), "app-b": ("NEVER_EXPIRE", "90"), "other": ("3653", "90")}
    assert result == {
        "totalMatchedLogGroups": 3,
        "increasedRetentionLogGroupCount": 1,
        "decreasedRetentionLogGroupCount": 2,
        "unchangedRetentionLogGroupCount": 0,
        "failedAnalysisCount": 0,
    }
    assert logs.describe_account_policies(policyType=KIND)["accountPolicies"] == []
    put(logs, "all", document(90))
    served.clock.advance(DAY + 1)
    result = logs.delete_account_policy(policyType=KIND, policyName="all", dryRun=True)["dryRunResult"]
    assert (result["increasedRetentionLogGroupCount"], result["decreasedRetentionLogGroupCount"]) == (2, 1)
    assert retentions(logs)["app"] == (90, "all")


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (document(7), {}),
        (document(91), {}),
        (document("SOMETIMES"), {}),
        (document(90, "OFTEN"), {}),
        (json.dumps({"retentionInDays": 90}), {}),
        (json.dumps({"retentionInDays": 90, "enforcementMode": "NEW_ONLY", "more": 1}), {}),
        ("nonsense", {}),
        (document(90), {"selectionCriteria": 'LogGroupName IN ["app"]'}),
    ],
)
def test_what_is_wrong_is_refused(logs, text, more):
    with pytest.raises(ClientError) as caught:
        put(logs, "p", text, **more)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def test_an_account_has_twenty_of_them(logs):
    for number in range(20):
        put(logs, f"p{number}", document(90))
    with pytest.raises(logs.exceptions.LimitExceededException):
        put(logs, "p20", document(90))
    put(logs, "p19", document(30))
