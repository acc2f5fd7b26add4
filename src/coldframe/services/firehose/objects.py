"""Objects made of records: their names and their bytes."""

import gzip
import io
import zipfile
from collections.abc import Sequence

from coldframe.services.firehose import prefixes, processing
from coldframe.services.firehose.records import DeliveryStream

_EXTENSIONS = {"GZIP": ".gz", "ZIP": ".zip"}
_LEVEL = 6


def name_of(stream: DeliveryStream, oldest: int, identifier: str) -> str:
    """Return the key of an object whose oldest record came at a time, in milliseconds.

    Source: Amazon Data Firehose Developer Guide, Configure Amazon S3 object name format.
    """
    kept = stream.destination
    at = prefixes.moment(oldest, kept.get("CustomTimeZone") or "")
    prefix = prefixes.fill(kept.get("Prefix") or "", at, identifier.replace("-", "")[:11])
    extension = kept.get("FileExtension") or _EXTENSIONS.get(kept.get("CompressionFormat", ""), "")
    moment = at.strftime("%Y-%m-%d-%H-%M-%S")
    return f"{prefix}{stream.name}-{stream.version}-{moment}-{identifier}{extension}"


def body_of(stream: DeliveryStream, records: Sequence[bytes], name: str) -> bytes:
    """Return the bytes of an object: the records one after the other, compressed as the destination asks."""
    plain = b"".join(processing.processed(stream.destination.get("ProcessingConfiguration"), records))
    form = stream.destination.get("CompressionFormat", "UNCOMPRESSED")
    if form == "GZIP":
        return gzip.compress(plain, _LEVEL, mtime=0)
    if form == "ZIP":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name.rpartition("/")[2].removesuffix(".zip"), plain)
        return packed.getvalue()
    return plain
