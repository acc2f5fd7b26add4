"""Log events: put, read in order, searched."""

from itertools import islice
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.engines.logstore.errors import StorageFailed, StorageFull
from coldframe.engines.logstore.rows import Position, Row
from coldframe.engines.logstore.store import LogStore
from coldframe.services.logs import limits, positions, unmasking
from coldframe.services.logs.account_retention import Retentions
from coldframe.services.logs.ingestion import Place, ingest
from coldframe.services.logs.lookup import cached_group, cached_stream, group_of, invalid
from coldframe.services.logs.records import LogGroup
from coldframe.services.logs.searching import Search, matching

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import (
        FilterLogEventsRequestTypeDef,
        FilterLogEventsResponseTypeDef,
        GetLogEventsRequestTypeDef,
        GetLogEventsResponseTypeDef,
        PutLogEventsRequestTypeDef,
        PutLogEventsResponseTypeDef,
    )

MOST_EVENTS = 10_000
MOST_BYTES = 1_048_576
_LAST = Position(2**62, 0)


def put_log_events(call: Call, request: "PutLogEventsRequestTypeDef") -> "PutLogEventsResponseTypeDef":
    """Store a batch: masked, durable and handed on before the answer."""
    group = cached_group(call, request["logGroupName"])
    stream = cached_stream(call, group.name, request["logStreamName"])
    events: Any = request["logEvents"]
    messages = [event["message"] for event in events]
    times = [event["timestamp"] for event in events]
    days = call.part(Retentions).of(call.account, call.region, group, call.now).days
    accepted = limits.check(times, messages, now=call.now, retention_days=days)
    last = 0
    if accepted.first < accepted.end:
        chosen = slice(accepted.first, accepted.end)
        place = Place(call.account, call.region, group.name, group.id, stream.name)
        try:
            last = ingest(call.installation, place, times[chosen], messages[chosen])
        except (StorageFull, StorageFailed) as full:
            raise ServiceFault("ServiceUnavailableException", str(full), status=503) from full
    answer: PutLogEventsResponseTypeDef = {"nextSequenceToken": f"{last + 1:056d}"}  # type: ignore[typeddict-item]
    if accepted.rejected:
        answer["rejectedLogEventsInfo"] = accepted.rejected  # type: ignore[typeddict-item]
    return answer


def get_log_events(call: Call, request: "GetLogEventsRequestTypeDef") -> "GetLogEventsResponseTypeDef":
    """Return a page of one stream's events, oldest first, with a token for either direction."""
    group = group_of(call, request)
    stream = cached_stream(call, group.name, request["logStreamName"])
    token = request.get("nextToken")
    ahead, after = positions.read(token) if token else (request.get("startFromHead", False), None)
    rows = call.part(LogStore).scan(
        group.id,
        streams={stream.name},
        start=max(request.get("startTime", 0), _floor(call, group)),
        end=request.get("endTime", limits.LONGEST_SPAN * 10**6),
        after=after,
        descending=not ahead,
    )
    page = _page(rows, request.get("limit", MOST_EVENTS))
    if not ahead:
        page.reverse()
    texts = unmasking.texts(call, group, page, unmask=request.get("unmask", False))
    begin = page[0].position if page else after or Position(0, 0)
    end = page[-1].position if page else after or Position(0, 0)
    return {  # type: ignore[typeddict-item]
        "events": [
            {"timestamp": row.timestamp, "message": text, "ingestionTime": row.ingestion}
            for row, text in zip(page, texts, strict=True)
        ],
        "nextForwardToken": positions.forward(end),
        "nextBackwardToken": positions.backward(begin),
    }


def filter_log_events(
    call: Call, request: "FilterLogEventsRequestTypeDef"
) -> "FilterLogEventsResponseTypeDef":
    """Return a page of a group's events that match, by time; a page may be empty and still have a token."""
    group = group_of(call, request)
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names is not None and prefix is not None:
        raise invalid(
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters. Specify only one."
        )
    for name in names or ():
        cached_stream(call, group.name, name)
    if request.get("startTime", 0) > request.get("endTime", _LAST.timestamp):
        raise invalid("The start time must not be after the end time.")
    token = request.get("nextToken")
    ahead, after = positions.read(token) if token else (request.get("startFromHead", True), None)
    search = Search(
        group.id,
        set(names) if names is not None else None,
        prefix,
        max(request.get("startTime", 0), _floor(call, group)),
        request.get("endTime", _LAST.timestamp - 1) + 1,
        request.get("filterPattern", ""),
    )
    found = matching(
        call.part(LogStore), search, after, most=request.get("limit", MOST_EVENTS), descending=not ahead
    )
    texts = unmasking.texts(call, group, found.rows, unmask=request.get("unmask", False))
    answer: FilterLogEventsResponseTypeDef = {  # type: ignore[typeddict-item]
        "events": [
            {
                "logStreamName": row.stream,
                "timestamp": row.timestamp,
                "message": text,
                "ingestionTime": row.ingestion,
                "eventId": positions.event_id(row.position),
            }
            for row, text in zip(found.rows, texts, strict=True)
        ],
        "searchedLogStreams": [],
    }
    if found.more_after is not None:
        make = positions.forward if ahead else positions.backward
        answer["nextToken"] = make(found.more_after)
    return answer


def _page(rows: Any, most: int) -> list[Row]:
    """Return the rows of a page: as many as asked for that fit into its bytes, at least one."""
    page: list[Row] = []
    size = 0
    for row in islice(rows, most):
        size += len(row.message) + limits.BYTES_PER_EVENT
        if size > MOST_BYTES and page:
            break
        page.append(row)
    return page


def _floor(call: Call, group: LogGroup) -> int:
    """Return the time before which retention hides events, though they may not be deleted yet."""
    return call.part(Retentions).of(call.account, call.region, group, call.now).floor(call.now)
