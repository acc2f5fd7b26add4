"""What CloudWatch remembers beside its metrics, which are in the metric store."""

from coldframe.services.cloudwatch.alarm_records import Alarm, AlarmMuteRule, HistoryItem

__all__ = ["Alarm", "AlarmMuteRule", "HistoryItem"]
