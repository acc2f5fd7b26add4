"""Metric filters: put, described, deleted, and tried out on sample messages."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.logs.filter_patterns import FilterPattern
from coldframe.services.logs.filtering import compiled, standard_group
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import invalid
from coldframe.services.logs.metric_values import (
    GREATEST_VALUE,
    InvalidTransformation,
    compile_transformation,
)
from coldframe.services.logs.records import LogGroup, MetricFilter
from coldframe.services.logs.transforming import on_transformed

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        DeleteMetricFilterRequestTypeDef,
        DescribeMetricFiltersRequestTypeDef,
        DescribeMetricFiltersResponseTypeDef,
        PutMetricFilterRequestTypeDef,
        TestMetricFilterRequestTypeDef,
        TestMetricFilterResponseTypeDef,
    )

MOST_FILTERS = 100


def put_metric_filter(call: Call, request: "PutMetricFilterRequestTypeDef") -> None:
    """Create a metric filter, or replace the one of its name; it applies to events that arrive from now on."""
    records = call.records
    group = standard_group(call, request["logGroupName"], "metric filters")
    transformed = on_transformed(call, request, group)
    if request.get("fieldSelectionCriteria") or request.get("emitSystemFieldDimensions"):
        raise NotBuilt(
            "System fields of centralized logs (@aws.account, @aws.region) are not built in coldframe."
        )
    pattern = compiled(request["filterPattern"])
    transformations: Any = request["metricTransformations"]
    for each in transformations:
        _check_transformation(pattern, each)
    name = request["filterName"]
    present = records.find(MetricFilter, group.name, name)
    if present is None and records.count(MetricFilter, key_prefix=(group.name,)) >= MOST_FILTERS:
        raise ServiceFault("LimitExceededException", "Resource limit exceeded.")
    records.put(
        MetricFilter(
            group=group.name,
            name=name,
            pattern=request["filterPattern"],
            transformations=[dict(each) for each in transformations],
            created=call.now,
            on_transformed=transformed,
        )
    )


def delete_metric_filter(call: Call, request: "DeleteMetricFilterRequestTypeDef") -> None:
    """Delete a metric filter; what it counted stays."""
    group = call.records.get(LogGroup, request["logGroupName"])
    call.records.remove(call.records.get(MetricFilter, group.name, request["filterName"]))


def describe_metric_filters(
    call: Call, request: "DescribeMetricFiltersRequestTypeDef"
) -> "DescribeMetricFiltersResponseTypeDef":
    """Return a page of metric filters by name: a group's, or those of every group; all or those of one metric."""
    metric, namespace = request.get("metricName"), request.get("metricNamespace")
    if (metric is None) != (namespace is None):
        raise invalid("metricName and metricNamespace must be specified together.")
    group, limit = request.get("logGroupName"), request.get("limit", MOST)
    if group is not None:
        call.records.get(LogGroup, group)
    prefix = request.get("filterNamePrefix") if group is not None else None
    after = call.page(request.get("nextToken"))
    rows = [
        row
        for row in call.records.list(
            MetricFilter,
            key_prefix=(group,) if group is not None else (),
            starts_with=("name", prefix) if prefix else None,
        )
        if metric is None or any(_is(each, metric, namespace) for each in row.transformations)
    ]
    rows.sort(key=_place)
    later = [row for row in rows if after is None or _place(row) > tuple(after)]
    shown, token = page(call, later, limit, _place)
    return {"metricFilters": [_description(row) for row in shown], **token}  # type: ignore[typeddict-item]


def test_metric_filter(
    call: Call, request: "TestMetricFilterRequestTypeDef"
) -> "TestMetricFilterResponseTypeDef":
    """Return which of some messages a pattern matches, numbered from 0, and what it takes out of them."""
    del call
    pattern = compiled(request["filterPattern"])
    matches = []
    for number, message in enumerate(request["logEventMessages"]):
        match = pattern.match(message)
        if match is not None:
            matches.append(
                {"eventNumber": number, "eventMessage": message, "extractedValues": match.extracted_values}
            )
    return {"matches": matches}  # type: ignore[typeddict-item]


def _check_transformation(pattern: FilterPattern, transformation: Any) -> None:
    for member in ("metricName", "metricNamespace", "metricValue"):
        if not transformation[member].strip():
            raise invalid(f"metricTransformations: {member} must not be empty.")
    if transformation["metricNamespace"].startswith("AWS/"):
        raise invalid(
            "metricTransformations: metricNamespace must not begin with AWS/, which AWS services use."
        )
    default = transformation.get("defaultValue")
    if default is not None and not abs(default) <= GREATEST_VALUE:
        raise invalid("metricTransformations: defaultValue must be between -2**360 and 2**360.")
    try:
        compile_transformation(
            pattern,
            transformation["metricValue"],
            default_value=default,
            dimensions=transformation.get("dimensions"),
            unit=transformation.get("unit", "None"),
        )
    except InvalidTransformation as error:
        raise invalid(error.message) from error


def _is(transformation: dict[str, Any], metric: str, namespace: str | None) -> bool:
    return (transformation["metricName"], transformation["metricNamespace"]) == (metric, namespace)


def _place(row: MetricFilter) -> tuple[str, str]:
    return row.name, row.group


def _description(row: MetricFilter) -> dict[str, Any]:
    return {
        "filterName": row.name,
        "filterPattern": row.pattern,
        "metricTransformations": row.transformations,
        "creationTime": row.created,
        "logGroupName": row.group,
        "applyOnTransformedLogs": row.on_transformed,
    }
