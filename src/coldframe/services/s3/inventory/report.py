"""One inventory report: the lines of its CSV, its manifest, and where its files lie."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from coldframe.services.s3.records import Version
from coldframe.services.s3.versions import NULL

_OF_VERSIONS = ("VersionId", "IsLatest", "IsDeleteMarker")


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _of_object(value: Callable[[Version], str]) -> Callable[[Version], str]:
    """A delete marker has none of what objects have."""
    return lambda version: "" if version.marker else value(version)


_FIELDS: dict[str, Callable[[Version], str]] = {
    "Bucket": lambda version: version.bucket,
    "Key": lambda version: quote(version.key),
    "VersionId": lambda version: "" if version.version_id == NULL else version.version_id,
    "IsLatest": lambda version: str(version.latest).lower(),
    "IsDeleteMarker": lambda version: str(version.marker).lower(),
    "Size": _of_object(lambda version: str(version.size)),
    "LastModifiedDate": lambda version: _time(version.modified),
    "ETag": _of_object(lambda version: version.etag),
    "StorageClass": _of_object(lambda version: version.storage_class),
    "IsMultipartUploaded": _of_object(lambda version: str(bool(version.parts)).lower()),
    "EncryptionStatus": _of_object(lambda version: "SSE-C" if version.customer_key else "SSE-S3"),
    "ObjectLockRetainUntilDate": lambda version: _time(version.lock_until) if version.lock_mode else "",
    "ObjectLockMode": lambda version: version.lock_mode,
    "ObjectLockLegalHoldStatus": _of_object(lambda version: "ON" if version.legal_hold else "OFF"),
    "BucketKeyStatus": _of_object(lambda _: "DISABLED"),
    "ChecksumAlgorithm": lambda version: next(iter(version.checksums), ""),
    "ObjectOwner": lambda version: version.owner,
}


class File(NamedTuple):
    """A file of a report: its key in the destination bucket, and its bytes."""

    key: str
    body: bytes


def columns(configuration: Mapping[str, Any]) -> list[str]:
    """Return the fields of a report in their order; those that are not known here stay empty in every line."""
    versions = _OF_VERSIONS if configuration["IncludedObjectVersions"] == "All" else ()
    return ["Bucket", "Key", *versions, *(configuration.get("OptionalFields") or ())]


def lines(configuration: Mapping[str, Any], found: Iterable[Version]) -> bytes:
    """Return the versions that a configuration wants as CSV without a head, every value in quotes."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    wanted = columns(configuration)
    everything = configuration["IncludedObjectVersions"] == "All"
    prefix = (configuration.get("Filter") or {}).get("Prefix") or ""
    for version in found:
        if version.key.startswith(prefix) and (everything or version.live):
            writer.writerow([_FIELDS[name](version) if name in _FIELDS else "" for name in wanted])
    return text.getvalue().encode()


def data_file(folder: str, number: str, content: bytes) -> File:
    """Return a file of lines, packed; the same lines are the same bytes."""
    return File(f"{folder}/data/{number}.csv.gz", gzip.compress(content, mtime=0))


def folder_of(bucket: str, configuration: Mapping[str, Any]) -> str:
    """Return where the reports of a configuration lie in its destination."""
    prefix = configuration["Destination"]["S3BucketDestination"].get("Prefix") or ""
    return "/".join(filter(None, (prefix.rstrip("/"), bucket, configuration["Id"])))


def manifest(
    bucket: str, configuration: Mapping[str, Any], data: Sequence[File], now: int
) -> tuple[File, File, File]:
    """Return manifest.json, its checksum, and the list of data files for Hive."""
    folder = folder_of(bucket, configuration)
    moment = datetime.fromtimestamp(now / 1000, UTC)
    destination = configuration["Destination"]["S3BucketDestination"]["Bucket"]
    body = json.dumps(
        {
            "sourceBucket": bucket,
            "destinationBucket": destination,
            "version": "2016-11-30",
            "creationTimestamp": str(now),
            "fileFormat": "CSV",
            "fileSchema": ", ".join(columns(configuration)),
            "files": [
                {
                    "key": file.key,
                    "size": len(file.body),
                    "MD5checksum": hashlib.md5(file.body, usedforsecurity=False).hexdigest(),
                }
                for file in data
            ],
        },
        indent=2,
    ).encode()
    dated = f"{folder}/{moment:%Y-%m-%dT%H-%MZ}"
    name = destination.rpartition(":::")[2]
    links = "".join(f"s3://{name}/{file.key}\n" for file in data)
    return (
        File(f"{dated}/manifest.json", body),
        File(f"{dated}/manifest.checksum", hashlib.md5(body, usedforsecurity=False).hexdigest().encode()),
        File(f"{folder}/hive/dt={moment:%Y-%m-%d-%H-%M}/symlink.txt", links.encode()),
    )
