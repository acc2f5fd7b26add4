"""The state of a metric alarm as it follows from its data points, with AWS's rules for those that are missing.

Source: Amazon CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Treatment = Literal["breaching", "notBreaching", "ignore", "missing"]

_EXTRA = 2


@dataclass(frozen=True)
class Datapoint:
    """One period of the watched metric: when it began (milliseconds since 1970), its value, and the band it is held to.

    A band is the lower and upper bound of an anomaly detection model at that time; `samples` says how many samples the
    value is made of, None where it comes of metric math.
    """

    at: int
    value: float
    band: tuple[float, float] | None = None
    samples: float | None = None


@dataclass(frozen=True)
class Rule:
    """What an alarm compares: M (`to_alarm`) of the last N (`periods`) data points against a threshold."""

    comparison: str
    threshold: float | None
    periods: int
    to_alarm: int
    treatment: Treatment

    @property
    def range(self) -> int:
        """The number of most recent periods to retrieve: two more than are needed, in case some are missing."""
        return self.periods + _EXTRA


@dataclass(frozen=True)
class Verdict:
    """The state that follows, the data points it follows from (newest first) and how many missing ones were filled in.

    `state` is None where the alarm keeps the state it has. `missing` says when the periods began that were filled in,
    newest first, where there was no data at all.
    """

    state: State | None
    evaluated: tuple[Datapoint, ...]
    breaching: tuple[Datapoint, ...]
    filled: int
    missing: tuple[int, ...] = ()

    @property
    def shown(self) -> tuple[Datapoint, ...]:
        """The data points that speak for the state, newest first."""
        if self.state == "ALARM":
            return self.breaching
        return tuple(point for point in self.evaluated if point not in self.breaching)


_SINGLE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, bound: value >= bound,
    "GreaterThanThreshold": lambda value, bound: value > bound,
    "LessThanThreshold": lambda value, bound: value < bound,
    "LessThanOrEqualToThreshold": lambda value, bound: value <= bound,
}
_BANDED: dict[str, Callable[[float, float, float], bool]] = {
    "LessThanLowerOrGreaterThanUpperThreshold": lambda value, low, high: value < low or value > high,
    "LessThanLowerThreshold": lambda value, low, _: value < low,
    "GreaterThanUpperThreshold": lambda value, _, high: value > high,
}
BAND_OPERATORS = frozenset(_BANDED)


def breaches(point: Datapoint, rule: Rule) -> bool:
    """Tell whether a data point is outside of what the rule allows; a point without its band is not."""
    if rule.comparison in _BANDED:
        return point.band is not None and _BANDED[rule.comparison](point.value, *point.band)
    return rule.threshold is not None and _SINGLE[rule.comparison](point.value, rule.threshold)


def evaluate(points: Sequence[Datapoint | None], rule: Rule) -> Verdict:
    """Judge the evaluation range: `points` are its periods, oldest first, None where there is no data."""
    wanted = points[-rule.range :]
    real = [(place, point) for place, point in enumerate(reversed(wanted), start=1) if point is not None][
        : rule.periods
    ]
    evaluated = tuple(point for _, point in real)
    breaching = tuple(point for point in evaluated if breaches(point, rule))
    filled = rule.periods - len(evaluated)
    if filled == 0 or rule.treatment in {"breaching", "notBreaching"}:
        counted = len(breaching) + (filled if rule.treatment == "breaching" else 0)
        state: State | None = "ALARM" if counted >= rule.to_alarm else "OK"
    else:
        state = _of_some(evaluated, breaching, rule, oldest=real[-1][0] if real else 0)
    return Verdict(state, evaluated, breaching, filled)


def _of_some(
    evaluated: tuple[Datapoint, ...], breaching: tuple[Datapoint, ...], rule: Rule, *, oldest: int
) -> State | None:
    """Judge fewer data points than are needed, of which `oldest` says how many periods ago the first one was."""
    if len(breaching) >= rule.to_alarm:
        return "ALARM"
    if len(breaching) < len(evaluated):
        return "OK"
    if rule.treatment == "ignore":
        return None
    if not evaluated:
        return "INSUFFICIENT_DATA"
    # All there is breaches. Once that began as long ago as an alarm needs, what is missing since no longer excuses it;
    # before, the next data point may still be good.
    return "ALARM" if oldest >= rule.to_alarm else "OK"


def settled(point: Datapoint, rule: Rule, statistic: str | None) -> bool:
    """Tell whether the data point of a period that is not over yet counts already: more data must not take it back.

    A growing statistic counts once it is too high, a falling one once it is too low; averages and percentiles are
    estimates that more data refines. What metric math makes of several (`statistic` None) waits for the period's end.
    """
    if statistic is None:
        return False
    if statistic in {"Sum", "SampleCount", "Maximum"}:
        return rule.comparison.startswith("Greater") and breaches(point, rule)
    if statistic == "Minimum":
        return (
            rule.comparison.startswith("Less") and "Greater" not in rule.comparison and breaches(point, rule)
        )
    return True


def enough_samples(statistic: str, samples: float) -> bool:
    """Tell whether a percentile of that many samples is statistically significant (`p99` needs 1,000)."""
    if not statistic.startswith("p"):
        return True
    percentile = float(statistic[1:]) / 100
    if not 0 < percentile < 1:
        return True
    return samples >= 10 / (1 - percentile if percentile >= 0.5 else percentile)
