"""Labels of results: the generated ones, and dynamic values such as ${MAX} and ${PROP('Dim.InstanceId')}.

Source: Amazon CloudWatch user guide, "Using dynamic labels".
"""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from coldframe.engines.metricstore.keys import Metric
from coldframe.services.cloudwatch.expressions.values import TimeSeries

_DYNAMIC = re.compile(r"\$\{\s*(?:(?P<name>[A-Z_]+)|PROP\(\s*['\"](?P<prop>[^'\"]*)['\"]\s*\))\s*\}")
_ZONE = re.compile(r"([+-])(\d{2})([0-5]\d)")


class Setting(NamedTuple):
    """What labels say beside the values: the time now in seconds, the time zone, and the default label."""

    now: float
    zone: timezone
    default: str


def zone(text: str) -> timezone | None:
    """Return the time zone that `+0130` means, or None when it means none."""
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if offset >= timedelta(hours=24):
        return None
    return timezone(-offset if match[1] == "-" else offset)


def render(label: str, series: TimeSeries, setting: Setting) -> str:
    """Return a label with its dynamic values filled in; what is no dynamic value stays as it is."""

    def fill(match: "re.Match[str]") -> str:
        if match["prop"] is not None:
            found = _property(match["prop"], series)
            return match[0] if found is None else found
        return _value(match["name"], series, setting) or match[0]

    return _DYNAMIC.sub(fill, label)


def is_dynamic(label: str) -> bool:
    """Tell whether a label has dynamic values."""
    return _DYNAMIC.search(label) is not None


def generated(metrics: Sequence[Metric]) -> list[str]:
    """Return labels that tell metrics apart: the name where it differs, and the dimensions' values that differ."""
    several = len({metric.name for metric in metrics}) > 1
    values: dict[str, set[str | None]] = {}
    for metric in metrics:
        for name, _ in metric.dimensions:
            values.setdefault(name, set())
    for name, seen in values.items():
        seen.update(dict(metric.dimensions).get(name) for metric in metrics)
    labels = []
    for metric in metrics:
        parts = [metric.name] if several else []
        parts += [value for name, value in metric.dimensions if len(values[name]) > 1]
        labels.append(" ".join(parts) or metric.name)
    return labels


def _property(name: str, series: TimeSeries) -> str | None:
    metric = series.metric
    if name == "Period":
        return str(series.period)
    if metric is None:
        return None
    if name.startswith("Dim."):
        return dict(metric.dimensions).get(name[4:])
    return {
        "AccountId": metric.account,
        "AccountLabel": metric.account,
        "MetricName": metric.name,
        "Namespace": metric.namespace,
        "Region": metric.region,
        "Stat": series.stat,
    }.get(name)


def _value(name: str, series: TimeSeries, setting: Setting) -> str:
    """Return the text of a dynamic value; empty for a name that is none. Without values it says `--`."""
    if name == "LABEL":
        return setting.default
    if name == "DATAPOINT_COUNT":
        return str(len(series.points))
    moment = _MOMENTS.get(name)
    if moment is not None:
        form, chosen = moment
        if not series.points:
            return "--"
        return form(series, chosen, setting)
    return ""


def _number(value: float) -> str:
    rounded = round(value, 3)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


def _first(series: TimeSeries) -> int:
    return min(series.points)


def _last(series: TimeSeries) -> int:
    return max(series.points)


def _least(series: TimeSeries) -> int:
    return min(series.points, key=lambda time: series.points[time])


def _most(series: TimeSeries) -> int:
    return max(series.points, key=lambda time: series.points[time])


Pick = Callable[[TimeSeries], int]
Picks = tuple[Pick, ...]


def _as_number(series: TimeSeries, picks: Picks, setting: Setting) -> str:
    return _number(series.points[picks[0](series)])


def _difference(series: TimeSeries, picks: Picks, setting: Setting) -> str:
    before, after = (series.points[pick(series)] for pick in picks)
    return _number(after - before)


def _as_time(series: TimeSeries, picks: Picks, setting: Setting) -> str:
    moments = [datetime.fromtimestamp(pick(series), setting.zone) for pick in picks]
    suffix = "UTC" if setting.zone == UTC else ""
    return " - ".join(f"{moment:%Y-%m-%d %H:%M:%S} {suffix or format(moment, '%z')}" for moment in moments)


def _as_age(series: TimeSeries, picks: Picks, setting: Setting) -> str:
    return " - ".join(_age(setting.now - pick(series)) for pick in picks)


def _age(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit} ago"
    return f"{int(max(0, seconds))}s ago"


def _sum(series: TimeSeries, picks: Picks, setting: Setting) -> str:
    return _number(math.fsum(series.points.values()))


def _average(series: TimeSeries, picks: Picks, setting: Setting) -> str:
    return _number(math.fsum(series.points.values()) / len(series.points))


_MOMENTS: dict[str, tuple[Callable[[TimeSeries, Picks, Setting], str], Picks]] = {
    "AVG": (_average, ()),
    "SUM": (_sum, ()),
    "MIN_MAX_RANGE": (_difference, (_least, _most)),
    "MIN_MAX_TIME_RANGE": (_as_time, (_least, _most)),
    "FIRST_LAST_RANGE": (_difference, (_first, _last)),
    "FIRST_LAST_TIME_RANGE": (_as_time, (_first, _last)),
    **{
        f"{name}{suffix}": (form, (pick,))
        for name, pick in (("FIRST", _first), ("LAST", _last), ("MIN", _least), ("MAX", _most))
        for suffix, form in (("", _as_number), ("_TIME", _as_time), ("_TIME_RELATIVE", _as_age))
    },
}
