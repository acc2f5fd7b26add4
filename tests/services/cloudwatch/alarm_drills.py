"""What the tests of alarms share: actions that are written down, and evaluation at the turn of a clock."""

import json

from coldframe.services.cloudwatch.alarm_actions import AlarmActions
from coldframe.services.cloudwatch.alarm_evaluator import AlarmEvaluator

TOPIC = "arn:aws:sns:us-east-1:123456789012:ops"
KINDS = ["CompositeAlarm", "MetricAlarm"]


class RecordedActions(AlarmActions):
    """Writes actions down instead of carrying them out; `fail` makes them fail with that text."""

    def __init__(self, installation):
        super().__init__(installation)
        self.done = []
        self.fail = None

    def carry_out(self, alarm, action, subject, message):
        self.done.append((action, subject, json.loads(message)))
        return {"at": self._installation.clock.milliseconds(), "error": self.fail}


def settle(shared):
    """Wait until no alarm waits for its evaluation and no action for its job."""
    assert shared.installation.parts.get(AlarmEvaluator).idle(10)
    assert shared.assembly.runner.idle(10)


def tick(shared, seconds=0):
    """Let time pass and do what is due then."""
    shared.clock.advance(seconds)
    shared.installation.parts.get(AlarmEvaluator).run_due()
    settle(shared)


def clear(shared, client):
    """Delete all alarms, also those in cycles."""
    while True:
        found = client.describe_alarms(AlarmTypes=KINDS)
        names = [alarm["AlarmName"] for alarm in found["CompositeAlarms"]]
        for name in names:
            client.put_composite_alarm(AlarmName=name, AlarmRule="FALSE")
        for name in names:
            client.delete_alarms(AlarmNames=[name])
        metric = [alarm["AlarmName"] for alarm in found["MetricAlarms"]]
        if metric:
            client.delete_alarms(AlarmNames=metric)
        if not names and not metric:
            break
    settle(shared)


def alarm(client, name="cpu"):
    found = client.describe_alarms(AlarmNames=[name], AlarmTypes=KINDS)
    return (found["MetricAlarms"] + found["CompositeAlarms"])[0]


def state(client, name="cpu"):
    return alarm(client, name)["StateValue"]


def set_state(client, name, value):
    client.set_alarm_state(AlarmName=name, StateValue=value, StateReason="a drill")


def put(client, name="cpu", **changed):
    """Put an alarm on metric Shop/Name; None takes a parameter away."""
    request = {
        "AlarmName": name,
        "Namespace": "Shop",
        "MetricName": name.title(),
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    request |= changed
    client.put_metric_alarm(**{key: value for key, value in request.items() if value is not None})


def code_and_text(caught):
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
