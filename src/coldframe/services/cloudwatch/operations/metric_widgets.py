"""Metric widgets: drawn as images."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt
from coldframe.services.cloudwatch.alarms.faults import invalid
from coldframe.services.cloudwatch.dashboards import picture, widget
from coldframe.services.cloudwatch.dashboards.charts import Drawn
from coldframe.services.cloudwatch.metric_reader import MetricReader, Series

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        GetMetricWidgetImageInputTypeDef,
        GetMetricWidgetImageOutputTypeDef,
    )


def get_metric_widget_image(
    call: Call, request: "GetMetricWidgetImageInputTypeDef"
) -> "GetMetricWidgetImageOutputTypeDef":
    """Draw a metric widget as a PNG image."""
    kind = request.get("OutputFormat", "png")
    if kind == "image/png":
        raise NotBuilt("Images come within the answer: use OutputFormat png, as every SDK does.")
    if kind != "png":
        raise invalid(f"OutputFormat {kind} is not supported: only png is.")
    try:
        wanted = widget.read(request["MetricWidget"], call.now)
    except widget.WidgetError as error:
        raise invalid(f"Invalid MetricWidget: {error}") from None
    queries = [line.query for line in wanted.lines]
    found: list[Series] = []
    if queries:
        found = call.part(MetricReader).read(
            (call.account, call.region), queries, wanted.start, wanted.end, principal=call.principal
        )
    return {  # type: ignore[typeddict-item]
        "MetricWidgetImage": picture.draw(wanted, _drawn(wanted, found))
    }


def _drawn(wanted: widget.Widget, found: Sequence[Series]) -> list[Drawn]:
    """The visible series in the order of the widget's metrics, each with its color."""
    by_id: dict[str, list[Series]] = {}
    for series in found:
        by_id.setdefault(series.id, []).append(series)
    drawn: list[Drawn] = []
    for line in wanted.lines:
        for series in by_id.get(line.query["Id"], ()) if line.visible else ():
            color = line.color or picture.PALETTE[len(drawn) % len(picture.PALETTE)]
            label = series.label or line.query["Id"]
            drawn.append(Drawn(label, color, line.right, series.points, _gap(line.query, series)))
    return drawn


def _gap(query: dict[str, Any], series: Series) -> int:
    """How far apart, in milliseconds, two values may be to be connected: one period and a half."""
    period = query["MetricStat"]["Period"] if "MetricStat" in query else query.get("Period")
    if period is None:
        times = sorted(series.points)
        period = min((later - before for before, later in itertools.pairwise(times)), default=60_000) / 1000
    return int(period * 1500)
