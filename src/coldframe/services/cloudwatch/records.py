"""What CloudWatch remembers beside its metrics, which are in the metric store."""

from coldframe.services.cloudwatch.alarm_records import Alarm, AlarmMuteRule, HistoryItem
from coldframe.services.cloudwatch.dashboard_records import (
    AnomalyDetector,
    Dashboard,
    InsightRule,
    QueryDefinition,
)
from coldframe.services.cloudwatch.stream_records import MetricStream

__all__ = [
    "Alarm",
    "AlarmMuteRule",
    "AnomalyDetector",
    "Dashboard",
    "HistoryItem",
    "InsightRule",
    "MetricStream",
    "QueryDefinition",
]
