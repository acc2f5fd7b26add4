"""Which metrics a stream has, and which statistics of each beside the four that are always sent."""

from collections.abc import Mapping, Sequence
from typing import Any

ALWAYS = ("SampleCount", "Sum", "Maximum", "Minimum")


def selects(
    include: Sequence[Mapping[str, Any]], exclude: Sequence[Mapping[str, Any]], namespace: str, name: str
) -> bool:
    """Tell whether filters let a metric through: those to include name all there is, those to exclude the rest."""
    if include:
        return any(_fits(one, namespace, name) for one in include)
    return not any(_fits(one, namespace, name) for one in exclude)


def more_statistics(
    configurations: Sequence[Mapping[str, Any]], namespace: str, name: str
) -> tuple[str, ...]:
    """Return the additional statistics of a metric, each once, in the order in which they were given."""
    found: dict[str, None] = {}
    for each in configurations:
        if any((one["Namespace"], one["MetricName"]) == (namespace, name) for one in each["IncludeMetrics"]):
            found |= dict.fromkeys(each["AdditionalStatistics"])
    return tuple(found)


def _fits(one: Mapping[str, Any], namespace: str, name: str) -> bool:
    return one.get("Namespace") == namespace and (not one.get("MetricNames") or name in one["MetricNames"])
