"""What policies may ask about a request of CloudWatch beside its resources."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call

_OF_ALARMS = frozenset({"DeleteAlarms", "EnableAlarmActions", "DisableAlarmActions"})
_OF_RULES = frozenset({"DeleteInsightRules", "EnableInsightRules", "DisableInsightRules"})
_OF_STREAMS = frozenset({"StartMetricStreams", "StopMetricStreams"})
_OF_DASHBOARDS = frozenset({"PutDashboard", "GetDashboard", "DeleteDashboards"})


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return what an operation names in a list, and dashboards, whose ARNs have no region; service.toml's templates say the rest."""
    if operation in _OF_ALARMS:
        return [call.arn(f"alarm:{name}") for name in parameters.get("AlarmNames", ())]
    if operation in _OF_RULES:
        return [call.arn(f"insight-rule/{name}") for name in parameters.get("RuleNames", ())]
    if operation == "PutMetricDataQueryDefinition":
        return [call.arn(f"metric-query-definition/{parameters.get('Id') or '*'}")]
    if operation in _OF_STREAMS:
        return [call.arn(f"metric-stream/{name}") for name in parameters.get("Names", ())]
    if operation in _OF_DASHBOARDS:
        names = parameters.get("DashboardNames") or [parameters.get("DashboardName", "")]
        return [call.arn(f"dashboard/{name}", region="") for name in names]
    return []


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition key cloudwatch:namespace of PutMetricData."""
    if operation == "PutMetricData":
        return {"cloudwatch:namespace": str(parameters.get("Namespace", ""))}
    return {}
