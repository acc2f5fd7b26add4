"""Lists of queries computed for a call: for GetMetricData, alarms and widgets, with the faults of GetMetricData."""

from collections.abc import Sequence
from datetime import UTC, timezone
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt
from coldframe.engines.metricstore.store import MetricStore
from coldframe.services.cloudwatch.expressions.values import NotOffered
from coldframe.services.cloudwatch.insight_reports import hooks_of
from coldframe.services.cloudwatch.queries import Answer, FailedExpression, MetricQueries, TooMuchData, Window
from coldframe.services.cloudwatch.query_checks import check_queries, refuse


def queries_of(call: Call, queries: Sequence[Any], start: float, end: float) -> MetricQueries:
    """Return queries ready to be computed from start to end, in seconds; raises ValidationError."""
    check_queries(queries, call.account)
    if start >= end:
        raise refuse("The parameter StartTime must be less than the parameter EndTime.")
    window = Window(start, end, call.now / 1000)
    return MetricQueries(call.part(MetricStore), (call.account, call.region), queries, window, hooks_of(call))


def answers_of(asked: MetricQueries, queries: Sequence[Any], zone: timezone = UTC) -> list[Answer]:
    """Compute every query, also those that are not returned: an error in one of them is an error of the request."""
    found: list[Answer] = []
    try:
        for query in queries:
            answers = asked.answers(query["Id"], zone)
            if query.get("ReturnData", True):
                found += answers
    except FailedExpression as error:
        raise refuse(error.message) from error
    except TooMuchData as error:
        raise refuse(str(error)) from error
    except NotOffered as error:
        raise NotBuilt(error.message) from error
    return found
