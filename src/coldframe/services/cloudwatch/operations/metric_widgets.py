"""Metric widgets: drawn as images."""

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt
from coldframe.engines.metricstore.keys import Metric
from coldframe.services.cloudwatch.alarms.faults import invalid
from coldframe.services.cloudwatch.dashboards import picture, widget
from coldframe.services.cloudwatch.dashboards.charts import Drawn
from coldframe.services.cloudwatch.datums import dimension_pairs
from coldframe.services.cloudwatch.expressions import labels
from coldframe.services.cloudwatch.metric_reader import MetricReader, Series

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        GetMetricWidgetImageInputTypeDef,
        GetMetricWidgetImageOutputTypeDef,
    )

_BAND = re.compile(r"\s*ANOMALY_DETECTION_BAND\s*\(")


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
        "MetricWidgetImage": picture.draw(wanted, _drawn(call, wanted, found))
    }


def _drawn(call: Call, wanted: widget.Widget, found: Sequence[Series]) -> list[Drawn]:
    """The visible series in the order of the widget's metrics, each with its color; a band is drawn as one."""
    by_id: dict[str, list[Series]] = {}
    for series in found:
        by_id.setdefault(series.id, []).append(series)
    own = _own_labels(call, wanted)
    drawn: list[Drawn] = []
    for line in wanted.lines:
        several = by_id.get(line.query["Id"], []) if line.visible else []
        if len(several) == 2 and _BAND.match(line.query.get("Expression", "")):
            floor, several = several[1].points, several[:1]
        else:
            floor = None
        for series in several:
            color = line.color or picture.PALETTE[len(drawn) % len(picture.PALETTE)]
            label = own.get(series.id) or series.label or line.query["Id"]
            if floor is not None:
                label = label.replace(" (expected max)", " (expected)")
            drawn.append(Drawn(label, color, line.right, series.points, _gap(line.query, series), floor))
    return drawn


def _own_labels(call: Call, wanted: widget.Widget) -> dict[str, str]:
    """Labels that tell the metrics without one apart, by their ids; none where only statistics or periods differ."""
    plain = [
        line.query for line in wanted.lines if "MetricStat" in line.query and not line.query.get("Label")
    ]
    metrics = [
        Metric(
            call.account,
            call.region,
            metric["Namespace"],
            metric["MetricName"],
            dimension_pairs(metric.get("Dimensions")),
        )
        for metric in (query["MetricStat"]["Metric"] for query in plain)
    ]
    texts = labels.generated(metrics)
    if len(set(texts)) < len(texts):
        return {}
    return {query["Id"]: text for query, text in zip(plain, texts, strict=True)}


def _gap(query: dict[str, Any], series: Series) -> int:
    """How far apart, in milliseconds, two values may be to be connected: one period and a half."""
    period = query["MetricStat"]["Period"] if "MetricStat" in query else query.get("Period")
    if period is None:
        times = sorted(series.points)
        period = min((later - before for before, later in itertools.pairwise(times)), default=60_000) / 1000
    return int(period * 1500)
