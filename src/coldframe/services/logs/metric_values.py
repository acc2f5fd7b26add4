"""Metric transformations: the value and the dimensions that a matched log event adds to a CloudWatch metric.

Sources: "Configuring metric values for a metric filter", "Publishing dimensions with metrics from values in JSON or
space-delimited log events" and the API's MetricTransformation. The metric value is a number, or a selector whose
number is taken from each event: `$.latency` under a JSON pattern, `$bytes` or `$7` under a space-delimited one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coldframe.services.logs.filter_patterns import FilterPattern, InvalidPattern, Match
from coldframe.services.logs.filter_patterns.comparisons import NUMBER
from coldframe.services.logs.filter_patterns.selectors import parse_selector

MAXIMUM_DIMENSIONS = 3
GREATEST_VALUE = 2.0**360
"""CloudWatch keeps values between -2**360 and 2**360, and neither infinity nor NaN (PutMetricData)."""


class InvalidTransformation(Exception):
    """A metric transformation that cannot go with its pattern; `message` is for an InvalidParameterException."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Observation:
    """One data point: a value in the transformation's unit, and the dimensions by name."""

    value: float
    dimensions: dict[str, str]
    unit: str


@dataclass(frozen=True, slots=True)
class MetricTransformation:
    """A checked transformation; make one with `compile_transformation`."""

    metric_value: str
    constant: float | None
    """The value of every match, or None where a selector finds it in the event."""
    default_value: float | None = None
    """What to report for a minute in which events came and none matched; None reports nothing."""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    unit: str = "None"

    def observe(self, match: Match) -> Observation | None:
        """Return the data point of a match.

        None where the selected value is absent or no number, or where a dimension's value is absent or empty: such
        an event publishes nothing.
        """
        value = self.constant if self.constant is not None else numeric_value(match.value(self.metric_value))
        if value is None:
            return None
        dimensions = {}
        for name, selector in self.dimensions.items():
            text = match.value(selector)
            if not text:
                return None
            dimensions[name] = text
        return Observation(value, dimensions, self.unit)


def compile_transformation(
    pattern: FilterPattern,
    metric_value: str,
    *,
    default_value: float | None = None,
    dimensions: Mapping[str, str] | None = None,
    unit: str = "None",
) -> MetricTransformation:
    """Check a transformation against its pattern; raise InvalidTransformation with the reason where it cannot work."""
    dimensions = dict(dimensions or {})
    constant = numeric_value(metric_value)
    if constant is None:
        _check_selector(pattern, metric_value, "metric value")
    if len(dimensions) > MAXIMUM_DIMENSIONS:
        raise InvalidTransformation(f"A metric filter can have at most {MAXIMUM_DIMENSIONS} dimensions.")
    if dimensions and default_value is not None:
        raise InvalidTransformation("A metric filter with dimensions can't have a default value.")
    for name, selector in dimensions.items():
        if not name.strip():
            raise InvalidTransformation("A dimension's name must not be empty.")
        _check_selector(pattern, selector, f"dimension {name!r}")
    return MetricTransformation(metric_value, constant, default_value, dimensions, unit)


def numeric_value(text: str | None) -> float | None:
    """Return the number a text is (decimal or in scientific notation), or None; also for one CloudWatch cannot keep."""
    if text is None or not NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) <= GREATEST_VALUE else None


def _check_selector(pattern: FilterPattern, selector: str, place: str) -> None:
    """Raise InvalidTransformation where events of this pattern have no field that the selector could name."""
    if not selector.startswith("$"):
        raise InvalidTransformation(f"Invalid {place}: {selector!r} is neither a number nor a selector.")
    if pattern.kind == "terms":
        raise InvalidTransformation(
            f"Invalid {place}: {selector!r} needs a JSON or space-delimited filter pattern."
        )
    if pattern.kind == "space-delimited":
        if selector not in pattern.field_names and not selector[1:].isdecimal():
            raise InvalidTransformation(f"Invalid {place}: the filter pattern has no field {selector!r}.")
        return
    try:
        parse_selector(selector)
    except InvalidPattern as error:
        raise InvalidTransformation(f"Invalid {place}: {selector!r}: {error.reason}") from error
