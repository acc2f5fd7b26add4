"""What Firehose remembers beside the records in its buffers; all times are milliseconds since the epoch."""

from typing import Any

from coldframe.core.records import Record, record


@record(
    "firehose_streams",
    key=("name",),
    index=("id",),
    missing=("ResourceNotFoundException", "Firehose {name} not found."),
    duplicate=("ResourceInUseException", "Firehose {name} already exists."),
)
class DeliveryStream(Record):
    """A stream; `id` names its buffer and is never used again, `destination` is as it was given.

    `extended` tells which of the two forms of an S3 destination it has.
    """

    name: str
    id: str
    created: int
    destination: dict[str, Any]
    extended: bool
    updated: int = 0
    version: int = 1
    encrypted: bool = False
    tags: dict[str, str] = {}
