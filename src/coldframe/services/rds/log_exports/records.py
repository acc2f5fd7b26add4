"""What is remembered of each log that goes to CloudWatch Logs: how far it was brought, and the batch that is under way."""

import msgspec

from coldframe.core.records import Record, Records, record
from coldframe.engines.log_reading import Place


class Batch(msgspec.Struct, frozen=True):
    """A batch that was about to be put, with what tells afterwards whether it came: its stream, and its events by time.

    `begun` is when it was written down; `first` and `last` are the times of its `count` events, all in milliseconds. `places`
    are those after it.
    """

    group: str
    stream: str
    begun: int
    first: int
    last: int
    count: int
    places: list[Place]


@record("rds_log_exports", key=("resource_id", "kind"))
class LogExport(Record):
    """How far the log of a kind was brought, of an instance.

    `since` is when it was switched on, 0 for as long as the instance has been there; `places` up to where each of its files was
    read and put.
    """

    resource_id: str
    kind: str
    since: int = 0
    places: list[Place] = []
    batch: Batch | None = None


def forget(records: Records, resource_id: str, kind: str = "") -> None:
    """Forget how far the logs of an instance or a cluster were brought, or one of them."""
    for row in records.list(LogExport, key_prefix=(resource_id, *([kind] if kind else []))):
        records.remove(row)
