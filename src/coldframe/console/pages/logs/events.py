"""Events of a log group: searched by a filter pattern, or followed as they come; masked unless the visitor may see more."""

from collections.abc import Iterator
from typing import Any

from coldframe.console import periods, refusals
from coldframe.console.routes import Route
from coldframe.console.streaming import events
from coldframe.console.visit import Visit
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse

_MOST = 500


def show(visit: Visit) -> WireResponse:
    """Show the events of a group in a period."""
    group, period, after = visit.asked("group"), periods.asked(visit), visit.asked("after")
    asked: dict[str, Any] = {
        "logGroupName": group,
        "startTime": period.start * 1000,
        "endTime": period.end * 1000,
        "limit": _MOST,
        "unmask": visit.asked("unmask") == "1",
    }
    if visit.asked("pattern"):
        asked["filterPattern"] = visit.asked("pattern")
    if visit.asked("stream"):
        asked["logStreamNames"] = [visit.asked("stream")]
    if after:
        asked["nextToken"] = after
    found: dict[str, Any] = {}
    refusal, status = "", 200
    if group:
        try:
            found = visit.client("logs").filter_log_events(**asked)
        except ClientError as error:
            status, refusal = refusals.refused(error)
    return visit.page(
        "logs/events.html",
        status=status,
        group=group,
        groups=groups_of(visit),
        period=period,
        lasts=list(periods.LAST),
        events=found.get("events", []),
        more=found.get("nextToken", ""),
        refusal=refusal,
    )


def tail(visit: Visit) -> WireResponse:
    """Follow a group over StartLiveTail, as server-sent events."""
    client = visit.client("logs")
    group = client.describe_log_groups(logGroupNamePrefix=visit.asked("group"), limit=1)["logGroups"]
    if not group or group[0]["logGroupName"] != visit.asked("group"):
        return visit.problem(404, f"There is no log group {visit.asked('group')}.")
    asked: dict[str, Any] = {"logGroupIdentifiers": [group[0]["logGroupArn"]]}
    if visit.asked("pattern"):
        asked["logEventFilterPattern"] = visit.asked("pattern")
    if visit.asked("stream"):
        asked["logStreamNames"] = [visit.asked("stream")]
    return events(_followed(client.start_live_tail(**asked)["responseStream"]))


def _followed(stream: Any) -> Iterator[tuple[str, Any]]:
    try:
        for event in stream:
            update = event.get("sessionUpdate", {})
            results = update.get("sessionResults", [])
            if not results:
                yield "", None
            for result in results:
                yield (
                    "log",
                    {"at": result["timestamp"], "stream": result["logStreamName"], "text": result["message"]},
                )
            if update.get("sessionMetadata", {}).get("sampled"):
                yield "sampled", True
    except ClientError as error:
        yield "over", refusals.message(error)
    finally:
        stream.close()


def groups_of(visit: Visit) -> list[str]:
    """Return the first groups by name, for the choice; none for one who may not list them."""
    try:
        answer = visit.client("logs").describe_log_groups(limit=50)
    except ClientError:
        return []
    return [group["logGroupName"] for group in answer["logGroups"]]


ROUTES = (
    Route("GET", "/console/logs/events", show),
    Route("GET", "/console/logs/tail", tail),
)
