"""PutMetricData, GetMetricStatistics and ListMetrics."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.metricstore.errors import StorageFailed, StorageFull
from coldframe.engines.metricstore.keys import Metric
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch import datums, entities
from coldframe.services.cloudwatch.periods import aligned, is_period

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        GetMetricStatisticsInputTypeDef,
        GetMetricStatisticsOutputTypeDef,
        ListMetricsInputTypeDef,
        ListMetricsOutputTypeDef,
        PutMetricDataInputTypeDef,
    )

_MOST_POINTS = 1440
_PAGE = 500
_TWO_WEEKS = 14 * 86400
_THREE_HOURS = 3 * 3600


def put_metric_data(call: Call, request: "PutMetricDataInputTypeDef") -> None:
    """Store samples, all or none; they are durable and readable when this returns."""
    namespace, given = request["Namespace"], request.get("MetricData") or []
    with_entity = request.get("EntityMetricData") or []
    if not given and not with_entity:
        raise ServiceFault("MissingParameter", "The parameter MetricData is required.")
    datums.check_namespace(namespace)
    entities.check(request)
    groups: list[tuple[str, Any]] = [("MetricData", given)]
    groups += [
        (f"EntityMetricData.member.{number}.MetricData", each.get("MetricData") or [])
        for number, each in enumerate(with_entity, 1)
    ]
    if sum(len(group) for _, group in groups) > datums.MOST_METRICS:
        raise datums.invalid(
            f"The collection MetricData must not have a size greater than {datums.MOST_METRICS}."
        )
    place, now = (call.account, call.region), call.now / 1000
    found = [
        sample for path, group in groups for sample in datums.samples(place, namespace, group, path, now)
    ]
    try:
        call.part(MetricStore).put(found)
    except (StorageFull, StorageFailed) as error:
        raise ServiceFault("InternalServiceFault", str(error)) from error


def get_metric_statistics(
    call: Call, request: "GetMetricStatisticsInputTypeDef"
) -> "GetMetricStatisticsOutputTypeDef":
    """Return a metric's statistics, one data point a period and unit, in the order of time."""
    period, now = request["Period"], call.now / 1000
    names = _statistics(request)
    start, end = _seconds(request["StartTime"]), _seconds(request["EndTime"])
    if start >= end:
        raise datums.invalid("The parameter StartTime must be less than the parameter EndTime.")
    if not is_period(period):
        raise datums.invalid("The parameter Period must be 1, 5, 10, 20, 30 or any multiple of 60.")
    points = -(-int(end - start) // period)
    if points > _MOST_POINTS:
        raise ServiceFault(
            "InvalidParameterCombination",
            f"You have requested up to {points} datapoints, which exceeds the limit of {_MOST_POINTS}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
        )
    metric = Metric(
        call.account,
        call.region,
        request["Namespace"],
        request["MetricName"],
        datums.dimension_pairs(request.get("Dimensions")),
    )
    store, unit = call.part(MetricStore), request.get("Unit")
    found: list[tuple[int, str, dict[str, Any]]] = []
    for series in store.units(metric):
        if unit is not None and series.unit != unit:
            continue
        read = store.read(
            metric, aligned(start, period, now), -int(-end // 1), period, list(names), unit=series.unit
        )
        for index, time in enumerate(read.times):
            values = {name: read.values[name][index] for name in names}
            found.append((time, series.unit, values))
    extended = "ExtendedStatistics" in request
    return {
        "Label": request["MetricName"],
        "Datapoints": [
            _datapoint(time, unit, values, extended)
            for time, unit, values in sorted(found, key=lambda each: each[:2])
            if any(value is not None for value in values.values())
        ],
    }  # type: ignore[typeddict-item]


def list_metrics(call: Call, request: "ListMetricsInputTypeDef") -> "ListMetricsOutputTypeDef":
    """Return the metrics that had data in the last two weeks, in the order of their first appearance."""
    after = call.page(request.get("NextToken"), code="InvalidParameterValue") or 0
    active = _THREE_HOURS if request.get("RecentlyActive") else _TWO_WEEKS
    owner = request.get("OwningAccount")
    if owner is not None and owner != call.account:
        return {"Metrics": [], "OwningAccounts": []}  # type: ignore[typeddict-item]
    found = call.part(MetricStore).series(
        call.account,
        call.region,
        namespace=request.get("Namespace"),
        name=request.get("MetricName"),
        dimensions={each["Name"]: each.get("Value") for each in request.get("Dimensions") or ()},
        active_since=call.now // 1000 - active,
    )
    rest = [(order, metric) for order, metric in found if order > after]
    page = rest[:_PAGE]
    answer: dict[str, Any] = {
        "Metrics": [
            {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            }
            for _, metric in page
        ]
    }
    if request.get("IncludeLinkedAccounts"):
        answer["OwningAccounts"] = [call.account] * len(page)
    if len(rest) > _PAGE:
        answer["NextToken"] = call.token(page[-1][0])
    return answer  # type: ignore[return-value]


def _statistics(request: "GetMetricStatisticsInputTypeDef") -> dict[str, None]:
    simple, extended = request.get("Statistics"), request.get("ExtendedStatistics")
    if bool(simple) == bool(extended):
        raise ServiceFault(
            "InvalidParameterCombination",
            "Must specify either Statistics or ExtendedStatistics, but not both.",
        )
    names = dict.fromkeys(map(str, simple or extended or ()))
    for name in extended or ():
        if not datums.is_extended(name):
            raise datums.invalid(f"The value {name} for parameter ExtendedStatistics is not supported.")
    return names


def _datapoint(time: int, unit: str, values: dict[str, Any], extended: bool) -> dict[str, Any]:
    point: dict[str, Any] = {"Timestamp": datetime.fromtimestamp(time, UTC), "Unit": unit}
    known = {name: value for name, value in values.items() if value is not None}
    return {**point, "ExtendedStatistics": known} if extended else {**point, **known}


def _seconds(moment: Any) -> float:
    return float(moment.timestamp())
