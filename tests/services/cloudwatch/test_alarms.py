"""Metric alarms through the API: put, evaluation by data and by the clock, states, actions, listing, history."""

import json
import time
from datetime import datetime, timedelta

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
    client = shared.client("cloudwatch")
    shared.actions.done.clear()
    shared.actions.fail = None
    yield client
    clear(shared, client)


def test_a_new_alarm_is_in_insufficient_data(cloudwatch, shared):
    put(cloudwatch, AlarmDescription="too hot", AlarmActions=[TOPIC], DatapointsToAlarm=1)
    found = alarm(cloudwatch)
    assert found["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:{shared.account}:alarm:cpu"
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert found["ActionsEnabled"] is True
    assert (found["AlarmActions"], found["OKActions"], found["Dimensions"]) == ([TOPIC], [], [])
    assert found["StateReason"] == "Unchecked: Initial alarm creation"
    assert "StateReasonData" not in found
    tick(shared, 4)
    assert alarm(cloudwatch)["StateReason"] == "Unchecked: Initial alarm creation"
    tick(shared, 2)
    assert alarm(cloudwatch)["StateReason"] == "Insufficient Data: 1 datapoint was unknown."
    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=["cpu"])


def test_data_raises_the_alarm_at_once_and_the_end_of_the_period_ends_it(cloudwatch, shared):
    put(
        cloudwatch,
        "errors",
        Statistic="Sum",
        DatapointsToAlarm=1,
        AlarmActions=[TOPIC],
        TreatMissingData="notBreaching",
    )
    tick(shared, 5)
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "Errors", "Value": 5}])
    settle(shared)
    found = alarm(cloudwatch, "errors")
    assert found["StateValue"] == "ALARM"
    assert found["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [5.0 (")
    assert found["StateReason"].endswith(
        "was greater than the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    data = json.loads(found["StateReasonData"])
    assert (data["statistic"], data["period"], data["recentDatapoints"]) == ("Sum", 60, [5.0])
    assert data["evaluatedDatapoints"][0]["sampleCount"] == 1.0
    [(action, subject, message)] = shared.actions.done
    assert (action, subject) == (TOPIC, 'ALARM: "errors" in US East (N. Virginia)')
    assert message["ActionExecutedAfterMuteWindow"] is False
    assert message["AlarmName"] == "errors"
    assert (message["OldStateValue"], message["NewStateValue"]) == ("OK", "ALARM")
    assert message["NewStateReason"] == found["StateReason"]
    assert (message["AWSAccountId"], message["Region"]) == (shared.account, "US East (N. Virginia)")
    assert message["Trigger"]["Statistic"] == "SUM"
    assert message["Trigger"]["Threshold"] == 1.0
    tick(shared, 60 * 5)
    assert state(cloudwatch, "errors") == "OK"


def test_a_sum_that_more_data_may_raise_is_not_too_low_before_the_period_ends(cloudwatch, shared):
    put(cloudwatch, "orders", Statistic="Sum", ComparisonOperator="LessThanThreshold", Threshold=10)
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "Orders", "Value": 5}])
    settle(shared)
    assert state(cloudwatch, "orders") == "INSUFFICIENT_DATA"
    tick(shared, 60)
    assert state(cloudwatch, "orders") == "ALARM"


def test_dimensions_and_units_select_the_metric(cloudwatch, shared):
    put(cloudwatch, "load", Dimensions=[{"Name": "Host", "Value": "a"}], Unit="Percent", Statistic="Maximum")
    for dimensions, unit in ([], "Percent"), ([{"Name": "Host", "Value": "a"}], "Count"):
        datum = {"MetricName": "Load", "Value": 5, "Dimensions": dimensions, "Unit": unit}
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    settle(shared)
    assert state(cloudwatch, "load") == "INSUFFICIENT_DATA"
    datum = {
        "MetricName": "Load",
        "Value": 5,
        "Dimensions": [{"Name": "Host", "Value": "a"}],
        "Unit": "Percent",
    }
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    settle(shared)
    assert state(cloudwatch, "load") == "ALARM"


def test_a_percentile_of_few_samples_can_be_ignored(cloudwatch, shared):
    put(
        cloudwatch, "slow", Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile="ignore"
    )
    put(cloudwatch, "slower", MetricName="Slow", Statistic=None, ExtendedStatistic="p99")
    cloudwatch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Slow", "Values": [5.0], "Counts": [999]}]
    )
    settle(shared)
    assert (state(cloudwatch, "slow"), state(cloudwatch, "slower")) == ("INSUFFICIENT_DATA", "ALARM")
    cloudwatch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Slow", "Values": [5.0], "Counts": [2]}]
    )
    settle(shared)
    assert state(cloudwatch, "slow") == "ALARM"


def test_two_out_of_three(cloudwatch, shared):
    put(cloudwatch, "queue", Statistic="Maximum", EvaluationPeriods=3, DatapointsToAlarm=2)
    now = shared.clock.seconds()
    for ago, value in (240, 0), (180, 5), (120, 0):
        datum = {"MetricName": "Queue", "Value": value, "Timestamp": now - ago}
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    settle(shared)
    assert state(cloudwatch, "queue") == "OK"
    cloudwatch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Queue", "Value": 7, "Timestamp": now - 60}]
    )
    settle(shared)
    found = alarm(cloudwatch, "queue")
    assert found["StateValue"] == "ALARM"
    assert "2 out of the last 3 datapoints [7.0 (" in found["StateReason"]


def test_set_alarm_state_lasts_until_the_next_evaluation(cloudwatch, shared):
    put(cloudwatch, OKActions=[TOPIC], AlarmActions=[TOPIC])
    settle(shared)
    cloudwatch.set_alarm_state(
        AlarmName="cpu", StateValue="ALARM", StateReason="a drill", StateReasonData='{"a":1}'
    )
    found = alarm(cloudwatch)
    assert (found["StateValue"], found["StateReason"], found["StateReasonData"]) == (
        "ALARM",
        "a drill",
        '{"a":1}',
    )
    settle(shared)
    assert [message["NewStateReason"] for _, _, message in shared.actions.done] == ["a drill"]
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="again")
    settle(shared)
    assert len(shared.actions.done) == 1, "the state did not change"
    tick(shared, 60)
    assert state(cloudwatch) == "INSUFFICIENT_DATA"


def test_set_alarm_state_refuses(cloudwatch):
    with pytest.raises(ClientError) as caught:
        cloudwatch.set_alarm_state(AlarmName="nobody", StateValue="OK", StateReason="x")
    assert code_and_text(caught) == ("ResourceNotFound", "")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    put(cloudwatch)
    with pytest.raises(ClientError) as caught:
        cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="OK", StateReason="x", StateReasonData="{")
    assert code_and_text(caught)[0] == "InvalidFormat"
    with pytest.raises(ClientError) as caught:
        cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="FINE", StateReason="x")
    code, text = code_and_text(caught)
    assert code == "ValidationError"
    assert text.endswith("Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]")


def test_disabled_actions_are_not_carried_out(cloudwatch, shared):
    put(cloudwatch, AlarmActions=[TOPIC])
    cloudwatch.disable_alarm_actions(AlarmNames=["cpu", "nobody"])
    assert alarm(cloudwatch)["ActionsEnabled"] is False
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="quiet")
    settle(shared)
    assert shared.actions.done == []
    cloudwatch.enable_alarm_actions(AlarmNames=["cpu"])
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="OK", StateReason="x")
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="loud")
    settle(shared)
    assert [message["NewStateReason"] for _, _, message in shared.actions.done] == ["loud"]


def test_an_update_keeps_the_state_and_overwrites_the_configuration(cloudwatch, shared):
    put(cloudwatch, AlarmDescription="old", Tags=[{"Key": "team", "Value": "a"}])
    settle(shared)
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="OK", StateReason="x")
    put(cloudwatch, Threshold=9.0, TreatMissingData="ignore", Tags=[{"Key": "other", "Value": "b"}])
    settle(shared)
    found = alarm(cloudwatch)
    assert (found["StateValue"], found["Threshold"]) == ("OK", 9.0)
    assert "AlarmDescription" not in found


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"Statistic": None}, "Statistic or ExtendedStatistic"),
        ({"ExtendedStatistic": "p99"}, "Statistic or ExtendedStatistic"),
        ({"Period": 15}, "10, 20, 30 or a multiple of 60"),
        ({"Period": 90}, "10, 20, 30 or a multiple of 60"),
        ({"Period": None}, "Period"),
        ({"Namespace": None}, "Namespace"),
        ({"MetricName": None}, "MetricName, Metrics"),
        ({"Threshold": None}, "Threshold"),
        ({"EvaluationPeriods": None}, "EvaluationPeriods"),
        ({"Period": 60, "EvaluationPeriods": 1441}, "86400"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "604800"),
        ({"DatapointsToAlarm": 2}, "DatapointsToAlarm"),
        (
            {"TreatMissingData": "shrug"},
            "Option shrug is not supported. Supported options for parameter TreatMissingData are breaching,",
        ),
        (
            {"Statistic": None, "ExtendedStatistic": "p9", "EvaluateLowSampleCountPercentile": "x"},
            "Supported options for parameter EvaluateLowSampleCountPercentile are evaluate and ignore.",
        ),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "percentiles"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ThresholdMetricId"),
        ({"AlarmActions": ["arn:aws:sns:us-east-1:12:x"]}, "arn:aws:sns:us-east-1:12:x"),
        ({"OKActions": ["page me"]}, "page me"),
        ({"Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}, "once"),
    ],
)
def test_put_metric_alarm_refuses(cloudwatch, changed, named):
    with pytest.raises(ClientError) as caught:
        put(cloudwatch, **changed)
    code, text = code_and_text(caught)
    assert code == "ValidationError"
    assert named in text


@pytest.mark.parametrize("statistic", ["p101", "median", "90"])
def test_a_statistic_that_is_none_has_a_code_of_its_own(cloudwatch, statistic):
    with pytest.raises(ClientError) as caught:
        put(cloudwatch, Statistic=None, ExtendedStatistic=statistic)
    words = f"The value {statistic} for parameter ExtendedStatistic is not supported."
    assert code_and_text(caught) == ("InvalidParameterValue", words)


@pytest.mark.parametrize(
    "changed", [{"Period": 3600, "EvaluationPeriods": 168}, {"EvaluationPeriods": 1440}, {"Period": 10}]
)
def test_the_longest_and_shortest_times(cloudwatch, changed):
    put(cloudwatch, **changed)


def query(id_, expression=None, *, returned=False, name="Cpu", **more):
    if expression is not None:
        return {"Id": id_, "Expression": expression, "ReturnData": returned, **more}
    stat = {"Metric": {"Namespace": "Shop", "MetricName": name}, "Period": 60, "Stat": "Sum"}
    return {"Id": id_, "MetricStat": stat, "ReturnData": returned, **more}


MATH = {"Namespace": None, "MetricName": None, "Statistic": None, "Period": None}


@pytest.mark.parametrize(
    ("metrics", "named"),
    [
        ([query("a"), query("e", "a*2")], "Exactly one element"),
        ([query("a", returned=True), query("e", "a*2", returned=True)], "Exactly one element"),
        ([query("a", returned=True), query("a")], "unique"),
        ([query("A", returned=True)], "lowercase"),
        ([{"Id": "a", "ReturnData": True}], "MetricStat or Expression"),
        ([query(f"m{n}") for n in range(11)] + [query("e", "m1", returned=True)], "at most 10"),
    ],
)
def test_metric_math_alarms_refuse(cloudwatch, metrics, named):
    with pytest.raises(ClientError) as caught:
        put(cloudwatch, **MATH, Metrics=metrics)
    assert named in code_and_text(caught)[1]


def test_metrics_go_without_the_parameters_of_one_metric(cloudwatch):
    with pytest.raises(ClientError) as caught:
        put(cloudwatch, Metrics=[query("a", returned=True)])
    assert "cannot be specified together with Metrics" in code_and_text(caught)[1]


def test_periods_without_any_data_are_told_by_their_times(cloudwatch, shared):
    put(cloudwatch, "gone", EvaluationPeriods=2, TreatMissingData="breaching")
    tick(shared, 120)
    found = alarm(cloudwatch, "gone")
    assert found["StateValue"] == "ALARM"
    seen = json.loads(found["StateReasonData"])["evaluatedDatapoints"]
    times = [datetime.strptime(each.pop("timestamp"), "%Y-%m-%dT%H:%M:%S.%f%z") for each in seen]
    assert seen == [{}, {}], "there is no value and no count of samples"
    # Two periods of a minute that follow each other, the newest first and over.
    assert times[0] - times[1] == timedelta(minutes=1)
    assert times[0].timestamp() + 60 <= shared.clock.seconds()


def test_an_alarm_on_metric_math(cloudwatch, shared):
    metrics = [
        query("errors", name="Failures"),
        query("all", name="Requests"),
        query("rate", "100*errors/all", returned=True, Label="error rate"),
    ]
    put(cloudwatch, "rate", **MATH, Metrics=metrics, Threshold=10.0)
    settle(shared)
    assert state(cloudwatch, "rate") == "INSUFFICIENT_DATA"
    shared.actions.done.clear()
    data = [{"MetricName": "Failures", "Value": 3}, {"MetricName": "Requests", "Value": 20}]
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
    tick(shared, 60)
    found = alarm(cloudwatch, "rate")
    assert (found["StateValue"], found["Metrics"][2]["Label"]) == ("ALARM", "error rate")
    assert found["StateReason"].startswith("Threshold Crossed: 1 datapoint [15.0 (")
    assert found["StateReason"].endswith(")] was greater than the threshold (10.0).")


GONE = "a * INSIGHT_RULE_METRIC('nobody', 'UniqueContributors')"


def test_an_expression_that_fails_is_said(cloudwatch, shared):
    put(cloudwatch, "wrong", **MATH, Metrics=[query("a"), query("e", GONE, returned=True)])
    tick(shared, 5)
    found = alarm(cloudwatch, "wrong")
    assert (found["StateValue"], found["EvaluationState"]) == ("INSUFFICIENT_DATA", "EVALUATION_ERROR")
    assert "nobody" in found["StateReason"]


@pytest.mark.parametrize("only_after", [True, False])
def test_a_warm_up_delays_the_evaluation(cloudwatch, shared, only_after):
    warm_up = {"WarmUpPeriodDurationInMinutes": 10, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": only_after}
    name = f"warm{only_after}"
    put(cloudwatch, name, WarmUpConfiguration=warm_up, TreatMissingData="breaching")
    tick(shared, 120)
    found = alarm(cloudwatch, name)
    assert (found["StateValue"], found["EvaluationState"]) == ("INSUFFICIENT_DATA", "IN_WARM_UP")
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": name.title(), "Value": 0}])
    settle(shared)
    assert state(cloudwatch, name) == ("INSUFFICIENT_DATA" if only_after else "OK")
    tick(shared, 600)
    assert state(cloudwatch, name) == "ALARM"
    assert "EvaluationState" not in alarm(cloudwatch, name)


def test_describe_alarms_filters(cloudwatch, shared):
    other = "arn:aws:lambda:us-east-1:123456789012:function:heal"
    put(cloudwatch, "web-1", AlarmActions=[TOPIC])
    put(cloudwatch, "web-2", OKActions=[other])
    put(cloudwatch, "db")
    cloudwatch.put_composite_alarm(AlarmName="web-all", AlarmRule="ALARM(web-1) OR ALARM(web-2)")
    settle(shared)
    cloudwatch.set_alarm_state(AlarmName="web-2", StateValue="OK", StateReason="x")

    def names(**request):
        found = cloudwatch.describe_alarms(**request)
        return [[each["AlarmName"] for each in found[kind]] for kind in ("MetricAlarms", "CompositeAlarms")]

    assert names() == [["db", "web-1", "web-2"], []]
    assert names(AlarmTypes=["CompositeAlarm"]) == [[], ["web-all"]]
    assert names(AlarmTypes=["CompositeAlarm", "MetricAlarm"]) == [["db", "web-1", "web-2"], ["web-all"]]
    assert names(AlarmNamePrefix="web") == [["web-1", "web-2"], []]
    assert names(AlarmNames=["db", "nobody"]) == [["db"], []]
    assert names(StateValue="OK") == [["web-2"], []]
    assert names(ActionPrefix="arn:aws:lambda") == [["web-2"], []]
    assert names(ActionPrefix=TOPIC) == [["web-1"], []]
    assert names(ChildrenOfAlarmName="web-all") == [["web-1", "web-2"], []]
    assert names(ParentsOfAlarmName="web-1") == [[], ["web-all"]]
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName="web-all")["MetricAlarms"]
    assert set(children[0]) == {"AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp"}
    with pytest.raises(ClientError):
        cloudwatch.describe_alarms(AlarmNames=["db"], AlarmNamePrefix="d")
    with pytest.raises(ClientError):
        cloudwatch.describe_alarms(ChildrenOfAlarmName="web-all", StateValue="OK")


def test_describe_alarms_page_by_page(cloudwatch):
    for number in range(7):
        put(cloudwatch, f"a{number}", AlarmActions=[TOPIC] if number % 2 else [])
    pages = cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 3})
    found = [[each["AlarmName"] for each in page["MetricAlarms"]] for page in pages]
    assert found == [["a0", "a1", "a2"], ["a3", "a4", "a5"], ["a6"]]
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        ActionPrefix="arn:aws:sns", PaginationConfig={"PageSize": 2}
    )
    assert [[each["AlarmName"] for each in page["MetricAlarms"]] for page in pages] == [["a1", "a3"], ["a5"]]
    with pytest.raises(ClientError) as caught:
        cloudwatch.describe_alarms(NextToken="nonsense")
    assert code_and_text(caught)[0] == "InvalidNextToken"


def test_describe_alarms_for_metric(cloudwatch):
    host = [{"Name": "Host", "Value": "a"}]
    put(cloudwatch, "one", MetricName="Load")
    put(cloudwatch, "two", MetricName="Load", Dimensions=host)
    put(cloudwatch, "three", MetricName="Load", Statistic="Sum", Period=300)

    def names(**request):
        found = cloudwatch.describe_alarms_for_metric(Namespace="Shop", MetricName="Load", **request)
        return [each["AlarmName"] for each in found["MetricAlarms"]]

    assert names() == ["one", "three"]
    assert names(Dimensions=host) == ["two"]
    assert names(Statistic="Sum") == ["three"]
    assert names(Period=60) == ["one"]


def test_delete_alarms(cloudwatch):
    put(cloudwatch, "one")
    put(cloudwatch, "two")
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(one) AND ALARM(two)")
    with pytest.raises(ClientError) as caught:
        cloudwatch.delete_alarms(AlarmNames=["one"])
    assert "composite alarm(s) depending on it" in code_and_text(caught)[1]
    cloudwatch.delete_alarms(AlarmNames=["both", "one", "nobody"])
    found = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert [each["AlarmName"] for each in found["MetricAlarms"] + found["CompositeAlarms"]] == ["two"]
    with pytest.raises(ClientError) as caught:
        cloudwatch.delete_alarms(AlarmNames=["nobody"])
    assert code_and_text(caught)[0] == "ResourceNotFound"


def test_the_history_of_an_alarm(cloudwatch, shared):
    name = f"history {time.time()}"
    put(cloudwatch, name, AlarmActions=[TOPIC], TreatMissingData="ignore")
    settle(shared)
    began = shared.clock.seconds()
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="fine")
    shared.clock.advance(1)
    shared.actions.fail = "no such topic"
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    settle(shared)
    shared.clock.advance(1)
    put(cloudwatch, name, Threshold=2.0, TreatMissingData="ignore")
    shared.clock.advance(1)
    cloudwatch.delete_alarms(AlarmNames=[name])
    items = cloudwatch.describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in items] == [
        "ConfigurationUpdate",
        "ConfigurationUpdate",
        "Action",
        "StateUpdate",
        "StateUpdate",
        "ConfigurationUpdate",
    ]
    assert [item["HistorySummary"] for item in items] == [
        f'Alarm "{name}" deleted',
        f'Alarm "{name}" updated',
        f'Failed to execute action {TOPIC}. Received error: "no such topic"',
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
        f'Alarm "{name}" created',
    ]
    state_update = json.loads(items[3]["HistoryData"])
    assert state_update["oldState"] == {"stateValue": "OK", "stateReason": "fine"}
    assert state_update["newState"] == {"stateValue": "ALARM", "stateReason": "a drill"}
    assert json.loads(items[5]["HistoryData"])["createdAlarm"]["threshold"] == 1.0
    action = json.loads(items[2]["HistoryData"])
    assert (action["actionState"], action["notificationResource"]) == ("Failed", TOPIC)

    def types(**request):
        found = cloudwatch.describe_alarm_history(AlarmName=name, **request)["AlarmHistoryItems"]
        return [item["HistorySummary"] for item in found]

    assert types(HistoryItemType="StateUpdate", ScanBy="TimestampAscending") == [
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
    ]
    assert types(StartDate=began + 1, HistoryItemType="StateUpdate") == ["Alarm updated from OK to ALARM"]
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName=name, PaginationConfig={"PageSize": 4}
    )
    assert [len(page["AlarmHistoryItems"]) for page in pages] == [4, 2]


def test_an_action_of_what_is_not_built_fails_in_the_history(cloudwatch, shared):
    real = AlarmActions(shared.installation)
    heal = "arn:aws:lambda:us-east-1:123456789012:function:heal"
    assert (
        real.carry_out(f"arn:aws:cloudwatch:us-east-1:{shared.account}:alarm:cpu", heal, "s", "{}")["error"]
        == "Actions of lambda are not built here"
    )


def test_policies_name_alarms(cloudwatch, shared):
    iam = shared.client("iam")
    iam.create_user(UserName="eve")
    allow = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "cloudwatch:*",
                "Resource": f"arn:aws:cloudwatch:*:{shared.account}:alarm:web-*",
            }
        ],
    }
    iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps(allow))
    key = iam.create_access_key(UserName="eve")["AccessKey"]
    eve = shared.client(
        "cloudwatch", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    put(eve, "web-1")
    eve.disable_alarm_actions(AlarmNames=["web-1"])
    for refused in (lambda: put(eve, "db"), lambda: eve.delete_alarms(AlarmNames=["web-1", "db"])):
        with pytest.raises(ClientError) as caught:
            refused()
        assert "AccessDenied" in code_and_text(caught)[0]
