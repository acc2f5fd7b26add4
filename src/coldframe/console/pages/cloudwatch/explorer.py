"""The explorer: metrics by namespace, and the chosen ones in one chart."""

import json
from typing import Any

from coldframe.console import periods, refusals
from coldframe.console.pages.cloudwatch import series
from coldframe.console.routes import Route
from coldframe.console.visit import Visit, as_json
from coldframe.core.client_errors import ClientError
from coldframe.core.wire import WireResponse

_MOST = 1000
STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p95", "p99")


def show(visit: Visit) -> WireResponse:
    """Show the explorer."""
    refusal, metrics, more = "", list[dict[str, Any]](), False
    try:
        pages = (
            visit.client("cloudwatch")
            .get_paginator("list_metrics")
            .paginate(PaginationConfig={"MaxItems": _MOST})
        )
        metrics = [metric for page in pages for metric in page["Metrics"]]
        more = bool(pages.resume_token)
    except ClientError as error:
        refusal = refusals.message(error)
    namespaces: dict[str, list[dict[str, Any]]] = {}
    for metric in metrics:
        namespaces.setdefault(metric["Namespace"], []).append(metric)
    return visit.page(
        "cloudwatch/explorer.html",
        namespaces=namespaces,
        more=more,
        refusal=refusal,
        period=periods.asked(visit),
        lasts=list(periods.LAST),
        statistics=STATISTICS,
    )


def data(visit: Visit) -> WireResponse:
    """Answer with the values of the series that a page names."""
    try:
        period = periods.asked(visit)
        asked = series.sent(json.loads(visit.asked("series", "[]")), period)
        return as_json(series.values(visit, asked, period))
    except ClientError as error:
        status, text = refusals.refused(error)
        return as_json({"problem": text}, status)
    except ValueError as bad:
        return as_json({"problem": f"These are no series: {bad}"}, 400)


ROUTES = (
    Route("GET", "/console/cloudwatch/explore", show),
    Route("GET", "/console/cloudwatch/data", data),
)
