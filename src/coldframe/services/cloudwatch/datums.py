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
    oldest, newest = now - OLDEST_SECONDS, now + NEWEST_SECONDS
    for number, datum in enumerate(datums, 1):
        given = datum.get("Dimensions")
        pairs = tuple([(each["Name"], each["Value"]) for each in given]) if given else ()
        metric = _metric(*place, namespace, datum["MetricName"], pairs)
        if metric is None:
            raise _refused_name(datum["MetricName"], pairs, f"{path}.member.{number}")
        resolution = datum.get("StorageResolution", 60)
        if resolution not in {1, 60}:
            raise invalid(
                f"The parameter {path}.member.{number}.StorageResolution must be one of the values 1, 60."
            )
        stamp = datum.get("Timestamp")
        at = now if stamp is None else stamp.timestamp()
        if not oldest <= at <= newest:
            _refuse_time(f"{path}.member.{number}", at > now)
        value = datum.get("Value")
        if value is not None and _RARE.isdisjoint(datum) and -GREATEST <= value <= GREATEST:
            found.append(Sample(metric, datum.get("Unit", "None"), int(at), resolution, (value,)))
            continue
        values, counts, summary = _content(datum, f"{path}.member.{number}")
        unit = datum.get("Unit", "None")
        found.append(Sample(metric, unit, int(at), resolution, values, counts, summary))
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


@lru_cache(maxsize=20_000)
def _metric(
    account: str, region: str, namespace: str, name: str, pairs: tuple[tuple[str, str], ...]
) -> Metric | None:
    """Return the metric of a name and dimensions as they were sent; None when they may not be."""
    if not _text(name) or not all(
        _text(key) and _text(value) and not key.startswith(":") for key, value in pairs
    ):
        return None
    if len({key for key, _ in pairs}) < len(pairs):
        return None
    return Metric(account, region, namespace, name, tuple(sorted(pairs)))


def _refused_name(name: str, pairs: Sequence[tuple[str, str]], path: str) -> ServiceFault:
    """Say what is wrong with a name and dimensions of which no metric could be made."""
    if not _text(name):
        return invalid(f"The parameter {path}.MetricName must contain only ASCII characters.")
    for number, pair in enumerate(pairs, 1):
        for part, text in zip(("Name", "Value"), pair, strict=True):
            if not _text(text) or (part == "Name" and text.startswith(":")):
                return invalid(
                    f"The value {text!a} for parameter {path}.Dimensions.member.{number}.{part} is invalid."
                )
    return invalid(f"The parameter {path}.Dimensions contains the same dimension name more than once.")


def _content(
    datum: Datum, path: str
) -> tuple[Sequence[float], Sequence[float], tuple[float, float, float, float] | None]:
    value, values, statistics = datum.get("Value"), datum.get("Values"), datum.get("StatisticValues")
    # AWS takes Values beside StatisticValues; here the former, of which percentiles can be had, count then.
    other = "Values" if values else "StatisticValues" if statistics is not None else None
    if value is not None and other is not None:
        raise ServiceFault(
            "InvalidParameterCombination",
            f"The parameters {path}.Value and {path}.{other} are mutually exclusive and you have specified both.",
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
    if statistics is not None and not values:
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
    if not _all_fit(values):
        for number, value in enumerate(values, 1):
            _check(value, f"{path}.Values.member.{number}")
    if counts and not (_all_fit(counts) and min(counts) > 0):
        for number, count in enumerate(counts, 1):
            _check(count, f"{path}.Counts.member.{number}")
            if count <= 0:
                raise invalid(f"The parameter {path}.Counts.member.{number} must be greater than 0.")
    return values, counts


def _all_fit(numbers: Sequence[float]) -> bool:
    """Tell whether every number may be put; one that is NaN makes the sum NaN, whatever least and most say."""
    return min(numbers) >= -GREATEST and max(numbers) <= GREATEST and not math.isnan(sum(numbers))


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
