"""From MetricDatum to samples: the checks of PutMetricData that the model does not state."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.engines.metricstore.errors import UnknownStatistic
from coldframe.engines.metricstore.keys import Metric, Sample
from coldframe.engines.metricstore.statistics import needs_distribution, statistic

MOST_METRICS = 1000
MOST_VALUES = 150
GREATEST = 2.0**360
OLDEST_SECONDS = 14 * 86400
NEWEST_SECONDS = 2 * 3600

_RARE = frozenset({"Values", "Counts", "StatisticValues"})

Datum = Mapping[str, Any]


def invalid(message: str) -> ServiceFault:
    """Return the fault of a parameter whose value is wrong."""
    return ServiceFault("InvalidParameterValue", message)


def check_namespace(namespace: str) -> None:
    """Raise InvalidParameterValue for a namespace that customers cannot write to."""
    if namespace.startswith("AWS/") or not _text(namespace):
        raise invalid(f"The value {namespace} for parameter Namespace is invalid.")


def samples(
    place: tuple[str, str], namespace: str, datums: Sequence[Datum], path: str, now: float
) -> list[Sample]:
    """Return the samples of some data; `path` names them in errors, as `MetricData`. `now` is in seconds.

    Raises InvalidParameterValue, InvalidParameterCombination and MissingParameter.
    """
    found = []
    for number, datum in enumerate(datums, 1):
        name = datum["MetricName"]
        if not _text(name):
            raise invalid(
                f"The parameter {path}.member.{number}.MetricName must contain only ASCII characters."
            )
        resolution = datum.get("StorageResolution", 60)
        if resolution not in {1, 60}:
            raise invalid(
                f"The parameter {path}.member.{number}.StorageResolution must be one of the values 1, 60."
            )
        stamp = datum.get("Timestamp")
        at = now if stamp is None else stamp.timestamp()
        if stamp is not None and not now - OLDEST_SECONDS <= at <= now + NEWEST_SECONDS:
            _refuse_time(f"{path}.member.{number}", at > now)
        given = datum.get("Dimensions")
        dimensions = _dimensions(given, f"{path}.member.{number}") if given else ()
        values, counts, summary = _content(datum, f"{path}.member.{number}")
        found.append(
            Sample(
                Metric(*place, namespace, name, dimensions),
                datum.get("Unit", "None"),
                int(at),
                resolution,
                values,
                counts,
                summary,
            )
        )
    return found


def dimension_pairs(dimensions: Sequence[Any] | None) -> tuple[tuple[str, str], ...]:
    """Return dimensions as a metric is known by: pairs sorted by name."""
    return tuple(sorted((each["Name"], each["Value"]) for each in dimensions or ()))


def is_statistic(name: str) -> bool:
    """Tell whether a name is one of CloudWatch's statistics, extended ones included."""
    try:
        statistic(name)
    except UnknownStatistic:
        return False
    return True


def is_extended(name: str) -> bool:
    """Tell whether a name is an extended statistic, such as p99 or TM(10%:90%)."""
    return is_statistic(name) and needs_distribution(name)


def _refuse_time(path: str, future: bool) -> None:
    when = "two hours in the future" if future else "two weeks in the past"
    raise invalid(f"The parameter {path}.Timestamp must specify a time no more than {when}.")


@lru_cache(maxsize=50_000)
def _text(value: str) -> bool:
    return value.isascii() and value.isprintable() and not value.isspace()


def _dimensions(given: Sequence[Mapping[str, str]], path: str) -> tuple[tuple[str, str], ...]:
    for number, each in enumerate(given, 1):
        for part in ("Name", "Value"):
            if not _text(each[part]) or (part == "Name" and each[part].startswith(":")):
                raise invalid(
                    f"The value {each[part]!a} for parameter {path}.Dimensions.member.{number}.{part} is invalid."
                )
    pairs = dimension_pairs(given)
    if len(pairs) > 1 and len({name for name, _ in pairs}) < len(pairs):
        raise invalid(f"The parameter {path}.Dimensions contains the same dimension name more than once.")
    return pairs


def _content(
    datum: Datum, path: str
) -> tuple[Sequence[float], Sequence[float], tuple[float, float, float, float] | None]:
    if _RARE.isdisjoint(datum) and "Value" in datum:
        _check(datum["Value"], f"{path}.Value")
        return (datum["Value"],), (), None
    value, values, statistics = datum.get("Value"), datum.get("Values"), datum.get("StatisticValues")
    given = [
        name
        for name, content in (("Value", value), ("Values", values), ("StatisticValues", statistics))
        if content is not None and content != []
    ]
    if len(given) > 1:
        raise ServiceFault(
            "InvalidParameterCombination",
            f"The parameters {path}.{given[0]} and {path}.{given[1]} are mutually exclusive and you have specified both.",
        )
    counts = datum.get("Counts") or ()
    if counts and not values:
        raise ServiceFault(
            "InvalidParameterCombination",
            f"The parameter {path}.Counts can only be specified with {path}.Values.",
        )
    if value is not None:
        _check(value, f"{path}.Value")
        return (value,), (), None
    if statistics is not None:
        return (), (), _summary(statistics, f"{path}.StatisticValues")
    if not values:
        raise ServiceFault(
            "MissingParameter",
            f"At least one of the parameters {path}.Value, {path}.Values or {path}.StatisticValues must be specified.",
        )
    return (*_listed(values, counts, path), None)


def _listed(
    values: Sequence[float], counts: Sequence[float], path: str
) -> tuple[Sequence[float], Sequence[float]]:
    if len(values) > MOST_VALUES:
        raise invalid(f"The collection {path}.Values must not have a size greater than {MOST_VALUES}.")
    if counts and len(counts) != len(values):
        raise invalid(f"The parameters {path}.Values and {path}.Counts must be of the same size.")
    for number, value in enumerate(values, 1):
        _check(value, f"{path}.Values.member.{number}")
    for number, count in enumerate(counts, 1):
        _check(count, f"{path}.Counts.member.{number}")
        if count <= 0:
            raise invalid(f"The parameter {path}.Counts.member.{number} must be greater than 0.")
    return values, counts


def _summary(statistics: Mapping[str, float], path: str) -> tuple[float, float, float, float]:
    for name, value in statistics.items():
        _check(value, f"{path}.{name}")
    count, total = statistics["SampleCount"], statistics["Sum"]
    least, most = statistics["Minimum"], statistics["Maximum"]
    if count <= 0:
        raise invalid(f"The parameter {path}.SampleCount must be greater than 0.")
    if least > most:
        raise ServiceFault(
            "InvalidParameterCombination",
            f"The parameter {path}.Maximum must be greater than or equal to {path}.Minimum.",
        )
    return count, total, least, most


def _check(value: float, path: str) -> None:
    if not -GREATEST <= value <= GREATEST:  # NaN fails it too
        text = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(
            value, "NaN" if value != value else str(value)
        )
        raise invalid(f"The value {text} for parameter {path} is invalid.")
