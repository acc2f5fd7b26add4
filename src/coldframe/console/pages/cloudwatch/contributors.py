"""The contributors of a Contributor Insights rule: who they are, how much each has, and when."""

from datetime import UTC, datetime
from typing import Any

from coldframe.console import periods, refusals
from coldframe.console.routes import Route
from coldframe.console.visit import Visit
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse


def show(visit: Visit) -> WireResponse:
    """Show the report of a rule."""
    name, period = visit.asked("name"), periods.asked(visit)
    refusal, status = "", 200
    report: dict[str, Any] = {}
    try:
        report = visit.client("cloudwatch").get_insight_rule_report(
            RuleName=name,
            StartTime=datetime.fromtimestamp(period.start, UTC),
            EndTime=datetime.fromtimestamp(period.end, UTC),
            Period=period.step,
            MaxContributorCount=20,
            Metrics=["UniqueContributors", "MaxContributorValue"],
        )
    except ClientError as error:
        status, refusal = refusals.refused(error)
    contributors = report.get("Contributors", [])
    times = sorted(
        {int(point["Timestamp"].timestamp()) for each in contributors for point in each["Datapoints"]}
    )
    drawn = [
        {
            "label": ", ".join(each["Keys"]),
            "values": [_values(each).get(time) for time in times],
        }
        for each in contributors[:8]
    ]
    most = max((each["ApproximateAggregateValue"] for each in contributors), default=0)
    return visit.page(
        "cloudwatch/contributors.html",
        status=status,
        name=name,
        report=report,
        contributors=contributors,
        most=most,
        chart={"times": times, "series": drawn, "stacked": True, "range": [period.start, period.end]},
        period=period,
        lasts=list(periods.LAST),
        refusal=refusal,
    )


def _values(contributor: dict[str, Any]) -> dict[int, float]:
    return {
        int(point["Timestamp"].timestamp()): point["ApproximateValue"] for point in contributor["Datapoints"]
    }


ROUTES = (Route("GET", "/console/cloudwatch/rule", show),)
