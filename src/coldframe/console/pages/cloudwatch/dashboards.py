"""Dashboards: widgets on their grid, drawn from live data, moved and sized by hand, and kept with PutDashboard."""

import json
from typing import Any

from coldframe.console import markdown, periods, refusals
from coldframe.console.pages.cloudwatch import alarms, series
from coldframe.console.routes import Route
from coldframe.console.visit import Visit, as_json
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse
from coldframe.services.cloudwatch.dashboards import metrics_array


def show(visit: Visit) -> WireResponse:
    """Show a dashboard; its widgets ask for their data afterwards."""
    name = visit.asked("name")
    try:
        body = visit.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    except ClientError as error:
        return visit.problem(*refusals.refused(error))
    widgets = json.loads(body).get("widgets", [])
    return visit.page(
        "cloudwatch/dashboard.html",
        name=name,
        widgets=[_shown(number, widget) for number, widget in enumerate(widgets)],
        body=body,
        period=periods.asked(visit),
        lasts=list(periods.LAST),
    )


def widget(visit: Visit) -> WireResponse:
    """Answer with the data of one widget of a dashboard."""
    try:
        body = visit.client("cloudwatch").get_dashboard(DashboardName=visit.asked("name"))["DashboardBody"]
        widgets = json.loads(body)["widgets"]
        found = widgets[int(visit.asked("number", "0"))]
        return as_json(_data(visit, found))
    except ClientError as error:
        status, text = refusals.refused(error)
        return as_json({"problem": text}, status)
    except (ValueError, IndexError, KeyError) as bad:
        return as_json({"problem": f"There is no such widget: {bad}"}, 404)


def save(visit: Visit) -> WireResponse:
    """Keep a dashboard's new body; answers what CloudWatch says of it."""
    try:
        answer = visit.client("cloudwatch").put_dashboard(
            DashboardName=visit.sent("name"), DashboardBody=visit.sent("body")
        )
    except ClientError as error:
        status, text = refusals.refused(error)
        return as_json({"problem": text}, status)
    return as_json({"messages": [each["Message"] for each in answer.get("DashboardValidationMessages", [])]})


def _shown(number: int, found: dict[str, Any]) -> dict[str, Any]:
    properties = found.get("properties", {})
    return {
        "number": number,
        "type": found.get("type", ""),
        "title": properties.get("title", "") or _title(found),
        "text": markdown.html(str(properties.get("markdown", ""))),
        "view": properties.get("view", "table" if found.get("type") == "log" else "timeSeries"),
        "stacked": bool(properties.get("stacked")),
        "place": {name: found.get(name) for name in ("x", "y", "width", "height")},
        "left": properties.get("yAxis", {}).get("left", {}),
    }


def _title(found: dict[str, Any]) -> str:
    """Return what a widget without a title is called: an alarm's name, what it is of, or nothing."""
    shown = found.get("properties", {}).get("annotations", {}).get("alarms") or []
    return str(shown[0]).partition(":alarm:")[2] if shown else ""


def _data(visit: Visit, found: dict[str, Any]) -> dict[str, Any]:
    properties = found.get("properties", {})
    period = periods.asked(visit)
    if found.get("type") == "metric":
        annotations = properties.get("annotations", {})
        marks = [
            {"value": each["value"], "label": each.get("label", "")}
            for each in annotations.get("horizontal", [])
            if isinstance(each, dict) and "value" in each
        ]
        if not properties.get("metrics") and annotations.get("alarms"):
            return _of_alarm(visit, str(annotations["alarms"][0]), period)
        lines = metrics_array.read(
            properties.get("metrics", []),
            stat=str(properties.get("stat", "Average")),
            period=properties.get("period", period.step),
        )
        queries = [{**line.query, "ReturnData": line.visible} for line in lines]
        return {**series.values(visit, queries, period), "marks": marks}
    if found.get("type") == "alarm":
        names = [arn.partition(":alarm:")[2] for arn in properties.get("alarms", [])]
        answer = visit.client("cloudwatch").describe_alarms(
            AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        shown = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        return {"alarms": [{"name": each["AlarmName"], "state": each["StateValue"]} for each in shown]}
    if found.get("type") == "log":
        return {"query": properties.get("query", "")}
    return {"note": f"Widgets of the type {found.get('type', '')} are not drawn here."}


def _of_alarm(visit: Visit, arn: str, period: periods.Period) -> dict[str, Any]:
    """Return what an alarm looks at, and its threshold; a composite alarm looks at no metric."""
    name = arn.partition(":alarm:")[2]
    answer = visit.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])
    if not answer["MetricAlarms"]:
        return {"note": f"There is no metric alarm {name}."}
    alarm = answer["MetricAlarms"][0]
    drawn = series.values(visit, alarms.queries(alarm), period)
    return {**drawn, "marks": alarms.threshold(alarm), "state": alarm["StateValue"]}


ROUTES = (
    Route("GET", "/console/cloudwatch/dashboard", show),
    Route("GET", "/console/cloudwatch/widget", widget),
    Route("POST", "/console/cloudwatch/dashboard", save),
)
