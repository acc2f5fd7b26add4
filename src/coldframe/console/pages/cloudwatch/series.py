"""Series of metrics for charts: from queries of GetMetricData to times and values that are drawn."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from coldframe.console.periods import Period
from coldframe.console.visit import Visit

Query = dict[str, Any]


class BadSeries(ValueError):
    """What a page sent is no description of series."""


def metric(
    namespace: str,
    name: str,
    dimensions: Sequence[dict[str, str]],
    stat: str,
    period: int,
    *,
    identifier: str = "m",
) -> Query:
    """Return the query of one metric."""
    described = {"Namespace": namespace, "MetricName": name, "Dimensions": list(dimensions)}
    return {"Id": identifier, "MetricStat": {"Metric": described, "Period": period, "Stat": stat}}


def sent(series: Any, period: Period) -> list[Query]:
    """Read series as scripts send them: [{id, namespace, name, dimensions, stat, period} or {id, expression, period}]."""
    if not isinstance(series, list) or not all(isinstance(each, dict) for each in series):
        raise BadSeries("series are a list of objects")
    queries: list[Query] = []
    for each in series:
        length = int(each.get("period") or period.step)
        identifier = str(each.get("id", ""))
        if each.get("expression"):
            queries.append({"Id": identifier, "Expression": str(each["expression"]), "Period": length})
            continue
        given = each.get("dimensions") or {}
        if not isinstance(given, dict):
            raise BadSeries("dimensions are an object of names and values")
        pairs = [{"Name": str(name), "Value": str(value)} for name, value in given.items()]
        words = (str(each.get("namespace", "")), str(each.get("name", "")), pairs)
        queries.append(metric(*words, str(each.get("stat") or "Average"), length, identifier=identifier))
    return queries


def values(visit: Visit, queries: list[Query], period: Period) -> dict[str, Any]:
    """Return {times, series: [{label, values}], range} with a time for every value of any of them; raises ClientError."""
    span = [period.start, period.end]
    if not queries:
        return {"times": [], "series": [], "messages": [], "range": span}
    answer = visit.client("cloudwatch").get_metric_data(
        MetricDataQueries=[_labelled(query) for query in queries] if len(queries) > 1 else queries,
        StartTime=datetime.fromtimestamp(period.start, UTC),
        EndTime=datetime.fromtimestamp(period.end, UTC),
        ScanBy="TimestampAscending",
    )
    results = answer["MetricDataResults"]
    found = [dict(zip(map(_seconds, each["Timestamps"]), each["Values"], strict=True)) for each in results]
    times = sorted({time for each in found for time in each})
    drawn = [
        {"label": result["Label"], "values": [each.get(time) for time in times]}
        for result, each in zip(results, found, strict=True)
    ]
    messages = [each["Value"] for each in answer.get("Messages", [])]
    return {"times": times, "series": drawn, "messages": messages, "range": span}


def _labelled(query: Query) -> Query:
    """Give a metric without a label one that tells it from others of its name: the values of its dimensions."""
    described = query.get("MetricStat", {}).get("Metric", {})
    if query.get("Label") or not described.get("Dimensions"):
        return query
    words = [described["MetricName"], *(each["Value"] for each in described["Dimensions"])]
    return {**query, "Label": " ".join(words)}


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
