"""What policies may ask about a request of CloudWatch beside its resources."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return no ARNs: service.toml's templates say what an operation touches."""
    return []


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition key cloudwatch:namespace of PutMetricData."""
    if operation == "PutMetricData":
        return {"cloudwatch:namespace": str(parameters.get("Namespace", ""))}
    return {}
