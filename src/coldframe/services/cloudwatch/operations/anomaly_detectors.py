"""Anomaly detectors: put, describe, delete."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.core.records import place
from coldframe.engines.metricstore.keys import Metric
from coldframe.services.cloudwatch.anomaly_models import AnomalyModels, identity
from coldframe.services.cloudwatch.dashboard_records import AnomalyDetector

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        DeleteAnomalyDetectorInputTypeDef,
        DescribeAnomalyDetectorsInputTypeDef,
        DescribeAnomalyDetectorsOutputTypeDef,
        PutAnomalyDetectorInputTypeDef,
    )

_PAGE = 100
_MOST_RANGES = 10
_FILTERS = ("Namespace", "MetricName", "Dimensions", "AnomalyDetectorTypes")
_MEMBERS = ("Namespace", "MetricName", "Dimensions", "Stat")
_STEP = 300


def put_anomaly_detector(call: Call, request: "PutAnomalyDetectorInputTypeDef") -> dict[str, Any]:
    """Make the detector of a metric and statistic, or replace how it is trained."""
    metric, stat = _subject(call, request)
    key = identity(metric, stat)
    configuration = _configuration(request.get("Configuration", {}))
    before = call.records.find(AnomalyDetector, key)
    call.records.put(
        AnomalyDetector(
            id=key,
            namespace=metric.namespace,
            metric=metric.name,
            created=call.now if before is None else before.created,
            dimensions=dict(metric.dimensions),
            statistic=stat,
            configuration=configuration,
            characteristics=dict(request.get("MetricCharacteristics", {})),
        )
    )
    return {"AnomalyDetectorId": key}


def describe_anomaly_detectors(
    call: Call, request: "DescribeAnomalyDetectorsInputTypeDef"
) -> "DescribeAnomalyDetectorsOutputTypeDef":
    """Return detectors by their ids, or narrowed by namespace, metric name and all dimensions."""
    if "AnomalyDetectorIds" in request and set(_FILTERS) & set(request):
        text = f"AnomalyDetectorIds cannot be specified together with {', '.join(_FILTERS)}."
        raise ServiceFault("InvalidParameterCombinationException", text)
    kinds = request.get("AnomalyDetectorTypes") or ["SINGLE_METRIC"]
    after = call.page(request.get("NextToken"), code="InvalidNextToken")
    size = request.get("MaxResults", _PAGE)
    where: dict[str, Any] = {}
    if "AnomalyDetectorIds" in request:
        where["id"] = list(request["AnomalyDetectorIds"])
    if "Namespace" in request:
        where["namespace"] = request["Namespace"]
    if "MetricName" in request:
        where["metric"] = request["MetricName"]
    dimensions = {each["Name"]: each["Value"] for each in request.get("Dimensions", ())}
    found = [
        row
        for row in call.records.list(
            AnomalyDetector, where=where, after=None if after is None else tuple(after)
        )
        if "SINGLE_METRIC" in kinds and ("Dimensions" not in request or row.dimensions == dimensions)
    ]
    answer: dict[str, Any] = {"AnomalyDetectors": [_shape(call, row) for row in found[:size]]}
    if len(found) > size:
        answer["NextToken"] = call.token(place(found[size - 1]))
    return answer  # type: ignore[return-value]


def delete_anomaly_detector(call: Call, request: "DeleteAnomalyDetectorInputTypeDef") -> dict[str, Any]:
    """Delete the detector of a metric and statistic."""
    key = request.get("AnomalyDetectorId") or identity(*_subject(call, request))
    row = call.records.find(AnomalyDetector, key)
    if row is None:
        raise ServiceFault("ResourceNotFoundException", "The anomaly detector does not exist.")
    call.records.remove(row)
    return {}


def _subject(call: Call, request: Any) -> tuple[Metric, str]:
    """The metric and statistic that a request is about, given either way."""
    given: Mapping[str, Any] = request
    single, math = request.get("SingleMetricAnomalyDetector"), request.get("MetricMathAnomalyDetector")
    beside = [name for name in _MEMBERS if name in request]
    if sum((single is not None, math is not None, bool(beside))) > 1:
        text = "Give one of SingleMetricAnomalyDetector, MetricMathAnomalyDetector, or Namespace, MetricName and Stat."
        raise ServiceFault("InvalidParameterCombinationException", text)
    if math is not None:
        raise NotBuilt("Anomaly detectors on metric math are not built; those on single metrics are.")
    if single is not None:
        given = single
    for name in ("Namespace", "MetricName", "Stat"):
        if name not in given:
            raise ServiceFault("MissingRequiredParameterException", f"The parameter {name} is required.")
    if given.get("AccountId", call.account) != call.account:
        raise NotBuilt("Anomaly detectors on the metrics of other accounts are not built.")
    pairs = tuple(sorted((each["Name"], each["Value"]) for each in given.get("Dimensions", ())))
    return Metric(call.account, call.region, given["Namespace"], given["MetricName"], pairs), given["Stat"]


def _configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it is kept: times as text."""
    ranges = given.get("ExcludedTimeRanges", ())
    if len(ranges) > _MOST_RANGES:
        raise _invalid(f"ExcludedTimeRanges must not have more than {_MOST_RANGES} ranges.")
    if any(each["StartTime"] >= each["EndTime"] for each in ranges):
        raise _invalid("The StartTime of an excluded range must be before its EndTime.")
    zone = given.get("MetricTimezone")
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise _invalid(f"MetricTimezone {zone} is unknown.") from None
    kept = {name: value for name, value in given.items() if name != "ExcludedTimeRanges"}
    if ranges:
        kept["ExcludedTimeRanges"] = [
            {name: each[name].replace(microsecond=0).isoformat() for name in ("StartTime", "EndTime")}
            for each in ranges
        ]
    return kept


def _shape(call: Call, row: AnomalyDetector) -> dict[str, Any]:
    pairs = tuple(sorted(row.dimensions.items()))
    metric = Metric(call.account, call.region, row.namespace, row.metric, pairs)
    model = call.part(AnomalyModels).model(
        metric, row.statistic, row.configuration, now=call.now / 1000, period=_STEP
    )
    about = {
        "Namespace": row.namespace,
        "MetricName": row.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in pairs],
        "Stat": row.statistic,
    }
    return {
        "AnomalyDetectorId": row.id,
        **about,
        "Configuration": row.configuration,
        "MetricCharacteristics": row.characteristics,
        "StateValue": "TRAINED_INSUFFICIENT_DATA" if model is None else "TRAINED",
        "SingleMetricAnomalyDetector": about,
    }


def _invalid(message: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValueException", message)
