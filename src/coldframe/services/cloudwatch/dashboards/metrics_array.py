"""The metrics of a widget: arrays that may repeat what stood before them, made into queries.

Source: CloudWatch API reference, "Metric Widget: Format for Each Metric in the Array".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """A metric or expression of a widget: its query, and how it is shown."""

    query: dict[str, Any]
    color: str | None
    right: bool
    visible: bool


def read(metrics: Sequence[Any], *, stat: str, period: int) -> list[Line]:
    """Return the lines of a widget; raises ValueError that names the entry that is wrong."""
    lines: list[Line] = []
    before: list[str] = []
    taken = {each[-1]["id"] for each in metrics if _has_options(each) and "id" in each[-1]}
    for number, entry in enumerate(metrics):
        if not isinstance(entry, list) or not entry:
            raise ValueError(f"metrics[{number}] must be a list that is not empty")
        options: Mapping[str, Any] = entry[-1] if _has_options(entry) else {}
        words = entry[:-1] if _has_options(entry) else entry
        name = options.get("id") or _free(number, taken)
        if not words:
            query = _expression(number, options)
        else:
            before = _whole(number, words, before)
            query = _metric(number, before, options, stat, period)
        if "label" in options:
            query["Label"] = str(options["label"])
        lines.append(
            Line(
                {"Id": name, "ReturnData": True, **query},
                options.get("color"),
                options.get("yAxis") == "right",
                bool(options.get("visible", True)),
            )
        )
    return lines


def _has_options(entry: Any) -> bool:
    return isinstance(entry, list) and bool(entry) and isinstance(entry[-1], dict)


def _free(number: int, taken: set[str]) -> str:
    """An Id for a line that has none, unlike those that were given."""
    name = f"m{number + 1}"
    while name in taken:
        name = f"{name}_"
    taken.add(name)
    return name


def _expression(number: int, options: Mapping[str, Any]) -> dict[str, Any]:
    if "expression" not in options:
        raise ValueError(f"metrics[{number}] names neither a metric nor an expression")
    query: dict[str, Any] = {"Expression": str(options["expression"])}
    if "period" in options:
        query["Period"] = int(options["period"])
    return query


def _whole(number: int, words: Sequence[Any], before: Sequence[str]) -> list[str]:
    """Fill in `.` (the same word as before at this place) and `...` (all words as before up to the last ones)."""
    if not all(isinstance(word, str) for word in words):
        raise ValueError(f"metrics[{number}] must hold texts, and options at its end")
    if words[0] == "...":
        rest = list(words[1:])
        words = [*before[: len(before) - len(rest)], *rest]
    whole: list[str] = []
    for place, word in enumerate(words):
        if word == ".":
            if place >= len(before):
                raise ValueError(f"metrics[{number}] repeats a word that is not there before it")
            word = before[place]  # noqa: PLW2901  the loop's word stands for the one it repeats
        whole.append(word)
    if len(whole) < 2 or len(whole) % 2:
        raise ValueError(f"metrics[{number}] must be a namespace, a metric name and pairs of dimensions")
    return whole


def _metric(
    number: int, words: Sequence[str], options: Mapping[str, Any], stat: str, period: int
) -> dict[str, Any]:
    namespace, name, *rest = words
    length = options.get("period", period)
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise ValueError(f"the period of metrics[{number}] must be a number of seconds")
    dimensions = [{"Name": key, "Value": value} for key, value in zip(rest[::2], rest[1::2], strict=True)]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
    return {"MetricStat": {"Metric": metric, "Period": length, "Stat": str(options.get("stat", stat))}}
