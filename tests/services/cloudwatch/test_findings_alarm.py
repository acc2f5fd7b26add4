"""The alarm that a masking policy is for: sensitive data in a log group, counted by its audit, raises it."""

import json

from coldframe.core.offers import MetricSink
from tests.services.cloudwatch.alarm_drills import alarm, put, settle, state, tick

EMAIL = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
POLICY = {
    "Name": "p",
    "Version": "2021-06-01",
    "Statement": [
        {"Sid": "audit", "DataIdentifier": EMAIL, "Operation": {"Audit": {"FindingsDestination": {}}}},
        {"Sid": "mask", "DataIdentifier": EMAIL, "Operation": {"Deidentify": {"MaskConfig": {}}}},
    ],
}


def test_an_event_with_findings_raises_the_alarm(running):
    cloudwatch, logs = running.client("cloudwatch"), running.client("logs")
    logs.create_log_group(logGroupName="/shop")
    logs.create_log_stream(logGroupName="/shop", logStreamName="s")
    logs.put_data_protection_policy(logGroupIdentifier="/shop", policyDocument=json.dumps(POLICY))
    put(
        cloudwatch,
        "findings",
        Namespace="AWS/Logs",
        MetricName="LogEventsWithFindings",
        Dimensions=[{"Name": "LogGroupName", "Value": "/shop"}],
        Statistic="Sum",
        Threshold=0.0,
        TreatMissingData="notBreaching",
    )

    tick(running, 5)

    def log(message):
        event = {"timestamp": running.clock.milliseconds(), "message": message}
        logs.put_log_events(logGroupName="/shop", logStreamName="s", logEvents=[event])
        running.installation.parts.get(MetricSink).flush()
        settle(running)

    log("nothing to see")
    assert state(cloudwatch, "findings") == "OK"
    log("mail from anna.schmidt@example.com")
    found = alarm(cloudwatch, "findings")
    assert found["StateValue"] == "ALARM"
    assert found["StateReason"].startswith("Threshold Crossed: 1 datapoint [1.0 (")
    assert found["StateReason"].endswith(")] was greater than the threshold (0.0).")
