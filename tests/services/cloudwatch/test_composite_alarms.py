"""Composite alarms, the suppression of their actions, and mute rules, from the documentation of their operations."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from coldframe.services.cloudwatch.alarm_actions import AlarmActions
from tests.server_fixtures import running_server
from tests.services.cloudwatch.alarm_drills import (
    TOPIC,
    RecordedActions,
    alarm,
    clear,
    code_and_text,
    put,
    set_state,
    settle,
    state,
    tick,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("cloudwatch")) as running:
        actions = RecordedActions(running.installation)
        running.installation.parts.provide(AlarmActions, lambda: actions)
        running.actions = actions
        yield running


@pytest.fixture
def cloudwatch(shared):
    """A client; its alarms `a` and `b` keep the state they are set to."""
    client = shared.client("cloudwatch")
    for name in "ab":
        put(client, name, TreatMissingData="ignore")
    settle(shared)
    shared.actions.done.clear()
    yield client
    for rule in client.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]:
        client.delete_alarm_mute_rule(AlarmMuteRuleName=rule["AlarmMuteRuleArn"].rpartition(":")[2])
    clear(shared, client)


def told(shared):
    settle(shared)
    found = [(message["AlarmName"], message["NewStateValue"]) for _, _, message in shared.actions.done]
    shared.actions.done.clear()
    return found


def test_its_state_follows_its_children(cloudwatch, shared):
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(a) AND ALARM(b)", AlarmActions=[TOPIC])
    found = alarm(cloudwatch, "both")
    arn = f"arn:aws:cloudwatch:us-east-1:{shared.account}:alarm:"
    assert found["StateValue"] == "OK"
    assert found["StateReason"] == f"{arn}both was created and its alarm rule evaluates to OK"
    cloudwatch.get_waiter("composite_alarm_exists").wait(AlarmNames=["both"], AlarmTypes=["CompositeAlarm"])
    set_state(cloudwatch, "a", "ALARM")
    assert state(cloudwatch, "both") == "OK"
    set_state(cloudwatch, "b", "ALARM")
    found = alarm(cloudwatch, "both")
    assert found["StateValue"] == "ALARM"
    assert found["StateReason"].startswith(f"{arn}b transitioned to ALARM at ")
    triggering = json.loads(found["StateReasonData"])["triggeringAlarms"]
    assert [(each["arn"], each["state"]["value"]) for each in triggering] == [(f"{arn}b", "ALARM")]
    settle(shared)
    [(_, subject, message)] = shared.actions.done
    assert subject == 'ALARM: "both" in US East (N. Virginia)'
    assert message["AlarmRule"] == "ALARM(a) AND ALARM(b)"
    assert message["TriggeringChildren"][0]["State"]["Value"] == "ALARM"
    set_state(cloudwatch, "a", "OK")
    assert state(cloudwatch, "both") == "OK"
    history = cloudwatch.describe_alarm_history(
        AlarmName="both", AlarmTypes=["CompositeAlarm"], HistoryItemType="StateUpdate"
    )
    assert [item["HistorySummary"] for item in history["AlarmHistoryItems"]][:2] == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to ALARM",
    ]


def test_composites_of_composites_by_arn(cloudwatch, shared):
    cloudwatch.put_composite_alarm(AlarmName="one", AlarmRule="NOT OK(a)")
    arn = alarm(cloudwatch, "one")["AlarmArn"]
    cloudwatch.put_composite_alarm(AlarmName="two", AlarmRule=f'ALARM("{arn}") AND ALARM(b)')
    set_state(cloudwatch, "b", "ALARM")
    assert state(cloudwatch, "two") == "ALARM"
    set_state(cloudwatch, "a", "OK")
    assert (state(cloudwatch, "one"), state(cloudwatch, "two")) == ("OK", "OK")


def test_an_update_evaluates_the_new_rule(cloudwatch):
    cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="FALSE")
    cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="TRUE")
    found = alarm(cloudwatch, "c")
    assert found["StateValue"] == "ALARM"
    assert found["StateReason"].endswith("alarm:c was updated and its alarm rule evaluates to ALARM")


def test_a_cycle_can_be_made_is_not_followed_and_has_to_be_broken(cloudwatch):
    cloudwatch.put_composite_alarm(AlarmName="x", AlarmRule="ALARM(a)")
    cloudwatch.put_composite_alarm(AlarmName="y", AlarmRule="ALARM(x)")
    cloudwatch.put_composite_alarm(AlarmName="x", AlarmRule="ALARM(a) OR NOT ALARM(y)")
    set_state(cloudwatch, "a", "ALARM")
    set_state(cloudwatch, "a", "OK")
    for name in "xy":
        with pytest.raises(ClientError) as caught:
            cloudwatch.delete_alarms(AlarmNames=[name])
        assert "depending on it" in code_and_text(caught)[1]
    cloudwatch.put_composite_alarm(AlarmName="x", AlarmRule="FALSE")
    cloudwatch.delete_alarms(AlarmNames=["y"])
    cloudwatch.delete_alarms(AlarmNames=["x"])


def test_two_composite_alarms_are_not_deleted_at_once(cloudwatch):
    for name in "xy":
        cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule="FALSE")
    with pytest.raises(ClientError) as caught:
        cloudwatch.delete_alarms(AlarmNames=["x", "y"])
    assert code_and_text(caught)[0] == "ValidationError"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"AlarmRule": "ALARM(a) AND"}, "AlarmRule"),
        ({"AlarmRule": "ALARM(nobody)"}, "nobody"),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "ec2:stop"),
        ({"ActionsSuppressor": "b"}, "ActionsSuppressorWaitPeriod"),
        ({"ActionsSuppressorWaitPeriod": 1}, "ActionsSuppressor"),
        (
            {
                "ActionsSuppressor": "no",
                "ActionsSuppressorWaitPeriod": 1,
                "ActionsSuppressorExtensionPeriod": 1,
            },
            "no does not exist",
        ),
        ({"AlarmName": "a"}, "another type"),
    ],
)
def test_put_composite_alarm_refuses(cloudwatch, changed, named):
    with pytest.raises(ClientError) as caught:
        cloudwatch.put_composite_alarm(**{"AlarmName": "c", "AlarmRule": "ALARM(a)", **changed})
    code, text = code_and_text(caught)
    assert code == "ValidationError"
    assert named in text


def suppressed(cloudwatch, *, wait=60, extension=120):
    cloudwatch.put_composite_alarm(
        AlarmName="c",
        AlarmRule="ALARM(a)",
        AlarmActions=[TOPIC],
        OKActions=[TOPIC],
        ActionsSuppressor="b",
        ActionsSuppressorWaitPeriod=wait,
        ActionsSuppressorExtensionPeriod=extension,
    )


def test_actions_wait_for_the_suppressor(cloudwatch, shared):
    suppressed(cloudwatch)
    told(shared)
    set_state(cloudwatch, "a", "ALARM")
    found = alarm(cloudwatch, "c")
    assert (found["StateValue"], found["ActionsSuppressedBy"]) == ("ALARM", "WaitPeriod")
    assert found["ActionsSuppressedReason"] == "Actions suppressed by WaitPeriod"
    tick(shared, 30)
    assert told(shared) == []
    tick(shared, 31)
    assert told(shared) == [("c", "ALARM")]
    assert "ActionsSuppressedBy" not in alarm(cloudwatch, "c")


def test_the_suppressor_holds_actions_back_and_a_while_longer(cloudwatch, shared):
    suppressed(cloudwatch)
    told(shared)
    set_state(cloudwatch, "b", "ALARM")
    set_state(cloudwatch, "a", "ALARM")
    assert alarm(cloudwatch, "c")["ActionsSuppressedBy"] == "Alarm"
    tick(shared, 600)
    assert told(shared) == []
    set_state(cloudwatch, "b", "OK")
    assert alarm(cloudwatch, "c")["ActionsSuppressedBy"] == "ExtensionPeriod"
    tick(shared, 119)
    assert told(shared) == []
    tick(shared, 2)
    assert told(shared) == [("c", "ALARM")]


def test_a_suppressor_that_comes_within_the_wait_holds_actions_back(cloudwatch, shared):
    suppressed(cloudwatch)
    told(shared)
    set_state(cloudwatch, "a", "ALARM")
    tick(shared, 59)
    set_state(cloudwatch, "b", "ALARM")
    assert alarm(cloudwatch, "c")["ActionsSuppressedBy"] == "Alarm"
    tick(shared, 600)
    assert told(shared) == []


def test_a_suppressor_without_data_suppresses_nothing_once_the_wait_is_over(cloudwatch, shared):
    suppressed(cloudwatch)
    told(shared)
    set_state(cloudwatch, "b", "INSUFFICIENT_DATA")
    set_state(cloudwatch, "a", "ALARM")
    assert alarm(cloudwatch, "c")["ActionsSuppressedBy"] == "WaitPeriod"
    tick(shared, 61)
    assert told(shared) == [("c", "ALARM")]


def test_a_suppressor_that_comes_back_within_the_extension_goes_on(cloudwatch, shared):
    suppressed(cloudwatch)
    told(shared)
    set_state(cloudwatch, "b", "ALARM")
    set_state(cloudwatch, "a", "ALARM")
    set_state(cloudwatch, "b", "OK")
    tick(shared, 100)
    set_state(cloudwatch, "b", "ALARM")
    tick(shared, 100)
    assert alarm(cloudwatch, "c")["ActionsSuppressedBy"] == "Alarm"
    assert told(shared) == []
    set_state(cloudwatch, "b", "INSUFFICIENT_DATA")
    assert alarm(cloudwatch, "c")["ActionsSuppressedBy"] == "ExtensionPeriod"
    tick(shared, 121)
    assert told(shared) == [("c", "ALARM")]
    assert "ActionsSuppressedBy" not in alarm(cloudwatch, "c")


def test_a_composite_alarm_suppresses_too(cloudwatch, shared):
    cloudwatch.put_composite_alarm(AlarmName="d", AlarmRule="ALARM(b)")
    suppressed(cloudwatch)
    cloudwatch.put_composite_alarm(
        AlarmName="c",
        AlarmRule="ALARM(a)",
        AlarmActions=[TOPIC],
        ActionsSuppressor=alarm(cloudwatch, "d")["AlarmArn"],
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=60,
    )
    told(shared)
    set_state(cloudwatch, "b", "ALARM")
    set_state(cloudwatch, "a", "ALARM")
    settle(shared)
    assert alarm(cloudwatch, "c")["ActionsSuppressedBy"] == "Alarm"
    set_state(cloudwatch, "b", "OK")
    tick(shared, 61)
    assert told(shared) == [("c", "ALARM")]


def test_what_is_over_before_the_suppression_ends_is_never_told(cloudwatch, shared):
    suppressed(cloudwatch)
    assert told(shared) == [("c", "OK")]
    set_state(cloudwatch, "b", "ALARM")
    set_state(cloudwatch, "a", "ALARM")
    set_state(cloudwatch, "a", "OK")
    set_state(cloudwatch, "b", "OK")
    tick(shared, 600)
    assert told(shared) == []


def mute(cloudwatch, clock, *names, name="night", **changed):
    at = datetime.fromtimestamp(clock.seconds(), UTC) - timedelta(minutes=1)
    schedule = {"Expression": f"at({at:%Y-%m-%dT%H:%M})", "Duration": "PT10M", **changed}
    cloudwatch.put_alarm_mute_rule(
        Name=name, Rule={"Schedule": schedule}, MuteTargets={"AlarmNames": list(names)}
    )


def test_a_mute_rule_holds_actions_back_until_its_window_ends(cloudwatch, shared):
    put(cloudwatch, "a", AlarmActions=[TOPIC], TreatMissingData="ignore")
    mute(cloudwatch, shared.clock, "a")
    cloudwatch.get_waiter("alarm_mute_rule_exists").wait(AlarmMuteRuleName="night")
    found = cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="night")
    assert (found["Status"], found["MuteType"]) == ("ACTIVE", "ONE_TIME")
    assert found["MuteTargets"] == {"AlarmNames": ["a"]}
    set_state(cloudwatch, "a", "ALARM")
    assert state(cloudwatch, "a") == "ALARM"
    tick(shared, 300)
    assert told(shared) == []
    tick(shared, 360)
    assert told(shared) == [("a", "ALARM")]
    assert cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="night")["Status"] == "EXPIRED"


def test_deleting_a_mute_rule_unmutes_at_once(cloudwatch, shared):
    put(cloudwatch, "a", AlarmActions=[TOPIC], TreatMissingData="ignore")
    mute(cloudwatch, shared.clock, "a")
    set_state(cloudwatch, "a", "ALARM")
    assert told(shared) == []
    cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="night")
    assert told(shared) == [("a", "ALARM")]
    cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="night")
    with pytest.raises(ClientError) as caught:
        cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="night")
    assert code_and_text(caught)[0] == "ResourceNotFoundException"


def test_mute_rules_are_listed_by_alarm_and_status(cloudwatch, shared):
    mute(cloudwatch, shared.clock, "a", name="one")
    mute(cloudwatch, shared.clock, "a", "b", name="three", Expression="at(2100-01-01T00:00)")
    mute(cloudwatch, shared.clock, "b", name="two", Expression="cron(0 2 1 JAN *)", Duration="PT1M")

    def names(**request):
        found = cloudwatch.list_alarm_mute_rules(**request)["AlarmMuteRuleSummaries"]
        return [rule["AlarmMuteRuleArn"].rpartition(":")[2] for rule in found]

    assert names() == ["one", "three", "two"]
    assert names(AlarmName="b") == ["three", "two"]
    assert names(Statuses=["ACTIVE"]) == ["one"]
    assert names(Statuses=["SCHEDULED"], AlarmName="a") == ["three"]
    assert names(MaxRecords=2) == ["one", "three"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"Expression": "rate(5 minutes)"}, "rate"),
        ({"Expression": "cron(0 2 * *)"}, "five fields"),
        ({"Expression": "cron(60 2 * * *)"}, "minutes"),
        ({"Expression": "cron(0 2 * * FUN)"}, "day of week"),
        ({"Expression": "at(2026-02-30T00:00)"}, "no time"),
        ({"Duration": "P16D"}, "P15D"),
        ({"Duration": "4 hours"}, "ISO 8601"),
        ({"Timezone": "Mars/Olympus"}, "Mars"),
    ],
)
def test_put_alarm_mute_rule_refuses(cloudwatch, shared, changed, named):
    with pytest.raises(ClientError) as caught:
        mute(cloudwatch, shared.clock, "a", **changed)
    assert named in code_and_text(caught)[1]


def test_tags_of_alarms(cloudwatch):
    put(cloudwatch, "tagged", Tags=[{"Key": "team", "Value": "a"}])
    arn = alarm(cloudwatch, "tagged")["AlarmArn"]
    cloudwatch.tag_resource(
        ResourceARN=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "env", "Value": "x"}]
    )
    put(cloudwatch, "tagged", Tags=[{"Key": "ignored", "Value": "y"}])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "team", "Value": "b"},
        {"Key": "env", "Value": "x"},
    ]
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["team", "none"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "env", "Value": "x"}]
    # Seen at AWS: an alarm that was deleted has no tags, and that is no error.
    assert cloudwatch.list_tags_for_resource(ResourceARN=f"{arn}x")["Tags"] == []
    for ask, code in (
        (
            lambda: cloudwatch.untag_resource(ResourceARN=f"{arn}x", TagKeys=["a"]),
            "ResourceNotFoundException",
        ),
        (lambda: cloudwatch.list_tags_for_resource(ResourceARN="team"), "InvalidParameterValue"),
    ):
        with pytest.raises(ClientError) as caught:
            ask()
        assert code_and_text(caught)[0] == code
