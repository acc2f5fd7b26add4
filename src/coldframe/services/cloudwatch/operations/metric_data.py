"""GetMetricData: metrics and expressions over a time range, a page of data points at a time."""

from collections.abc import Sequence
from datetime import timezone
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.cloudwatch.asking import answers_of, queries_of
from coldframe.services.cloudwatch.expressions import labels
from coldframe.services.cloudwatch.expressions.values import MOST_POINTS
from coldframe.services.cloudwatch.pages import page_of
from coldframe.services.cloudwatch.queries import MetricQueries
from coldframe.services.cloudwatch.query_checks import refuse

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import GetMetricDataInputTypeDef, GetMetricDataOutputTypeDef

_TOO_MANY = {"Code": "MaxMetricsExceeded", "Value": "Maximum number of allowed metrics exceeded"}


def get_metric_data(call: Call, request: "GetMetricDataInputTypeDef") -> "GetMetricDataOutputTypeDef":
    """Return the values of the queries that ask for them, newest first unless asked otherwise."""
    queries: Sequence[Any] = request["MetricDataQueries"]
    start, end = request["StartTime"].timestamp(), request["EndTime"].timestamp()  # type: ignore[union-attr]
    asked = queries_of(call, queries, start, end)
    most = request.get("MaxDatapoints", MOST_POINTS)
    if not 1 <= most <= MOST_POINTS:
        raise refuse(f"The parameter MaxDatapoints must be between 1 and {MOST_POINTS}.")
    answers = answers_of(asked, queries, _zone(request))
    after = call.page(request.get("NextToken"), code="InvalidNextToken")
    ascending = request.get("ScanBy", "TimestampDescending") == "TimestampAscending"
    page = page_of([answer.series.points for answer in answers], most, ascending=ascending, after=after)
    answer: dict[str, Any] = {
        "MetricDataResults": [
            {
                "Id": answers[part.number].id,
                "Label": answers[part.number].label,
                "Timestamps": part.times,
                "Values": part.values,
                "StatusCode": "Complete" if part.complete else "PartialData",
                **_unit_message(asked, answers[part.number].id),
            }
            for part in page.parts
        ],
        "Messages": [_TOO_MANY] if asked.cut_short else [],
    }
    if page.position is not None:
        answer["NextToken"] = call.token(page.position)
    return answer  # type: ignore[return-value]


def _unit_message(asked: MetricQueries, identifier: str) -> dict[str, Any]:
    units = asked.several_units.get(identifier)
    if units is None:
        return {}
    text = f"Multiple units returned: '[{', '.join(units)}]'"
    return {"Messages": [{"Code": "MultipleUnits", "Value": text}]}


def _zone(request: "GetMetricDataInputTypeDef") -> timezone:
    text = (request.get("LabelOptions") or {}).get("Timezone", "+0000")
    zone = labels.zone(text)
    if zone is None:
        raise ServiceFault(
            "ValidationError",
            f"The value {text} for parameter LabelOptions.Timezone is not + or - followed by four digits.",
            status=400,
        )
    return zone
