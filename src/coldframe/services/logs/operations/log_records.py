"""GetLogRecord: one whole event by the pointer that a query's result gave."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.logstore.rows import Row
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs import unmasking
from coldframe.services.logs.account_retention import Retentions
from coldframe.services.logs.insights import pointers
from coldframe.services.logs.insights.discovery import discovered
from coldframe.services.logs.records import LogGroup
from coldframe.services.logs.transforming import reading

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import GetLogRecordRequestTypeDef, GetLogRecordResponseTypeDef


def get_log_record(call: Call, request: "GetLogRecordRequestTypeDef") -> "GetLogRecordResponseTypeDef":
    """Return every field of an event as queries see it: those of its JSON too, and its whole text as @message."""
    pointer = pointers.read(call, request["logRecordPointer"])
    group = next(iter(call.records.list(LogGroup, where={"id": pointer.group}, limit=1)), None)
    if group is None:
        raise _missing()
    call.require("logs:GetLogRecord", call.arn(f"log-group:{group.name}:log-stream:"))
    row = _row(call, group, pointer)
    text = unmasking.texts(call, group, [row], unmask=request.get("unmask", False))[0]
    read = reading(call, group)
    if read is not None:
        text = read.text(text, row.stream, row.timestamp, row.ingestion)
    found = {
        **discovered(text),
        "@message": text,
        "@timestamp": str(row.timestamp),
        "@ingestionTime": str(row.ingestion),
        "@log": f"{call.account}:{group.name}",
        "@logStream": row.stream,
        "@ptr": request["logRecordPointer"],
    }
    return {"logRecord": found}  # type: ignore[typeddict-item]


def _row(call: Call, group: LogGroup, pointer: pointers.Pointer) -> Row:
    if pointer.time < call.part(Retentions).of(call.account, call.region, group, call.now).floor(call.now):
        raise _missing()
    for row in call.part(LogStore).scan(group.id, start=pointer.time, end=pointer.time + 1):
        if row.sequence == pointer.sequence:
            return row
    raise _missing()


def _missing() -> ServiceFault:
    return ServiceFault("ResourceNotFoundException", "The specified log record does not exist.")
