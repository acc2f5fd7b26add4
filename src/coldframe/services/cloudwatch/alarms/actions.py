"""What an alarm may do when its state changes: which ARNs are actions, and of which kind."""

import re
from collections.abc import Mapping
from typing import Any

from coldframe.services.cloudwatch.alarms.faults import invalid

OF_STATE = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}

_PLACE = r"arn:aws(?:-cn|-us-gov)?"
_KINDS: dict[str, re.Pattern[str]] = {
    "sns": re.compile(rf"{_PLACE}:sns:[a-z0-9-]+:\d{{12}}:[A-Za-z0-9_.-]{{1,256}}"),
    "lambda": re.compile(
        rf"{_PLACE}:lambda:[a-z0-9-]+:\d{{12}}:function:[A-Za-z0-9_-]+(?::[A-Za-z0-9_$-]+)?"
    ),
    "ec2": re.compile(
        rf"{_PLACE}:automate:[a-z0-9-]+:ec2:(?:stop|terminate|reboot|recover)"
        rf"|{_PLACE}:swf:[a-z0-9-]+:\d{{12}}:action/actions/AWS_EC2\.InstanceId\.(?:Stop|Terminate|Reboot|Recover)/1\.0"
    ),
    "autoscaling": re.compile(rf"{_PLACE}:autoscaling:[a-z0-9-]+:\d{{12}}:scalingPolicy:\S+"),
    "ssm": re.compile(
        rf"{_PLACE}:ssm:[a-z0-9-]+:\d{{12}}:opsitem:[1-4](?:#CATEGORY=\S+)?"
        rf"|{_PLACE}:ssm-incidents::\d{{12}}:response-?plan[:/]\S+"
    ),
    "aiops": re.compile(rf"{_PLACE}:aiops:[a-z0-9-]+:\d{{12}}:investigation-group[:/]\S+"),
}
_METRIC_ONLY = frozenset({"ec2", "autoscaling"})


def kind_of(arn: str) -> str | None:
    """Return the service that carries an action out, None for an ARN that is no action."""
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(arn)), None)


def check(configuration: Mapping[str, Any], *, composite: bool) -> None:
    """Raise ValidationError for an action that an alarm of this kind cannot have."""
    for state, member in OF_STATE.items():
        for arn in configuration.get(member, ()):
            kind = kind_of(arn)
            if kind is None:
                raise invalid(f"Invalid arn syntax: {arn}")
            if composite and kind in _METRIC_ONLY:
                raise invalid(f"Composite alarms cannot have the action {arn}.")
            if kind == "ec2" and "Metrics" in configuration:
                raise invalid("Alarms on math expressions cannot perform Amazon EC2 actions.")
            if kind == "autoscaling" and "ThresholdMetricId" in configuration:
                raise invalid("Alarms on anomaly detection models cannot have Auto Scaling actions.")
            if kind in {"ssm", "aiops"} and state != "ALARM":
                raise invalid(f"The action {arn} is for the ALARM state only.")
