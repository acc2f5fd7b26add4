"""What a subscription puts into a delivery stream: gzip data of JSON with the masked events of one batch and stream.

Source: Amazon CloudWatch Logs user guide, Log group-level and account-level subscription filters.
"""

import gzip
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from coldframe.engines.logstore.rows import Event, Position
from coldframe.services.logs.positions import event_id

# A record of Firehose has 1,000 KiB at most.
MOST_BYTES = 1000 * 1024


class Origin(NamedTuple):
    """Whose events these are and which filter took them; `account_policy` for a filter of the whole account."""

    owner: str
    group: str
    stream: str
    filter: str
    account_policy: bool = False


class Payload(NamedTuple):
    """A record for the delivery stream, and how many events are in it."""

    body: bytes
    events: int


def control(now: int) -> bytes:
    """Return the record by which a destination is tried out; `now` is in milliseconds."""
    text = "CWL CONTROL MESSAGE: Checking health of destination Firehose."
    return _packed(
        {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [{"id": "", "timestamp": now, "message": text}],
        }
    )


def data(origin: Origin, events: Sequence[Event], sequences: Sequence[int]) -> Iterator[Payload]:
    """Give the records that events make: one, or more where one would be larger than Firehose takes."""
    document: dict[str, object] = {
        "messageType": "DATA_MESSAGE",
        "owner": origin.owner,
        "logGroup": origin.group,
        "logStream": origin.stream,
        "subscriptionFilters": [origin.filter],
        "logEvents": [
            {
                "id": event_id(Position(event.timestamp, sequence)),
                "timestamp": event.timestamp,
                "message": event.message,
            }
            for event, sequence in zip(events, sequences, strict=True)
        ],
    }
    if origin.account_policy:
        document["policyLevel"] = "ACCOUNT_LEVEL_POLICY"
    body = _packed(document)
    half = len(events) // 2
    if len(body) <= MOST_BYTES or not half:
        yield Payload(body, len(events))
        return
    yield from data(origin, events[:half], sequences[:half])
    yield from data(origin, events[half:], sequences[half:])


def _packed(document: dict[str, object]) -> bytes:
    return gzip.compress(msgspec.json.encode(document), compresslevel=6, mtime=0)
