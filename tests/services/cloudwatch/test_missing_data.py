"""The user guide's tables on missing data, each row put as data and judged by alarms of every treatment.

Source: Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data".
"""

import pytest

from tests.services.cloudwatch.alarm_drills import put, set_state, settle, state, tick

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
BEFORE = ("OK", "ALARM", "INSUFFICIENT_DATA")
KEPT = "the state it had"

THREE_OF_THREE = [
    ("0 - X - X", ("OK", "OK", "OK", "OK")),
    ("0 - - - -", ("OK", "OK", "OK", "OK")),
    ("- - - - -", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
    ("0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("- - X - -", ("ALARM", KEPT, "ALARM", "OK")),
]
TWO_OF_THREE = [
    ("0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0 - X - -", ("OK", "OK", "ALARM", "OK")),
    ("- - - - 0", ("OK", "OK", "ALARM", "OK")),
    ("- - - X -", ("ALARM", KEPT, "ALARM", "OK")),
]


def judged(cloudwatch, running, drawn, to_alarm, **alarm):
    """The state after the next evaluation, by treatment and the state before; the newest data point is on the right."""
    metric = f"Row {to_alarm} {drawn}"
    # The evaluation that counts is the one a minute from now.
    end = int(running.clock.seconds() // 60) * 60 + 60
    for ago, mark in enumerate(reversed(drawn.split()), start=1):
        if mark != "-":
            datum = {"MetricName": metric, "Value": {"0": 0.0, "X": 5.0}[mark], "Timestamp": end - 60 * ago}
            cloudwatch.put_metric_data(Namespace=alarm.get("Namespace", "Shop"), MetricData=[datum])
    names = {(treatment, before): f"{treatment} {before}" for treatment in TREATMENTS for before in BEFORE}
    for (treatment, _), name in names.items():
        counts = {"EvaluationPeriods": 3, "DatapointsToAlarm": to_alarm}
        put(cloudwatch, name, MetricName=metric, TreatMissingData=treatment, **counts, **alarm)
    settle(running)
    for (_, before), name in names.items():
        set_state(cloudwatch, name, before)
    tick(running, end - running.clock.seconds())
    return {key: state(cloudwatch, name) for key, name in names.items()}


def meant(expected):
    return {
        (treatment, before): before if wanted == KEPT else wanted
        for treatment, wanted in zip(TREATMENTS, expected, strict=True)
        for before in BEFORE
    }


@pytest.mark.parametrize(("drawn", "expected"), THREE_OF_THREE)
def test_three_out_of_three(cloudwatch, running, drawn, expected):
    assert judged(cloudwatch, running, drawn, 3) == meant(expected)


@pytest.mark.parametrize(("drawn", "expected"), TWO_OF_THREE)
def test_two_out_of_three(cloudwatch, running, drawn, expected):
    assert judged(cloudwatch, running, drawn, 2) == meant(expected)


def test_alarms_on_dynamodb_always_ignore_missing_data(cloudwatch, running):
    found = judged(cloudwatch, running, "- - - - -", 3, Namespace="AWS/DynamoDB")
    assert found == meant((KEPT,) * 4)
