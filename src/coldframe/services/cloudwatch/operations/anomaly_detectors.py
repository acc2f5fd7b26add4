"""Anomaly detectors: put, describe, delete."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import structs

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.core.records import place
from coldframe.engines.metricstore.keys import Metric
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch.anomaly import subjects
from coldframe.services.cloudwatch.anomaly.model import Model
from coldframe.services.cloudwatch.anomaly_models import AnomalyModels, identity, trained
from coldframe.services.cloudwatch.dashboard_records import AnomalyDetector
from coldframe.services.cloudwatch.expressions.syntax import Name
from coldframe.services.cloudwatch.expressions.values import ExpressionError
from coldframe.services.cloudwatch.insight_reports import hooks_of
from coldframe.services.cloudwatch.queries import FailedExpression, MetricQueries, TooMuchData, Window
from coldframe.services.cloudwatch.query_checks import check_queries

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
    made = _subject(call, request)
    configuration = _configuration(request.get("Configuration", {}))
    before = call.records.find(AnomalyDetector, made.id)
    call.records.put(
        structs.replace(
            made,
            created=call.now if before is None else before.created,
            configuration=configuration,
            characteristics=dict(request.get("MetricCharacteristics", {})),
        )
    )
    return {"AnomalyDetectorId": made.id}


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
        if ("AnomalyDetectorIds" in request or ("METRIC_MATH" if row.queries else "SINGLE_METRIC") in kinds)
        and ("Dimensions" not in request or row.dimensions == dimensions)
    ]
    answer: dict[str, Any] = {"AnomalyDetectors": [_shape(call, row) for row in found[:size]]}
    if len(found) > size:
        answer["NextToken"] = call.token(place(found[size - 1]))
    return answer  # type: ignore[return-value]


def delete_anomaly_detector(call: Call, request: "DeleteAnomalyDetectorInputTypeDef") -> dict[str, Any]:
    """Delete the detector of a metric and statistic."""
    key = request.get("AnomalyDetectorId") or _subject(call, request).id
    row = call.records.find(AnomalyDetector, key)
    if row is None:
        raise ServiceFault("ResourceNotFoundException", "The anomaly detector does not exist.")
    call.records.remove(row)
    return {}


def _subject(call: Call, request: Any) -> AnomalyDetector:
    """The detector of what a request is about, given in one of the ways there are; not trained in any way of its own."""
    given: Mapping[str, Any] = request
    single, math = request.get("SingleMetricAnomalyDetector"), request.get("MetricMathAnomalyDetector")
    beside = [name for name in _MEMBERS if name in request]
    if sum((single is not None, math is not None, bool(beside))) > 1:
        text = "Give one of SingleMetricAnomalyDetector, MetricMathAnomalyDetector, or Namespace, MetricName and Stat."
        raise ServiceFault("InvalidParameterCombinationException", text)
    if math is not None:
        return _of_expression(call, math.get("MetricDataQueries") or [])
    if single is not None:
        given = single
    for name in ("Namespace", "MetricName", "Stat"):
        if name not in given:
            raise ServiceFault("MissingRequiredParameterException", f"The parameter {name} is required.")
    if given.get("AccountId", call.account) != call.account:
        raise NotBuilt("Anomaly detectors on the metrics of other accounts are not built.")
    pairs = tuple(sorted((each["Name"], each["Value"]) for each in given.get("Dimensions", ())))
    metric = Metric(call.account, call.region, given["Namespace"], given["MetricName"], pairs)
    return AnomalyDetector(
        id=identity(metric, given["Stat"]),
        namespace=metric.namespace,
        metric=metric.name,
        created=call.now,
        dimensions=dict(pairs),
        statistic=given["Stat"],
    )


def _of_expression(call: Call, queries: Sequence[Mapping[str, Any]]) -> AnomalyDetector:
    """The detector of the one query that is returned, which has to be an expression that can be computed."""
    check_queries(queries, call.account, "MetricMathAnomalyDetector.MetricDataQueries")
    returned = [query for query in queries if query.get("ReturnData", True)]
    if len(returned) != 1 or "Expression" not in returned[0]:
        raise _invalid(
            "Exactly one of the MetricDataQueries, an expression, must have ReturnData set to true."
        )
    try:
        key = subjects.identity(Name(returned[0]["Id"]), {query["Id"]: query for query in queries})
        _values(call, queries)
    except (ExpressionError, FailedExpression, TooMuchData) as error:
        raise _invalid(str(error)) from error
    kept: list[dict[str, Any]] = [dict(query) for query in queries]
    return AnomalyDetector(id=key, namespace="", metric="", created=call.now, queries=kept)


def _values(call: Call, queries: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """The values that the expression of a detector has had."""
    now = call.now / 1000
    asked = MetricQueries(
        call.part(MetricStore), (call.account, call.region), queries, Window(now, now, now), hooks_of(call)
    )
    tree = Name(next(query["Id"] for query in queries if query.get("ReturnData", True)))
    return asked.history(tree, asked.grid().step)


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
    if row.queries:
        found = trained(_values(call, row.queries), row.configuration)
        return _told(row, found) | {"MetricMathAnomalyDetector": {"MetricDataQueries": row.queries}}
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
    return _told(row, model) | about | {"SingleMetricAnomalyDetector": about}


def _told(row: AnomalyDetector, model: Model | None) -> dict[str, Any]:
    return {
        "AnomalyDetectorId": row.id,
        "Configuration": row.configuration,
        "MetricCharacteristics": row.characteristics,
        "StateValue": "TRAINED_INSUFFICIENT_DATA" if model is None else "TRAINED",
    }


def _invalid(message: str) -> ServiceFault:
    return ServiceFault("InvalidParameterValueException", message)
