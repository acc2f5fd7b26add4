"""The rules of PutMetricAlarm's parameters that the model does not state, and what follows from a configuration.

Source: PutMetricAlarm and MetricDataQuery in the CloudWatch API reference.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.cloudwatch.alarms.evaluation import BAND_OPERATORS, Rule
from coldframe.services.cloudwatch.alarms.faults import invalid

DAY = 86_400
_OF_ONE_METRIC = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
_TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
_MOST_METRICS = 10
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_PART = r"(?:\d+(?:\.\d+)?)"
_EXTENDED = re.compile(
    rf"(?:p|tm|tc|ts|wm)(?:100(?:\.0+)?|\d{{1,2}}(?:\.\d{{1,10}})?)|IQM"
    rf"|(?:TM|TC|TS|WM)\((?:{_PART}%:{_PART}%|{_PART}?:{_PART}|{_PART}:{_PART}?|{_PART}%:|:{_PART}%)\)"
    rf"|PR\((?:{_PART}:{_PART}?|:{_PART})\)"
)
_STATISTICS = frozenset({"SampleCount", "Average", "Sum", "Minimum", "Maximum"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_extended_statistic(text: str) -> bool:
    """Tell whether this is a percentile, a trimmed statistic or one of their kin."""
    return _EXTENDED.fullmatch(text) is not None


def check(request: Mapping[str, Any]) -> None:
    """Raise ValidationError for parameters of PutMetricAlarm that AWS refuses together."""
    if _CONTROL.search(request["AlarmName"]):
        raise invalid("The alarm name must not contain ASCII control characters.")
    if "EvaluationCriteria" in request:
        raise invalid(
            "PromQL alarms are not built here: give MetricName or Metrics instead of EvaluationCriteria."
        )
    for name in ("EvaluationPeriods", "ComparisonOperator"):
        if name not in request:
            raise invalid(f"The parameter {name} is required.")
    if "EvaluationInterval" in request:
        raise invalid("EvaluationInterval is for alarms with EvaluationCriteria only.")
    if "Metrics" in request:
        _check_metrics(request)
    elif "MetricName" in request:
        _check_one_metric(request)
    else:
        raise invalid("Exactly one of MetricName, Metrics or EvaluationCriteria must be specified.")
    _check_threshold(request)
    _check_times(request)
    treatment = request.get("TreatMissingData", "missing")
    if treatment not in _TREATMENTS:
        raise invalid(
            f"Option {treatment} is not supported. Supported options for parameter TreatMissingData are"
            f" {', '.join(_TREATMENTS[:-1])} and {_TREATMENTS[-1]}."
        )
    low = request.get("EvaluateLowSampleCountPercentile")
    if low is not None and low not in {"evaluate", "ignore"}:
        raise invalid(
            f"Option {low} is not supported. Supported options for parameter EvaluateLowSampleCountPercentile"
            " are evaluate and ignore."
        )
    if low is not None and "ExtendedStatistic" not in request:
        raise invalid("EvaluateLowSampleCountPercentile is for alarms on percentiles only.")


def _check_one_metric(request: Mapping[str, Any]) -> None:
    for name in ("Namespace", "Period"):
        if name not in request:
            raise invalid(f"The parameter {name} is required with MetricName.")
    if ("Statistic" in request) == ("ExtendedStatistic" in request):
        raise invalid("Exactly one of Statistic or ExtendedStatistic must be specified with MetricName.")
    extended = request.get("ExtendedStatistic")
    if extended is not None and not is_extended_statistic(extended):
        text = f"The value {extended} for parameter ExtendedStatistic is not supported."
        raise ServiceFault("InvalidParameterValue", text, status=400)
    names = [dimension["Name"] for dimension in request.get("Dimensions", ())]
    if len(set(names)) < len(names):
        raise invalid("A dimension name may be given once only.")


def _check_metrics(request: Mapping[str, Any]) -> None:
    beside = [name for name in _OF_ONE_METRIC if name in request]
    if beside:
        raise invalid(f"{', '.join(beside)} cannot be specified together with Metrics.")
    queries = request["Metrics"]
    if not queries:
        raise invalid("Metrics must not be empty.")
    ids = [query["Id"] for query in queries]
    if len(set(ids)) < len(ids):
        raise invalid("The Id of each element of Metrics must be unique.")
    for query in queries:
        _check_query(query)
    if sum("MetricStat" in query for query in queries) > _MOST_METRICS:
        raise invalid(f"An alarm can include at most {_MOST_METRICS} metrics.")
    returned = [query["Id"] for query in queries if query.get("ReturnData", True)]
    band = request.get("ThresholdMetricId")
    if band is not None and band not in ids:
        raise invalid(
            "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter."
        )
    if len([each for each in returned if each != band]) != 1:
        raise invalid("Exactly one element of the metrics list should return data.")
    if len({query["MetricStat"]["Period"] for query in queries if "MetricStat" in query}) > 1:
        raise invalid("Metrics must all have the same period.")


def _check_query(query: Mapping[str, Any]) -> None:
    name = query["Id"]
    if not _ID.fullmatch(name):
        raise invalid(
            f"The Id {name} must begin with a lowercase letter and hold letters, digits and underscores."
        )
    if ("Expression" in query) == ("MetricStat" in query):
        raise invalid(f"Exactly one of MetricStat or Expression must be specified for {name}.")
    stat = query.get("MetricStat")
    if stat is None:
        return
    if "MetricName" not in stat["Metric"] or "Namespace" not in stat["Metric"]:
        raise invalid(f"The metric of {name} needs a Namespace and a MetricName.")
    if stat["Stat"] not in _STATISTICS and not is_extended_statistic(stat["Stat"]):
        raise invalid(f"The value {stat['Stat']} for parameter Stat is not supported.")


def _check_threshold(request: Mapping[str, Any]) -> None:
    banded = request["ComparisonOperator"] in BAND_OPERATORS
    if "ThresholdMetricId" in request and "Metrics" not in request:
        raise invalid("ThresholdMetricId is for alarms with Metrics only.")
    if "Threshold" in request and "ThresholdMetricId" in request:
        raise invalid("Threshold and ThresholdMetricId cannot be specified together.")
    if banded and "ThresholdMetricId" not in request:
        raise invalid(
            f"{request['ComparisonOperator']} needs ThresholdMetricId: the Id of an ANOMALY_DETECTION_BAND."
        )
    if "ThresholdMetricId" in request and not banded:
        raise invalid(f"{request['ComparisonOperator']} cannot be used with ThresholdMetricId.")
    if not banded and "Threshold" not in request:
        raise invalid("The parameter Threshold is required for a static threshold.")
    if not math.isfinite(request.get("Threshold", 0)):
        raise invalid(f"The value {request['Threshold']} for parameter Threshold is not a number.")


def _check_times(request: Mapping[str, Any]) -> None:
    length, periods = period_of(request), request["EvaluationPeriods"]
    if length not in {10, 20, 30} and length % 60:
        raise invalid("Metrics Period must be 10, 20, 30 or a multiple of 60.")
    if length < 3600 and length * periods > DAY:
        raise invalid(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."
        )
    if length * periods > 7 * DAY:
        raise invalid("EvaluationPeriods * Period must be <= 604800, which is seven days.")
    if request.get("DatapointsToAlarm", 1) > periods:
        raise invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")


def period_of(configuration: Mapping[str, Any]) -> int:
    """Return the period in seconds of what a configuration watches."""
    if "Period" in configuration:
        return int(configuration["Period"])
    queries = configuration.get("Metrics", ())
    periods = [query["MetricStat"]["Period"] for query in queries if "MetricStat" in query]
    periods += [query["Period"] for query in queries if "Period" in query]
    return int(max(periods, default=60))


def watched(configuration: Mapping[str, Any]) -> str:
    """Return the Id of the one query whose values are compared; empty for an alarm on a single metric."""
    band = configuration.get("ThresholdMetricId")
    for query in configuration.get("Metrics", ()):
        if query.get("ReturnData", True) and query["Id"] != band:
            return str(query["Id"])
    return ""


def rule_of(configuration: Mapping[str, Any]) -> Rule:
    """Return what the alarm compares; alarms on AWS/DynamoDB always ignore missing data."""
    periods = int(configuration["EvaluationPeriods"])
    ignoring = any(namespace == "AWS/DynamoDB" for namespace, _ in metrics_of(configuration))
    return Rule(
        comparison=configuration["ComparisonOperator"],
        threshold=configuration.get("Threshold"),
        periods=periods,
        to_alarm=int(configuration.get("DatapointsToAlarm", periods)),
        treatment="ignore" if ignoring else configuration.get("TreatMissingData", "missing"),
    )


def metrics_of(configuration: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return namespace and name of every metric that the alarm reads."""
    if "MetricName" in configuration:
        return [(configuration["Namespace"], configuration["MetricName"])]
    metrics = [
        query["MetricStat"]["Metric"] for query in configuration.get("Metrics", ()) if "MetricStat" in query
    ]
    return [(metric["Namespace"], metric["MetricName"]) for metric in metrics]
