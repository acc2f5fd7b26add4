"""What policies may ask about a request of CloudWatch beside its resources."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call

_LISTING = frozenset({"DeleteAlarms", "EnableAlarmActions", "DisableAlarmActions"})


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the alarms that an operation names in a list; service.toml's templates say the rest."""
    if operation in _LISTING:
        return [call.arn(f"alarm:{name}") for name in parameters.get("AlarmNames", ())]
    return []


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition key cloudwatch:namespace of PutMetricData."""
    if operation == "PutMetricData":
        return {"cloudwatch:namespace": str(parameters.get("Namespace", ""))}
    return {}
