"""The Insights editor: a query over some groups, its results as they come, as table, chart and patterns."""

from typing import Any

from coldframe.console import periods, refusals
from coldframe.console.pages.logs.events import groups_of
from coldframe.console.routes import Route
from coldframe.console.visit import Visit, as_json
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse

_FIRST = "fields @timestamp, @message, @logStream, @log\n| sort @timestamp desc\n| limit 200"


def show(visit: Visit) -> WireResponse:
    """Show the editor, with the queries that were kept."""
    refusal, kept = "", []
    try:
        kept = visit.client("logs").describe_query_definitions(maxResults=100)["queryDefinitions"]
    except ClientError as error:
        refusal = refusals.message(error)
    return visit.page(
        "logs/insights.html",
        groups=groups_of(visit),
        chosen=visit.query.get("group", []),
        query=visit.asked("query", _FIRST),
        period=periods.asked(visit),
        lasts=list(periods.LAST),
        kept=kept,
        refusal=refusal,
    )


def start(visit: Visit) -> WireResponse:
    """Start a query; answers its id, or what the API says is wrong with it and where."""
    period = periods.asked(visit, visit.form)
    asked: dict[str, Any] = {
        "queryString": visit.sent("query").replace("\r\n", "\n"),
        "startTime": period.start,
        "endTime": period.end,
        "limit": 1000,
    }
    groups = [group for group in visit.form.get("group", []) if group]
    if groups:
        asked["logGroupNames"] = groups
    try:
        return as_json({"id": visit.client("logs").start_query(**asked)["queryId"]})
    except ClientError as error:
        status, text = refusals.refused(error)
        place = error.response.get("queryCompileError", {}).get("location", {})
        return as_json({"problem": text, "from": place.get("startCharOffset")}, status)


def results(visit: Visit) -> WireResponse:
    """Answer with the results so far."""
    try:
        answer = visit.client("logs").get_query_results(queryId=visit.asked("id"))
    except ClientError as error:
        status, text = refusals.refused(error)
        return as_json({"problem": text}, status)
    rows = [{cell["field"]: cell.get("value", "") for cell in row} for row in answer["results"]]
    columns = list(dict.fromkeys(name for row in rows for name in row if name != "@ptr"))
    return as_json(
        {
            "status": answer["status"],
            "columns": columns,
            "rows": [[row.get(name, "") for name in columns] for row in rows],
            "statistics": answer.get("statistics", {}),
        }
    )


def stop(visit: Visit) -> WireResponse:
    """Stop a query."""
    try:
        return as_json({"stopped": visit.client("logs").stop_query(queryId=visit.sent("id"))["success"]})
    except ClientError as error:
        status, text = refusals.refused(error)
        return as_json({"problem": text}, status)


def keep(visit: Visit) -> WireResponse:
    """Keep a query under a name."""
    asked: dict[str, Any] = {
        "name": visit.sent("name"),
        "queryString": visit.sent("query").replace("\r\n", "\n"),
    }
    groups = [group for group in visit.form.get("group", []) if group]
    if groups:
        asked["logGroupNames"] = groups
    try:
        return as_json({"id": visit.client("logs").put_query_definition(**asked)["queryDefinitionId"]})
    except ClientError as error:
        status, text = refusals.refused(error)
        return as_json({"problem": text}, status)


ROUTES = (
    Route("GET", "/console/logs/insights", show),
    Route("POST", "/console/logs/insights/start", start),
    Route("GET", "/console/logs/insights/results", results),
    Route("POST", "/console/logs/insights/stop", stop),
    Route("POST", "/console/logs/insights/keep", keep),
)
