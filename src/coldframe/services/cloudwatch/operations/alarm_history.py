"""The history of alarms: described."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.records import place
from coldframe.services.cloudwatch.alarm_records import METRIC, HistoryItem
from coldframe.services.cloudwatch.answers import milliseconds, moment

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import (
        DescribeAlarmHistoryInputTypeDef,
        DescribeAlarmHistoryOutputTypeDef,
    )

_PAGE = 100


def describe_alarm_history(
    call: Call, request: "DescribeAlarmHistoryInputTypeDef"
) -> "DescribeAlarmHistoryOutputTypeDef":
    """Return what happened to alarms, the newest first unless asked otherwise; also to alarms that are no more."""
    after = call.page(request.get("NextToken"), code="InvalidNextToken")
    size = request.get("MaxRecords", _PAGE)
    found = list(islice(_items(call, request, after), size + 1))
    answer: dict[str, Any] = {
        "AlarmHistoryItems": [
            {
                "AlarmName": item.alarm,
                "AlarmType": item.kind,
                "Timestamp": moment(item.at),
                "HistoryItemType": item.item,
                "HistorySummary": item.summary,
                "HistoryData": item.data,
                **_contributor(item),
            }
            for item in found[:size]
        ]
    }
    if len(found) > size:
        answer["NextToken"] = call.token(place(found[size - 1]))
    return answer  # type: ignore[return-value]


def _contributor(item: HistoryItem) -> dict[str, Any]:
    if item.contributor is None:
        return {}
    return {"AlarmContributorId": item.contributor, "AlarmContributorAttributes": item.group}


def _items(call: Call, request: Any, after: Any) -> Iterator[HistoryItem]:
    ascending = request.get("ScanBy") == "TimestampAscending"
    start = milliseconds(request["StartDate"]) if "StartDate" in request else 0
    end = milliseconds(request["EndDate"]) if "EndDate" in request else None
    where: dict[str, Any] = {}
    if "AlarmName" in request:
        where["alarm"] = request["AlarmName"]
    if "AlarmName" not in request or "AlarmTypes" in request:
        where["kind"] = list(request.get("AlarmTypes") or [METRIC])
    if "HistoryItemType" in request:
        where["item"] = request["HistoryItemType"]
    if after is None:
        # Ids begin with the time, so that a text beside them is a time to begin at.
        after = (f"{start:015d}",) if ascending else (f"{end:015d}~",) if end is not None else None
    while True:
        rows = call.records.list(
            HistoryItem,
            where=where,
            after=None if after is None else tuple(after),
            descending=not ascending,
            limit=_PAGE,
        )
        for row in rows:
            if row.at < start or (end is not None and row.at > end):
                return
            if request.get("AlarmContributorId") in {None, row.contributor}:
                yield row
        if len(rows) < _PAGE:
            return
        after = place(rows[-1])
