"""The first page: what this installation serves, which engines it has, what is under way, and what alarms."""

from datetime import datetime
from typing import Any, Final

from coldframe.console import refusals
from coldframe.console.pages.jobs import latest
from coldframe.console.regions import is_region
from coldframe.console.routes import Route
from coldframe.console.visit import REGION_COOKIE, Visit, redirect
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import AccessDenied
from coldframe.core.wire import WireResponse
from coldframe.engines import catalog

_MOST: Final = 12
_EVENT_MINUTES: Final = 7 * 24 * 60


def show(visit: Visit) -> WireResponse:
    """Show the first page."""
    return visit.page(
        "home.html",
        alarms=_alarms(visit),
        jobs=_jobs(visit),
        events=_events(visit),
        engines=catalog.engines(),
    )


def show_engines(visit: Visit) -> WireResponse:
    """Show which engines are on this machine; the page asks for it afterwards, since it asks programs."""
    found = [catalog.probe(each) for each in catalog.engines()]
    return visit.page("engines_part.html", found=found)


def choose_region(visit: Visit) -> WireResponse:
    """Remember the region that was chosen and go back to where it was chosen."""
    region = visit.sent("region")
    if not is_region(region):
        return visit.problem(400, f"{region!r} is no region.")
    back = visit.sent("to", "/console")
    response = redirect(back if back.startswith("/console") and "//" not in back else "/console")
    response.headers["set-cookie"] = f"{REGION_COOKIE}={region}; Path=/console; HttpOnly; SameSite=Strict"
    return response


def _alarms(visit: Visit) -> dict[str, Any]:
    if "cloudwatch" not in visit.services:
        return {"refusal": "", "found": []}
    try:
        answer = visit.client("cloudwatch").describe_alarms(
            StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=20
        )
    except ClientError as error:
        return {"refusal": refusals.message(error), "found": []}
    return {"refusal": "", "found": [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]}


def _events(visit: Visit) -> dict[str, Any]:
    """Return the latest of what databases and alarms tell, newest first."""
    found: list[tuple[datetime, str, str]] = []
    refused: list[str] = []
    if "rds" in visit.services:
        try:
            told = visit.client("rds").describe_events(Duration=_EVENT_MINUTES)["Events"]
            found += [(each["Date"], each["SourceIdentifier"], each["Message"]) for each in told]
        except ClientError as error:
            refused.append(refusals.message(error))
    if "cloudwatch" in visit.services:
        try:
            told = visit.client("cloudwatch").describe_alarm_history(
                HistoryItemType="StateUpdate", AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=_MOST
            )["AlarmHistoryItems"]
            found += [(each["Timestamp"], each["AlarmName"], each["HistorySummary"]) for each in told]
        except ClientError as error:
            refused.append(refusals.message(error))
    newest = sorted(found, key=lambda event: event[0], reverse=True)[:_MOST]
    return {"refusals": refused, "found": newest}


def _jobs(visit: Visit) -> dict[str, Any]:
    try:
        return {"refusal": "", "found": latest(visit, 8)}
    except AccessDenied as denied:
        return {"refusal": denied.message, "found": []}


ROUTES = (
    Route("GET", "/console", show),
    Route("GET", "/console/", show),
    Route("GET", "/console/engines", show_engines),
    Route("POST", "/console/region", choose_region),
)
