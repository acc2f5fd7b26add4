"""What an alarm tells an SNS topic when its state changes: the subject and the JSON message.

Source: messages as Amazon CloudWatch sends them.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from coldframe.services.cloudwatch.alarms.reasons import iso

_LONGEST_SUBJECT = 100
_STATISTICS = {
    "SampleCount": "SAMPLE_COUNT",
    "Average": "AVERAGE",
    "Sum": "SUM",
    "Minimum": "MINIMUM",
    "Maximum": "MAXIMUM",
}


@cache
def _regions() -> dict[str, str]:
    """Region names as AWS shows them, from botocore's table of endpoints."""
    table = json.loads(files("botocore").joinpath("data/endpoints.json").read_text("utf-8"))
    return {
        name: about["description"]
        for partition in table["partitions"]
        for name, about in partition["regions"].items()
    }


def subject(name: str, state: str, region: str) -> str:
    """Return the subject of the notification, no longer than SNS takes."""
    text = f'{state}: "{name}" in {_regions().get(region, region)}'
    plain = "".join(letter if 32 <= ord(letter) < 127 else "?" for letter in text)
    return plain if len(plain) <= _LONGEST_SUBJECT else f"{plain[: _LONGEST_SUBJECT - 3]}..."


def message(
    name: str,
    configuration: Mapping[str, Any],
    change: Mapping[str, Any],
    *,
    account: str,
    region: str,
    arn: str,
    configured: int,
) -> str:
    """Return the notification of a state change.

    `change` has `old`, `new`, `reason` and `at` (milliseconds), and for a composite alarm `triggering`: the children
    that caused it, in AWS's shape; `after_mute` says that a mute rule had held the action back.
    """
    said: dict[str, Any] = {
        "AlarmName": name,
        "AlarmDescription": configuration.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": iso(configured),
        "ActionExecutedAfterMuteWindow": change.get("after_mute", False),
        "NewStateValue": change["new"],
        "NewStateReason": change["reason"],
        "StateChangeTime": iso(change["at"]),
        "Region": _regions().get(region, region),
        "AlarmArn": arn,
        "OldStateValue": change["old"],
        "OKActions": list(configuration.get("OKActions", ())),
        "AlarmActions": list(configuration.get("AlarmActions", ())),
        "InsufficientDataActions": list(configuration.get("InsufficientDataActions", ())),
    }
    if "AlarmRule" in configuration:
        said |= {"AlarmRule": configuration["AlarmRule"], "TriggeringChildren": change.get("triggering", [])}
    else:
        said["Trigger"] = _trigger(configuration)
    if change.get("tags") is not None:
        said["Tags"] = change["tags"]
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False)


def _trigger(configuration: Mapping[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = {}
    if "Metrics" in configuration:
        trigger["Metrics"] = [_query(query) for query in configuration["Metrics"]]
    else:
        statistic = configuration.get("Statistic")
        trigger = {
            "MetricName": configuration["MetricName"],
            "Namespace": configuration["Namespace"],
            "StatisticType": "ExtendedStatistic" if statistic is None else "Statistic",
        }
        if statistic is None:
            trigger["ExtendedStatistic"] = configuration["ExtendedStatistic"]
        else:
            trigger["Statistic"] = _STATISTICS[statistic]
        trigger |= {
            "Unit": configuration.get("Unit"),
            "Dimensions": _dimensions(configuration.get("Dimensions", ())),
        }
        trigger["Period"] = configuration["Period"]
    trigger["EvaluationPeriods"] = configuration["EvaluationPeriods"]
    if "DatapointsToAlarm" in configuration:
        trigger["DatapointsToAlarm"] = configuration["DatapointsToAlarm"]
    trigger["ComparisonOperator"] = configuration["ComparisonOperator"]
    if "ThresholdMetricId" in configuration:
        trigger["ThresholdMetricId"] = configuration["ThresholdMetricId"]
    else:
        trigger["Threshold"] = configuration["Threshold"]
    trigger["TreatMissingData"] = configuration.get("TreatMissingData", "missing")
    trigger["EvaluateLowSampleCountPercentile"] = configuration.get("EvaluateLowSampleCountPercentile", "")
    return trigger


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: query[name] for name in ("Expression", "Id", "Label") if name in query}
    stat = query.get("MetricStat")
    if stat is not None:
        metric = stat["Metric"]
        shown["MetricStat"] = {
            "Metric": {
                "Dimensions": _dimensions(metric.get("Dimensions", ())),
                "MetricName": metric["MetricName"],
                "Namespace": metric["Namespace"],
            },
            "Period": stat["Period"],
            "Stat": stat["Stat"],
        }
    return {**shown, "ReturnData": query.get("ReturnData", True)}


def _dimensions(dimensions: Any) -> list[dict[str, str]]:
    return [{"value": each["Value"], "name": each["Name"]} for each in dimensions]
