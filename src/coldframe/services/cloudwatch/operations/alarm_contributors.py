"""The contributors of alarms: described."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.cloudwatch.alarm_records import Alarm
from coldframe.services.cloudwatch.answers import moment

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        DescribeAlarmContributorsInputTypeDef,
        DescribeAlarmContributorsOutputTypeDef,
    )

_PAGE = 100


def describe_alarm_contributors(
    call: Call, request: "DescribeAlarmContributorsInputTypeDef"
) -> "DescribeAlarmContributorsOutputTypeDef":
    """Return the time series that have an alarm in ALARM; those of alarms on one time series are none."""
    alarm = call.records.find(Alarm, request["AlarmName"])
    if alarm is None:
        raise ServiceFault(
            "ResourceNotFoundException", f"Alarm {request['AlarmName']} does not exist.", status=404
        )
    first = call.page(request.get("NextToken"), code="InvalidNextToken") or 0
    rows = list(alarm.contributors.items())
    page = rows[first : first + _PAGE]
    answer: DescribeAlarmContributorsOutputTypeDef = {  # type: ignore[typeddict-item]
        "AlarmContributors": [
            {
                "ContributorId": id_,
                "ContributorAttributes": contributor.group,
                "StateReason": contributor.reason,
                "StateTransitionedTimestamp": moment(contributor.since),
            }
            for id_, contributor in page
        ]
    }
    if first + _PAGE < len(rows):
        answer["NextToken"] = call.token(first + _PAGE)
    return answer
