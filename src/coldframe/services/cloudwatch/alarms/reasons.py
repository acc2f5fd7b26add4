"""Why an alarm is in its state, in AWS's words and in the JSON that goes with them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from coldframe.services.cloudwatch.alarms.evaluation import BAND_OPERATORS, Datapoint, Rule, Verdict

CREATED = "Unchecked: Initial alarm creation"
_LONGEST = 1023
_LONGEST_DATA = 4000

_COMPARED = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to the threshold",
    "GreaterThanThreshold": "greater than the threshold",
    "LessThanThreshold": "less than the threshold",
    "LessThanOrEqualToThreshold": "less than or equal to the threshold",
    "LessThanLowerOrGreaterThanUpperThreshold": "less than the lower thresholds {lower} or greater than the upper thresholds {upper}",
    "LessThanLowerThreshold": "less than the lower thresholds {lower}",
    "GreaterThanUpperThreshold": "greater than the upper thresholds {upper}",
}
_TREATED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


def number(value: float) -> str:
    """Write a number as AWS does: always with a fraction."""
    return repr(float(value))


def iso(milliseconds: int) -> str:
    """Write a time as alarms do: `2026-11-23T08:00:00.000+0000`."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}+0000"


def reason(verdict: Verdict, rule: Rule, *, counted: bool) -> str:
    """Say why a verdict is what it is; `counted` when the alarm names its DatapointsToAlarm."""
    if verdict.state == "INSUFFICIENT_DATA":
        missing = f"{verdict.filled} datapoint{'s were' if verdict.filled > 1 else ' was'} unknown"
        return f"Insufficient Data: {missing}."
    if not verdict.evaluated:
        periods = f"{rule.periods} period{'s' if rule.periods > 1 else ''}"
        return f"Threshold Crossed: no datapoints were received for {periods} and {_filled(verdict, rule)}."
    shown, alarm = verdict.shown, verdict.state == "ALARM"
    what = _amount(verdict, rule, shown, counted=counted)
    listed = ", ".join(f"{number(point.value)}{_time(point)}" for point in shown)
    were = "were" if len(shown) > 1 else "was"
    text = f"Threshold{'s' if rule.comparison in BAND_OPERATORS else ''} Crossed: {what} [{listed}]"
    text += f" {were} {'' if alarm else 'not '}{_compared(rule, shown)}"
    if verdict.filled and rule.treatment in _TREATED:
        text += f" and {_filled(verdict, rule)}"
    if counted:
        needed = rule.to_alarm if alarm else rule.periods - rule.to_alarm + 1
        way = "OK -> ALARM" if alarm else "ALARM -> OK"
        text += f" (minimum {needed} datapoint{'s' if needed > 1 else ''} for {way} transition)"
    return f"{text}."[:_LONGEST]


def _amount(verdict: Verdict, rule: Rule, shown: Sequence[Datapoint], *, counted: bool) -> str:
    if counted:
        return f"{len(shown)} out of the last {rule.periods} datapoints"
    return f"{len(shown)} datapoint{'s' if len(shown) > 1 else ''}"


def _compared(rule: Rule, shown: Sequence[Datapoint]) -> str:
    if rule.comparison not in BAND_OPERATORS:
        return f"{_COMPARED[rule.comparison]} ({number(rule.threshold or 0.0)})"
    bands = [point.band for point in shown if point.band is not None]
    lower = "[" + ", ".join(number(low) for low, _ in bands) + "]"
    upper = "[" + ", ".join(number(high) for _, high in bands) + "]"
    return _COMPARED[rule.comparison].format(lower=lower, upper=upper)


def _filled(verdict: Verdict, rule: Rule) -> str:
    many = verdict.filled > 1
    return (
        f"{verdict.filled} missing datapoint{'s were' if many else ' was'}"
        f" treated as [{_TREATED[rule.treatment]}]"
    )


def _time(point: Datapoint) -> str:
    return f" ({datetime.fromtimestamp(point.at / 1000, UTC):%d/%m/%y %H:%M:%S})"


def _seen(point: Datapoint) -> dict[str, Any]:
    samples = {} if point.samples is None else {"sampleCount": point.samples}
    return {"timestamp": iso(point.at), **samples, "value": point.value}


def reason_data(
    verdict: Verdict, rule: Rule, *, now: int, statistic: str | None, period: int, unit: str | None = None
) -> str:
    """Return the StateReasonData of a verdict: the query and the data points, oldest first, as JSON."""
    data: dict[str, Any] = {"version": "1.0", "queryDate": iso(now)}
    if verdict.evaluated:
        data["startDate"] = iso(verdict.evaluated[-1].at)
    if unit is not None:
        data["unit"] = unit
    if statistic is not None:
        data["statistic"] = statistic
    data |= {
        "period": period,
        "recentDatapoints": [point.value for point in reversed(verdict.evaluated)],
    }
    if rule.comparison in BAND_OPERATORS:
        bands = [point.band for point in reversed(verdict.evaluated) if point.band is not None]
        data["recentLowerThresholds"] = [low for low, _ in bands]
        data["recentUpperThresholds"] = [high for _, high in bands]
    elif rule.threshold is not None:
        data["threshold"] = rule.threshold
    data["evaluatedDatapoints"] = [_seen(point) for point in verdict.evaluated]
    data["evaluatedDatapoints"] += [{"timestamp": iso(at)} for at in verdict.missing]
    while len(text := json.dumps(data, separators=(",", ":"))) > _LONGEST_DATA:
        # The oldest go first: what speaks for the state is new.
        data["recentDatapoints"] = data["recentDatapoints"][len(data["recentDatapoints"]) // 2 :]
        data["evaluatedDatapoints"] = data["evaluatedDatapoints"][: len(data["evaluatedDatapoints"]) // 2]
        data.pop("recentLowerThresholds", None)
        data.pop("recentUpperThresholds", None)
    return text
