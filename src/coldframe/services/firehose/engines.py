"""The engines of Firehose: where records wait, and what writes them to S3."""

from coldframe.core.installation import Installation
from coldframe.services.firehose.buffers import Buffers
from coldframe.services.firehose.records import DeliveryStream
from coldframe.services.firehose.writer import Writer


def provide(installation: Installation) -> None:
    """Say how this installation makes them; each is made when it is first needed."""
    parts = installation.parts
    path = installation.settings.data_dir / "streams" / "records.sqlite3"
    parts.provide(Buffers, lambda: Buffers(path))
    parts.provide(Writer, lambda: Writer(installation))


def empty(installation: Installation) -> None:
    """Forget every record (dev mode's reset)."""
    with installation.store.read() as transaction:
        rows = transaction.records("", "").everywhere(DeliveryStream)
    for _, _, stream in rows:
        installation.parts.get(Buffers).drop(stream.id)
