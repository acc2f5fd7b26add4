"""What a list of MetricDataQuery has to keep to beside the model's constraints."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.cloudwatch.datums import is_statistic
from coldframe.services.cloudwatch.expressions.metrics_insights import is_query
from coldframe.services.cloudwatch.periods import is_period

MOST_QUERIES = 500
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


def refuse(message: str) -> ServiceFault:
    """Return the fault of a request that is not valid; the model has no error of that name."""
    return ServiceFault("ValidationError", message, status=400)


def check_queries(
    queries: Sequence[Mapping[str, Any]], account: str, path: str = "MetricDataQueries"
) -> None:
    """Raise ValidationError for queries that cannot be computed; `path` names them in errors."""
    if not queries:
        raise refuse(f"The parameter {path} is required.")
    if len(queries) > MOST_QUERIES:
        raise refuse(f"The collection {path} must not have a size greater than {MOST_QUERIES}.")
    if len({query["Id"] for query in queries}) < len(queries):
        raise refuse(f"The values for parameter id in {path} are not unique.")
    if sum(is_query(query.get("Expression", "")) for query in queries) > 1:
        raise refuse(f"The parameter {path} can include only one Metrics Insights query.")
    for number, query in enumerate(queries, 1):
        _check(query, f"{path}.member.{number}", account)


def _check(query: Mapping[str, Any], path: str, account: str) -> None:
    if not _ID.fullmatch(query["Id"]):
        raise refuse(
            f"The value {query['Id']} for parameter {path}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    stat, expression = query.get("MetricStat"), query.get("Expression")
    if stat is not None and expression is not None:
        raise refuse(
            f"The parameters {path}.MetricStat and {path}.Expression are mutually exclusive and you have specified both."
        )
    if stat is None and expression is None:
        raise refuse(
            f"At least one of the parameters {path}.MetricStat or {path}.Expression must be specified."
        )
    period = query.get("Period")
    if period is not None and not is_period(period):
        raise refuse(f"The parameter {path}.Period must be 1, 5, 10, 20, 30 or any multiple of 60.")
    if query.get("AccountId", account) != account:
        raise refuse(f"The account {query['AccountId']} in {path}.AccountId is not linked to this account.")
    if stat is not None:
        _check_stat(stat, f"{path}.MetricStat")


def _check_stat(stat: Mapping[str, Any], path: str) -> None:
    for name in ("Namespace", "MetricName"):
        if not stat["Metric"].get(name):
            raise refuse(f"The parameter {path}.Metric.{name} is required.")
    if not is_statistic(stat["Stat"]):
        raise refuse(f"The value {stat['Stat']} for parameter {path}.Stat is not supported.")
    if not is_period(stat["Period"]):
        raise refuse(f"The parameter {path}.Period must be 1, 5, 10, 20, 30 or any multiple of 60.")
