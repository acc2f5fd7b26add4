"""Delivery streams: made, described, changed and deleted."""

from typing import Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.firehose import destinations, jobs
from coldframe.services.firehose.lookup import stream_of
from coldframe.services.firehose.prefixes import invalid
from coldframe.services.firehose.records import DeliveryStream
from coldframe.services.firehose.tagging import checked_tags

_DESTINATION = "destinationId-000000000001"
_S3 = ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration")
_PAGE = 10


def create_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a stream that is written to directly and delivers to S3; it is active at once."""
    if request.get("DeliveryStreamType", "DirectPut") != "DirectPut":
        raise NotBuilt(
            f"Streams of type {request['DeliveryStreamType']} are not built in coldframe; DirectPut is."
        )
    given = [name for name in request if name.endswith("DestinationConfiguration")]
    if len(given) != 1:
        raise invalid("Exactly one destination configuration is supported for a Firehose stream.")
    if given[0] not in _S3:
        raise NotBuilt(f"{given[0]} is not built in coldframe; streams deliver to Amazon S3.")
    encryption = request.get("DeliveryStreamEncryptionConfigurationInput")
    name = request["DeliveryStreamName"]
    if call.records.find(DeliveryStream, name) is not None:
        text = f"Firehose {name} under accountId {call.account} already exists"
        raise ServiceFault("ResourceInUseException", text)
    stream = DeliveryStream(
        name=name,
        id=ids.hexadecimal(20),
        created=call.now,
        destination=destinations.checked(call, request[given[0]]),
        extended=given[0].startswith("Extended"),
        encrypted=_encrypted(encryption),
        tags=checked_tags({}, request.get("Tags") or []),
    )
    call.records.add(stream)
    return {"DeliveryStreamARN": _arn(call, stream)}


def delete_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a stream, and the records that are not in S3 yet."""
    stream = stream_of(call, request["DeliveryStreamName"])
    call.records.remove(stream)
    call.start(jobs.drop_records, stream.id)
    return {}


def describe_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a stream with its one destination."""
    stream = stream_of(call, request["DeliveryStreamName"])
    after = request.get("ExclusiveStartDestinationId")
    told: dict[str, Any] = {
        "DeliveryStreamName": stream.name,
        "DeliveryStreamARN": _arn(call, stream),
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "DeliveryStreamType": "DirectPut",
        "VersionId": str(stream.version),
        "CreateTimestamp": stream.created / 1000,
        "Destinations": []
        if after is not None and after >= _DESTINATION
        else [destinations.described(stream)],
        "HasMoreDestinations": False,
    }
    if stream.encrypted:
        told["DeliveryStreamEncryptionConfiguration"] = {"Status": "ENABLED", "KeyType": "AWS_OWNED_CMK"}
    if stream.updated:
        told["LastUpdateTimestamp"] = stream.updated / 1000
    return {"DeliveryStreamDescription": told}


def list_delivery_streams(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the names of the account's streams, ten at a time unless more are asked for."""
    if request.get("DeliveryStreamType", "DirectPut") != "DirectPut":
        return {"DeliveryStreamNames": [], "HasMoreDeliveryStreams": False}
    limit, after = request.get("Limit", _PAGE), request.get("ExclusiveStartDeliveryStreamName")
    rows = call.records.list(DeliveryStream, after=None if after is None else (after,), limit=limit + 1)
    names = [row.name for row in rows[:limit]]
    return {"DeliveryStreamNames": names, "HasMoreDeliveryStreams": len(rows) > limit}


def update_destination(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change the destination of a stream: what is not given stays as it is."""
    stream = stream_of(call, request["DeliveryStreamName"])
    if request["CurrentDeliveryStreamVersionId"] != str(stream.version):
        text = f"Cannot update firehose: {stream.name} since the current version id: {stream.version} and specified version id: {request['CurrentDeliveryStreamVersionId']} do not match"
        raise ServiceFault("ConcurrentModificationException", text)
    if request["DestinationId"] != _DESTINATION:
        raise invalid(f"Destination Id {request['DestinationId']} not found")
    given = [name for name in request if name.endswith("DestinationUpdate")]
    if len(given) != 1:
        raise invalid("Exactly one destination update is supported for a Firehose stream.")
    if given[0] not in {"ExtendedS3DestinationUpdate", "S3DestinationUpdate"}:
        raise NotBuilt(f"{given[0]} is not built in coldframe; streams deliver to Amazon S3.")
    kept = destinations.checked(call, {**stream.destination, **request[given[0]]})
    call.records.change(
        stream,
        destination=kept,
        extended=stream.extended or given[0].startswith("Extended"),
        version=stream.version + 1,
        updated=call.now,
    )
    return {}


def start_delivery_stream_encryption(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Have a stream say that its records are encrypted; they always are, with the server's own key."""
    stream = stream_of(call, request["DeliveryStreamName"])
    _encrypted(request.get("DeliveryStreamEncryptionConfigurationInput"))
    call.records.change(stream, encrypted=True)
    return {}


def stop_delivery_stream_encryption(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Have a stream say that its records are not encrypted any more."""
    stream = stream_of(call, request["DeliveryStreamName"])
    call.records.change(stream, encrypted=False)
    return {}


def _encrypted(given: dict[str, Any] | None) -> bool:
    if given is not None and given["KeyType"] != "AWS_OWNED_CMK":
        raise NotBuilt(
            "Buffers under KMS keys are not built in coldframe's Firehose; records are sealed with the server's own key."
        )
    return given is not None


def _arn(call: Call, stream: DeliveryStream) -> str:
    return call.arn(f"deliverystream/{stream.name}")
