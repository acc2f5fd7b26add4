"""An alarm on its metric: the values that it looks at, its threshold, and when its state changed."""

from typing import Any

from coldframe.console import periods, refusals
from coldframe.console.pages.cloudwatch import series
from coldframe.console.routes import Route
from coldframe.console.visit import Visit
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse


def show(visit: Visit) -> WireResponse:
    """Show an alarm with its chart and history."""
    name = visit.asked("name")
    client = visit.client("cloudwatch")
    try:
        kinds = ["MetricAlarm", "CompositeAlarm"]
        answer = client.describe_alarms(AlarmNames=[name], AlarmTypes=kinds)
        history = client.describe_alarm_history(AlarmName=name, AlarmTypes=kinds, MaxRecords=50)
    except ClientError as error:
        return visit.problem(*refusals.refused(error))
    found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    if not found:
        return visit.problem(404, f"There is no alarm {name} in {visit.region}.")
    alarm, period, refusal = found[0], periods.asked(visit), ""
    drawn: dict[str, Any] = {"times": [], "series": []}
    try:
        drawn = series.values(visit, queries(alarm), period)
    except ClientError as error:
        refusal = refusals.message(error)
    changes = history["AlarmHistoryItems"]
    chart = {
        **drawn,
        "marks": threshold(alarm),
        "moments": [
            {"at": change["Timestamp"].timestamp(), "text": change["HistorySummary"]}
            for change in changes
            if change["HistoryItemType"] == "StateUpdate" and change["Timestamp"].timestamp() >= period.start
        ],
    }
    return visit.page(
        "cloudwatch/alarm.html",
        alarm=alarm,
        chart=chart,
        changes=changes,
        refusal=refusal,
        period=period,
        lasts=list(periods.LAST),
    )


def threshold(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the mark of an alarm's threshold; none where its threshold is a band."""
    return [{"value": alarm["Threshold"], "label": "threshold"}] if "Threshold" in alarm else []


def queries(alarm: dict[str, Any]) -> list[series.Query]:
    """Return what a metric alarm looks at; nothing for a composite one."""
    if "MetricName" not in alarm:
        return list(alarm.get("Metrics", []))
    stat = alarm.get("Statistic") or alarm.get("ExtendedStatistic") or "Average"
    words = (alarm["Namespace"], alarm["MetricName"], alarm.get("Dimensions", []))
    return [series.metric(*words, stat, alarm.get("Period", 60))]


ROUTES = (Route("GET", "/console/cloudwatch/alarm", show),)
