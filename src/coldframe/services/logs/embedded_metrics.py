"""The embedded metric format: metrics that a log event carries, and that arrive in CloudWatch with it.

Source: "Specification: Embedded metric format" in the CloudWatch user guide. What an event says is taken whole or not at
all. Values of a high resolution are kept by the minute.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from coldframe.services.logs.limits import NEWEST, OLDEST
from coldframe.services.logs.metric_values import GREATEST_VALUE

MARK = '"CloudWatchMetrics"'
"""Stands in every event of this format."""

MOST_METRICS, MOST_VALUES, MOST_DIMENSIONS = 100, 100, 30
_LONGEST_NAME, _LONGEST_VALUE = 1024, 1024
_SIZES = (
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
)
UNITS = frozenset(
    (
        *("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"),
        *_SIZES,
        *(f"{size}/Second" for size in _SIZES),
    )
)


class NotEmbedded(Exception):
    """An event that says it is of this format and is not; `metric` is the one of AWS/Logs that counts these."""

    def __init__(self, metric: str) -> None:
        super().__init__(metric)
        self.metric = metric


class Datum(NamedTuple):
    """A value, that occurred so many `times`, for a metric; `at` is in milliseconds."""

    namespace: str
    name: str
    value: float
    times: float
    dimensions: dict[str, str]
    unit: str
    at: int


def embedded(message: str, now: int) -> list[Datum]:
    """Return the values that an event with MARK in it carries; raises NotEmbedded."""
    try:
        document = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotEmbedded("EMFParsingErrors") from error
    try:
        return list(_data(document, now))
    except (KeyError, TypeError, ValueError) as error:
        raise NotEmbedded("EMFValidationErrors") from error


def _data(document: Mapping[str, Any], now: int) -> Iterator[Datum]:
    about = document["_aws"]
    at, directives = int(_number(about["Timestamp"])), about["CloudWatchMetrics"]
    if not now - OLDEST <= at <= now + NEWEST or not isinstance(directives, list):
        raise ValueError("the time is too far from the present, or there is no list of directives")
    for directive in directives:
        namespace = _text(directive["Namespace"], 255)
        if namespace.startswith("AWS/"):
            raise ValueError("a namespace of AWS's own")
        metrics = directive["Metrics"]
        if len(metrics) > MOST_METRICS:
            raise ValueError("too many metrics")
        values = [(_named(metric), list(_values(document[metric["Name"]]))) for metric in metrics]
        for keys in directive["Dimensions"]:
            dimensions = _dimensions(document, keys)
            for (name, unit), counted in values:
                for value, count in counted:
                    yield Datum(namespace, name, value, count, dimensions, unit, at)


def _named(metric: Mapping[str, Any]) -> tuple[str, str]:
    unit = metric.get("Unit", "None")
    if unit not in UNITS or metric.get("StorageResolution", 60) not in {1, 60}:
        raise ValueError("no unit or no resolution of CloudWatch")
    return _text(metric["Name"], _LONGEST_NAME), unit


def _dimensions(document: Mapping[str, Any], keys: Any) -> dict[str, str]:
    if not isinstance(keys, list) or len(keys) > MOST_DIMENSIONS:
        raise ValueError("no list of dimensions, or a long one")
    return {_text(key, _LONGEST_NAME): _text(document[key], _LONGEST_VALUE) for key in keys}


def _values(target: Any) -> Iterator[tuple[float, float]]:
    """Give the values of a target with their counts: of a number, a list, or a list with counts."""
    if isinstance(target, dict):
        values, counts = target["Values"], target["Counts"]
        if len(values) != len(counts):
            raise ValueError("each value has a count")
    else:
        values = target if isinstance(target, list) else [target]
        counts = [1.0] * len(values)
    if len(values) > MOST_VALUES:
        raise ValueError("too many values")
    for value, count in zip(values, counts, strict=True):
        yield _number(value), _number(count)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > GREATEST_VALUE:
        raise ValueError("no number that CloudWatch keeps")
    return float(value)


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not value.strip():
        raise ValueError("no text, an empty one, or one that is too long")
    return value
