"""GetLogGroupFields: which fields the events of a log group have, and how many of the events have them."""

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs.insights.discovery import discovered
from coldframe.services.logs.lookup import group_of
from coldframe.services.logs.transforming import reading

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import GetLogGroupFieldsRequestTypeDef, GetLogGroupFieldsResponseTypeDef

_MINUTE = 60_000
_GENERATED = ("@ingestionTime", "@log", "@logStream", "@message", "@timestamp")
MOST_EVENTS = 20_000


def get_log_group_fields(
    call: Call, request: "GetLogGroupFieldsRequestTypeDef"
) -> "GetLogGroupFieldsResponseTypeDef":
    """Return fields by falling percentage: of the last 15 minutes, or of 8 minutes around a time.

    Of a range with more than 20,000 events the newest 20,000 are looked at.
    """
    group = group_of(call, request)
    center = request.get("time")
    start, end = call.now - 15 * _MINUTE, call.now
    if center is not None:
        start, end = center * 1000 - 8 * _MINUTE, center * 1000 + 8 * _MINUTE
    counts: Counter[str] = Counter()
    events = 0
    read = reading(call, group)
    rows = call.part(LogStore).scan(group.id, start=start, end=end + 1, descending=True)
    for row in islice(rows, MOST_EVENTS):
        text = row.message
        if read is not None:
            text = read.text(text, row.stream, row.timestamp, row.ingestion)
        counts.update([*_GENERATED, *discovered(text)])
        events += 1
    found = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    fields = [{"name": name, "percent": round(100 * count / events)} for name, count in found]
    return {"logGroupFields": fields}  # type: ignore[typeddict-item]
