"""Log streams: created, described by name or by their last event, deleted."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.logstore.errors import StorageFailed, StorageFull
from coldframe.engines.logstore.rows import StreamFacts
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs import jobs
from coldframe.services.logs.deletion_protection import refuse_protected
from coldframe.services.logs.listing import MOST, page
from coldframe.services.logs.lookup import invalid, named
from coldframe.services.logs.records import LogGroup, LogStream

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        CreateLogStreamRequestTypeDef,
        DeleteLogStreamRequestTypeDef,
        DescribeLogStreamsRequestTypeDef,
        DescribeLogStreamsResponseTypeDef,
    )


def create_log_stream(call: Call, request: "CreateLogStreamRequestTypeDef") -> None:
    """Create a log stream, which is empty also where one of its name was deleted before."""
    records = call.records
    group, name = records.get(LogGroup, request["logGroupName"]), request["logStreamName"]
    records.add(LogStream(group=group.name, name=name, created=call.now))
    try:
        jobs.drop_rest(records, call.part(LogStore), group.id, name)
    except (StorageFull, StorageFailed) as error:
        raise ServiceFault("ServiceUnavailableException", str(error)) from error


def delete_log_stream(call: Call, request: "DeleteLogStreamRequestTypeDef") -> None:
    """Delete a log stream and its events."""
    records = call.records
    group = records.get(LogGroup, request["logGroupName"])
    stream = records.get(LogStream, group.name, request["logStreamName"])
    refuse_protected(group)
    records.remove(stream)
    jobs.drop_stream(call, group.id, stream.name)


def describe_log_streams(
    call: Call, request: "DescribeLogStreamsRequestTypeDef"
) -> "DescribeLogStreamsResponseTypeDef":
    """Return a page of a group's streams by name or by the time of their last event."""
    group = call.records.get(LogGroup, named(call, request))
    prefix, descending = request.get("logStreamNamePrefix"), request.get("descending", False)
    by_time, limit = request.get("orderBy") == "LastEventTime", request.get("limit", MOST)
    if by_time and prefix is not None:
        raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    after = call.page(request.get("nextToken"))
    if after is not None and (after[0], after[1]) != (by_time, descending):
        raise invalid("The specified nextToken is invalid: it belongs to another order.")
    facts = call.part(LogStore).streams(group.id)
    if by_time:
        rows = _by_time(call, group, facts, after, descending)
    else:
        rows = call.records.list(
            LogStream,
            key_prefix=(group.name,),
            starts_with=("name", prefix) if prefix else None,
            after=None if after is None else (group.name, after[3]),
            descending=descending,
            limit=limit + 1,
        )

    def position(stream: LogStream) -> tuple[bool, bool, int, str]:
        return by_time, descending, _last(facts, stream.name), stream.name

    shown, token = page(call, rows, limit, position)
    described = [_description(call, stream, facts.get(stream.name)) for stream in shown]
    return {"logStreams": described, **token}  # type: ignore[typeddict-item]


def _by_time(
    call: Call, group: LogGroup, facts: dict[str, StreamFacts], after: Any, descending: bool
) -> list[LogStream]:
    """Return the streams after a position in the order of their last events; those without any count as oldest."""
    places = {
        (_last(facts, stream.name), stream.name): stream
        for stream in call.records.list(LogStream, key_prefix=(group.name,))
    }
    begin = None if after is None else (after[2], after[3])
    chosen = (place for place in places if begin is None or (place < begin if descending else place > begin))
    return [places[place] for place in sorted(chosen, reverse=descending)]


def _last(facts: dict[str, StreamFacts], name: str) -> int:
    found = facts.get(name)
    return found.last_timestamp if found is not None and found.events else -1


def _description(call: Call, stream: LogStream, facts: StreamFacts | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "arn": call.arn(f"log-group:{stream.group}:log-stream:{stream.name}"),
        "storedBytes": 0,
    }
    if facts is not None and facts.events:
        described |= {
            "firstEventTimestamp": facts.first_timestamp,
            "lastEventTimestamp": facts.last_timestamp,
            "lastIngestionTime": facts.last_ingestion,
            # Sequence tokens are ignored since 2023, but older agents send back what they find here.
            "uploadSequenceToken": f"{facts.last_ingestion:056d}",
        }
    return described
