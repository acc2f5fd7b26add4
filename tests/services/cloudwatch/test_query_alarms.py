"""Alarms on expressions and on Metrics Insights queries: what is refused when put, and series that are judged one by one."""

import pytest
from botocore.exceptions import ClientError

from tests.services.cloudwatch.alarm_drills import alarm, code_and_text, put, state, tick

SERIES = "The expression must return a single time series, but it returns several"
REFUSED = {
    "m1 +": "Unexpected end of expression",
    "nosuch(m1)": "Undefined function 'nosuch' in the expression",
    "m9 * 2": "Undefined variable 'm9' in the expression",
    "e1 + 1": "The expression refers to itself",
    "AVG(m1)": "The expression must return a time series, but it returns a 'Scalar'",
    "METRICS()": SERIES,
    "ANOMALY_DETECTION_BAND(m1)": SERIES,
    "ANOMALY_DETECTION_BAND(SUM(METRICS()))": "Anomaly detection does not take an expression with METRICS",
    "SEARCH('{Shop} Load', 'Sum', 60)": "SEARCH is not supported on Metric Alarms.",
    "SUM(SEARCH('{Shop} Load', 'Sum', 60))": "SEARCH is not supported on Metric Alarms.",
    "SELECT MEDIAN(Load) FROM Shop": "there is MEDIAN, where something else is expected",
}
GROUPED = "SELECT MAX(Load) FROM SCHEMA(Shop, Host, Zone) GROUP BY Host, Zone"


def put_query(cloudwatch, expression, *more, **changed):
    metric = {
        "Id": "m1",
        "MetricStat": {
            "Metric": {"Namespace": "Shop", "MetricName": "Load"},
            "Period": 60,
            "Stat": "Average",
        },
        "ReturnData": False,
    }
    asked = {"Id": "e1", "Expression": expression, "Period": 60}
    alone = expression.startswith("SELECT")
    one = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))
    put(cloudwatch, Metrics=[asked, *more] if alone else [metric, asked, *more], **one, **changed)


@pytest.mark.parametrize("expression", REFUSED)
def test_an_expression_that_gives_nothing_to_watch_is_refused(cloudwatch, expression):
    with pytest.raises(ClientError) as caught:
        put_query(cloudwatch, expression)
    wanted = f"Error in expression 'e1' [{REFUSED[expression]}]"
    assert code_and_text(caught) == ("ValidationError", wanted)


@pytest.mark.parametrize("expression", ["m1 * 2", "IF(m1 > 5, 1, 0)", "MAX([m1, TIME_SERIES(3)])", GROUPED])
def test_an_expression_that_gives_series_is_taken(cloudwatch, expression):
    put_query(cloudwatch, expression)
    assert alarm(cloudwatch)["Metrics"][-1]["Expression"] == expression


def test_what_else_is_refused(cloudwatch):
    again = {"Id": "q2", "Expression": "SELECT SUM(Load) FROM Shop", "Period": 60, "ReturnData": False}
    with pytest.raises(ClientError, match="only one Metrics Insights query"):
        put_query(cloudwatch, "SELECT SUM(Load) FROM Shop", again)
    with pytest.raises(ClientError, match="The value nan for parameter Threshold is not a number"):
        put(cloudwatch, Threshold=float("nan"))


def loads(cloudwatch, running, **values):
    """Put the hosts' loads of the minute that is over next."""
    at = int(running.clock.seconds() // 60) * 60
    data = [
        {
            "MetricName": "Load",
            "Value": value,
            "Timestamp": at,
            "Dimensions": [{"Name": "Host", "Value": host}, {"Name": "Zone", "Value": "z"}],
        }
        for host, value in values.items()
    ]
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
    tick(running, 60)


def contributors(cloudwatch):
    found = cloudwatch.describe_alarm_contributors(AlarmName="cpu")["AlarmContributors"]
    return {each["ContributorAttributes"]["Host"]: each for each in found}


def test_each_series_of_a_query_is_judged_on_its_own(cloudwatch, running):
    put_query(cloudwatch, GROUPED, EvaluationPeriods=1, Threshold=50)
    # The last series is fine, which must not hide that the first one is not.
    loads(cloudwatch, running, a=90, b=10, c=10)
    assert state(cloudwatch) == "ALARM"
    reason = alarm(cloudwatch)["StateReason"]
    assert reason.startswith("1 of 3 contributors is in ALARM. Threshold Crossed: 1 datapoint [90.0 (")
    first = contributors(cloudwatch)["a"]
    assert first["ContributorAttributes"] == {"Host": "a", "Zone": "z"}
    assert first["StateReason"].startswith("Threshold Crossed: 1 datapoint [90.0 (")

    loads(cloudwatch, running, a=90, b=95, c=10)
    assert state(cloudwatch) == "ALARM"
    both = contributors(cloudwatch)
    assert both.keys() == {"a", "b"}
    assert both["a"]["StateTransitionedTimestamp"] == first["StateTransitionedTimestamp"]
    assert both["b"]["StateTransitionedTimestamp"] > first["StateTransitionedTimestamp"]
    assert both["a"]["ContributorId"] == first["ContributorId"] != both["b"]["ContributorId"]
    assert alarm(cloudwatch)["StateReason"].startswith("2 of 3 contributors are in ALARM.")

    loads(cloudwatch, running, a=1, b=1, c=1)
    assert state(cloudwatch) == "OK"
    assert contributors(cloudwatch) == {}
    history = cloudwatch.describe_alarm_history(AlarmName="cpu", HistoryItemType="StateUpdate")
    assert [item["HistorySummary"] for item in history["AlarmHistoryItems"]] == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
    ]
    items = cloudwatch.describe_alarm_history(
        AlarmName="cpu", HistoryItemType="AlarmContributorStateUpdate", ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    assert {(item["AlarmContributorAttributes"]["Host"], item["HistorySummary"]) for item in items} == {
        (host, f"Alarm contributor updated from {change}")
        for host in "ab"
        for change in ("OK to ALARM", "ALARM to OK")
    }
    assert len(items) == 4
    of_one = cloudwatch.describe_alarm_history(AlarmName="cpu", AlarmContributorId=first["ContributorId"])
    assert {item["AlarmContributorAttributes"]["Host"] for item in of_one["AlarmHistoryItems"]} == {"a"}
    assert len(of_one["AlarmHistoryItems"]) == 2


def test_alarms_on_one_series_have_no_contributors(cloudwatch, running):
    put_query(cloudwatch, "SELECT MAX(Load) FROM Shop", Threshold=50)
    loads(cloudwatch, running, a=90, b=10)
    assert state(cloudwatch) == "ALARM"
    assert contributors(cloudwatch) == {}
    with pytest.raises(ClientError) as caught:
        cloudwatch.describe_alarm_contributors(AlarmName="nobody")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
