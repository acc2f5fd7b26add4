"""How CloudWatch's records look in answers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from coldframe.services.cloudwatch.alarm_records import COMPOSITE, Alarm


def moment(milliseconds: int) -> datetime:
    """Return the time as the protocols take it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def milliseconds(given: Any) -> int:
    """Return a time of a request in milliseconds since 1970."""
    # Whole seconds apart, so that neither the year 9999 nor a fraction is rounded up.
    whole: float = given.replace(microsecond=0).timestamp()
    return int(whole) * 1000 + int(given.microsecond) // 1000


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as the API lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def alarm(row: Alarm) -> dict[str, Any]:
    """Return a MetricAlarm or a CompositeAlarm."""
    shape: dict[str, Any] = {
        "AlarmName": row.name,
        "AlarmArn": row.arn,
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "AlarmConfigurationUpdatedTimestamp": moment(row.configured),
        "StateValue": row.state,
        "StateReason": row.reason,
        "StateUpdatedTimestamp": moment(row.updated),
        "StateTransitionedTimestamp": moment(row.transitioned),
    }
    if row.reason_data is not None:
        shape["StateReasonData"] = row.reason_data
    if row.kind == COMPOSITE:
        if row.suppressed_by is not None:
            shape |= {
                "ActionsSuppressedBy": row.suppressed_by,
                "ActionsSuppressedReason": row.suppressed_reason,
            }
    elif "Metrics" not in row.configuration:
        shape["Dimensions"] = []
    if row.evaluation_state is not None:
        shape["EvaluationState"] = row.evaluation_state
    return shape | row.configuration


def alarms(rows: Sequence[Alarm]) -> dict[str, Any]:
    """Return alarms as DescribeAlarms answers them."""
    return {
        "MetricAlarms": [alarm(row) for row in rows if row.kind != COMPOSITE],
        "CompositeAlarms": [alarm(row) for row in rows if row.kind == COMPOSITE],
    }
