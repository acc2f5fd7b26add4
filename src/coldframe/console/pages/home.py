"""The first page: what this installation serves, which engines it has, what is under way, and what alarms."""

from typing import Any

from coldframe.console import refusals
from coldframe.console.pages.jobs import latest
from coldframe.console.regions import is_region
from coldframe.console.routes import Route
from coldframe.console.visit import REGION_COOKIE, Visit, redirect
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import AccessDenied
from coldframe.core.wire import WireResponse
from coldframe.engines import catalog


def show(visit: Visit) -> WireResponse:
    """Show the first page."""
    return visit.page("home.html", alarms=_alarms(visit), jobs=_jobs(visit), engines=catalog.engines())


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
        answer = visit.client("cloudwatch").describe_alarms(StateValue="ALARM", MaxRecords=20)
    except ClientError as error:
        return {"refusal": refusals.message(error), "found": []}
    return {"refusal": "", "found": [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]}


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
