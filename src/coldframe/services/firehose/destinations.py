"""S3 destinations: what may be asked of them, how they are described, and what follows from them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import NotBuilt
from coldframe.identity.caller import Caller
from coldframe.identity.service_roles import assume
from coldframe.services.firehose import prefixes, processing
from coldframe.services.firehose.prefixes import invalid
from coldframe.services.firehose.records import DeliveryStream

_MEGABYTE = 1024 * 1024
DEFAULT_SIZE, DEFAULT_INTERVAL = 5, 300
_SWITCHES = {
    "DataFormatConversionConfiguration": "Conversion to columnar formats",
    "DynamicPartitioningConfiguration": "Dynamic partitioning",
}
_SNAPPY = {"Snappy", "HADOOP_SNAPPY"}
_HOLDS = (
    *("RoleARN", "BucketARN", "Prefix", "ErrorOutputPrefix", "BufferingHints", "CompressionFormat"),
    *("EncryptionConfiguration", "FileExtension", "CustomTimeZone", *_SWITCHES, "S3BackupMode"),
    "ProcessingConfiguration",
    "CloudWatchLoggingOptions",
)


_EXTENDED_ONLY = ("FileExtension", "CustomTimeZone", "ProcessingConfiguration")


class Buffering(NamedTuple):
    """When a buffer is written: at so many bytes, or so many milliseconds after its oldest record came."""

    size: int
    interval: int


def checked(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a destination as it is kept; raises InvalidArgumentException, NotBuilt, AccessDenied.

    The caller has to be allowed to pass the role on, and the role to trust Firehose.
    """
    for name, what in _SWITCHES.items():
        if (given.get(name) or {}).get("Enabled"):
            raise NotBuilt(f"{what} is not built in coldframe's Firehose.")
    if given.get("S3BackupMode") == "Enabled":
        raise NotBuilt("Backups of source records are not built in coldframe's Firehose.")
    if given.get("CompressionFormat") in _SNAPPY:
        raise NotBuilt("Snappy compression is not built in coldframe's Firehose; GZIP and ZIP are.")
    processing.check(given.get("ProcessingConfiguration") or {})
    hints = given.get("BufferingHints") or {}
    if ("SizeInMBs" in hints) != ("IntervalInSeconds" in hints):
        raise invalid("BufferingHints takes SizeInMBs and IntervalInSeconds together.")
    prefixes.check(
        given.get("Prefix") or "", given.get("ErrorOutputPrefix") or "", given.get("CustomTimeZone") or ""
    )
    options = given.get("CloudWatchLoggingOptions") or {}
    if options.get("Enabled") and not (options.get("LogGroupName") and options.get("LogStreamName")):
        raise invalid("CloudWatchLoggingOptions need LogGroupName and LogStreamName when they are enabled.")
    role = given["RoleARN"]
    call.require("iam:PassRole", role)
    service = Caller(kind="service", arn="firehose.amazonaws.com")
    try:
        assume(call.installation, role, service, call.region)
    except ClientError as error:
        text = f"Firehose is unable to assume role {role}. Please check the role provided."
        raise invalid(text) from error
    return {name: given[name] for name in _HOLDS if given.get(name) is not None}


def described(stream: DeliveryStream) -> dict[str, Any]:
    """Return a destination as DescribeDeliveryStream shows it: in both forms where it was given in the longer one."""
    kept = stream.destination
    hints: dict[str, int] = {"SizeInMBs": DEFAULT_SIZE, "IntervalInSeconds": DEFAULT_INTERVAL}
    hints.update(kept.get("BufferingHints") or {})
    plain: dict[str, Any] = {
        "RoleARN": kept["RoleARN"],
        "BucketARN": kept["BucketARN"],
        "BufferingHints": hints,
        "CompressionFormat": kept.get("CompressionFormat", "UNCOMPRESSED"),
        "EncryptionConfiguration": kept.get("EncryptionConfiguration")
        or {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": kept.get("CloudWatchLoggingOptions") or {"Enabled": False},
    }
    plain.update((name, kept[name]) for name in ("Prefix", "ErrorOutputPrefix") if name in kept)
    told: dict[str, Any] = {"DestinationId": "destinationId-000000000001", "S3DestinationDescription": plain}
    if stream.extended:
        more = {name: kept[name] for name in _EXTENDED_ONLY if name in kept}
        told["ExtendedS3DestinationDescription"] = {**plain, **more, "S3BackupMode": "Disabled"}
    return told


def buffering(stream: DeliveryStream) -> Buffering:
    """Return when the stream's buffer is written."""
    hints = stream.destination.get("BufferingHints") or {}
    size = hints.get("SizeInMBs", DEFAULT_SIZE) * _MEGABYTE
    return Buffering(size, hints.get("IntervalInSeconds", DEFAULT_INTERVAL) * 1000)


def encryption(stream: DeliveryStream) -> dict[str, str]:
    """Return what S3 is asked for, for the encryption of the stream's objects."""
    key = (stream.destination.get("EncryptionConfiguration") or {}).get("KMSEncryptionConfig")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["AWSKMSKeyARN"]} if key else {}
