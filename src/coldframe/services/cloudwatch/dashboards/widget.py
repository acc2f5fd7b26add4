"""A metric widget as GetMetricWidgetImage is given it: JSON read into what is to be drawn.

Source: CloudWatch API reference, "GetMetricWidgetImage: Metric Widget Structure and Syntax".
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timezone
from typing import Any

from coldframe.services.cloudwatch.dashboards import metrics_array, times
from coldframe.services.cloudwatch.dashboards.metrics_array import Line

VIEWS = ("timeSeries", "singleValue", "gauge", "bar", "pie")
MOST_METRICS = 500
_LARGEST = 2000
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class WidgetError(ValueError):
    """The widget cannot be drawn; the message names the field."""


@dataclass(frozen=True)
class Axis:
    """A vertical axis; None is found from the data."""

    low: float | None = None
    high: float | None = None
    label: str = ""


@dataclass(frozen=True)
class Annotation:
    """A line across the graph: at a value (horizontal) or a time in milliseconds (vertical).

    `fill` says on which side of it is shaded: above, below, before, after, or between it and `other`, the end of a band.
    """

    at: float
    label: str
    color: str
    right: bool = False
    fill: str = "none"
    other: float | None = None


@dataclass(frozen=True)
class Widget:
    """What is to be drawn; times are milliseconds since 1970, sizes are pixels."""

    width: int
    height: int
    title: str
    view: str
    stacked: bool
    lines: list[Line]
    start: int
    end: int
    zone: timezone
    left: Axis
    right: Axis
    horizontal: list[Annotation]
    vertical: list[Annotation]
    legend: str
    dark: bool
    sparkline: bool = False


def read(text: str, now: int) -> Widget:
    """Read a widget; raises WidgetError."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise WidgetError("MetricWidget is not valid JSON") from None
    if not isinstance(given, dict):
        raise WidgetError("MetricWidget must be a JSON object")
    try:
        return _read(given, now)
    except (TypeError, AttributeError, KeyError) as error:
        raise WidgetError(f"MetricWidget holds a value of the wrong type: {error}") from None
    except ValueError as error:
        raise WidgetError(str(error)) from None


def _read(given: Mapping[str, Any], now: int) -> Widget:
    metrics = given.get("metrics", [])
    annotations = given.get("annotations", {})
    if not metrics and not annotations:
        raise WidgetError("metrics must not be empty")
    if not isinstance(metrics, list) or len(metrics) > MOST_METRICS:
        raise WidgetError(f"metrics must be a list of at most {MOST_METRICS}")
    view = given.get("view", "timeSeries")
    if view not in VIEWS:
        raise WidgetError(f"view must be one of {', '.join(VIEWS)}")
    start = times.read(given.get("start", "-PT3H"), now)
    end = times.read(given.get("end", "PT0H"), now)
    if start >= end:
        raise WidgetError("start must be before end")
    axes = given.get("yAxis", {})
    left = _axis(axes.get("left", {}))
    if view == "gauge" and (left.low is None or left.high is None):
        raise WidgetError("a gauge needs yAxis.left.min and yAxis.left.max")
    period = given.get("period", 300)
    if given.get("setPeriodToTimeRange") and view != "timeSeries":
        period = max(60, (end - start) // 60_000 * 60)
    lines = metrics_array.read(metrics, stat=str(given.get("stat", "Average")), period=period)
    legend = given.get("legend", {}).get("position", "bottom")
    if legend not in {"bottom", "right", "hidden"}:
        raise WidgetError("legend.position must be bottom, right or hidden")
    for line in lines:
        if line.color is not None and not _COLOR.fullmatch(line.color):
            raise WidgetError(f"{line.color} is no color such as #1f77b4")
    return Widget(
        width=_size(given, "width", 600),
        height=_size(given, "height", 400),
        title=str(given.get("title", "")),
        view=view,
        stacked=bool(given.get("stacked", False)),
        lines=lines,
        start=start,
        end=end,
        zone=times.zone(given.get("timezone", "+0000")),
        left=left,
        right=_axis(axes.get("right", {})),
        horizontal=[
            annotation for each in annotations.get("horizontal", []) for annotation in _horizontal(each)
        ],
        vertical=[
            annotation for each in annotations.get("vertical", []) for annotation in _vertical(each, now)
        ],
        legend=legend,
        dark=given.get("theme") == "dark",
        sparkline=view == "singleValue" and bool(given.get("sparkline", False)),
    )


def _size(given: Mapping[str, Any], name: str, usual: int) -> int:
    value = given.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LARGEST:
        raise WidgetError(f"{name} must be a number from 1 to {_LARGEST}")
    return value


def _axis(given: Mapping[str, Any]) -> Axis:
    low, high = given.get("min"), given.get("max")
    low, high = (None if bound is None else float(bound) for bound in (low, high))
    if low is not None and high is not None and low >= high:
        raise WidgetError("the min of an axis must be below its max")
    return Axis(low, high, str(given.get("label", "")))


def _horizontal(each: Any) -> list[Annotation]:
    return _annotation(each, ("above", "below"), "#d62728", float)


def _vertical(each: Any, now: int) -> list[Annotation]:
    return _annotation(each, ("before", "after"), "#1f77b4", lambda value: float(times.read(value, now)))


def _annotation(
    each: Any, sides: tuple[str, str], usual: str, read: Callable[[Any], float]
) -> list[Annotation]:
    """One line, or the two that a band is made of, of which the first is shaded up to the second."""
    ends = each if isinstance(each, list) else [each]
    if not 1 <= len(ends) <= 2 or any("value" not in end for end in ends):
        raise WidgetError("an annotation has a value, and a band is a list of two that have one")
    color = next((end["color"] for end in ends if "color" in end), usual)
    if not _COLOR.fullmatch(color):
        raise WidgetError(f"{color} is no color such as #1f77b4")
    band = len(ends) == 2
    fill = next((end["fill"] for end in ends if "fill" in end), "between" if band else "none")
    allowed = ("between", "none") if band else (*sides, "none")
    if fill not in allowed:
        raise WidgetError(f"the fill of an annotation must be one of {', '.join(allowed)}")
    other = read(ends[1]["value"]) if band else None
    shaded = [(fill, other), ("none", None)]
    right = ends[0].get("yAxis") == "right"
    return [
        Annotation(read(end["value"]), str(end.get("label", "")), color, right, *how)
        for end, how in zip(ends, shaded, strict=False)
        if end.get("visible", True)
    ]
