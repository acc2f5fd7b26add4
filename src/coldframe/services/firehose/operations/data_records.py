"""Records: put into a stream's buffer, one or up to five hundred; they are durable when the call answers."""

from collections.abc import Sequence
from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.offers import MetricSink
from coldframe.engines.queue import New
from coldframe.services.firehose import metrics
from coldframe.services.firehose.buffers import Buffers, pack
from coldframe.services.firehose.lookup import stream_to_write
from coldframe.services.firehose.prefixes import invalid
from coldframe.services.firehose.records import DeliveryStream
from coldframe.services.firehose.writer import Writer

_MOST_RECORD = 1000 * 1024
_MOST_BATCH = 4 * 1024 * 1024
_ID_LENGTH = 200


def put_record(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Put a record into a stream."""
    stream = stream_to_write(call, request["DeliveryStreamName"])
    (identifier,) = _put(call, stream, [request["Record"]["Data"]])
    return {"RecordId": identifier, "Encrypted": stream.encrypted}


def put_record_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Put records into a stream, all or none."""
    stream = stream_to_write(call, request["DeliveryStreamName"])
    data = [record["Data"] for record in request["Records"]]
    if sum(map(len, data)) > _MOST_BATCH:
        raise invalid(f"Records size exceeds {_MOST_BATCH // 1024 // 1024} MB limit")
    made = _put(call, stream, data)
    return {
        "FailedPutCount": 0,
        "Encrypted": stream.encrypted,
        "RequestResponses": [{"RecordId": identifier} for identifier in made],
    }


def _put(call: Call, stream: DeliveryStream, data: Sequence[bytes]) -> list[str]:
    for each in data:
        if len(each) > _MOST_RECORD:
            raise invalid(f"Record size exceeds {_MOST_RECORD // 1024} KB limit")
    seal, made = call.installation.seal, [ids.hexadecimal(_ID_LENGTH) for _ in data]
    records = [
        New(identifier, pack(seal, identifier, bytes(each)), call.now)
        for identifier, each in zip(made, data, strict=True)
    ]
    call.part(Buffers).send(stream.id, records, call.now)
    latency = call.installation.clock.milliseconds() - call.now
    counted = metrics.incoming(call.operation, [len(each) for each in data], latency)
    metrics.put(call.part(MetricSink), (call.account, call.region, stream.name), counted, call.now)
    size = sum(len(record.body) for record in records)
    call.part(Writer).arrived((call.account, call.region, stream.name), size, call.now)
    return made
