"""Which names a bucket may have. Source: Amazon S3 User Guide, General purpose bucket naming rules."""

import re

from coldframe.core.faults import ServiceFault

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]").fullmatch
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+").fullmatch
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def check_name(name: str) -> None:
    """Raise InvalidBucketName for a name that no bucket may have."""
    if (
        not _NAME(name)
        or ".." in name
        or _ADDRESS(name)
        or name.startswith(_PREFIXES)
        or name.endswith(_SUFFIXES)
    ):
        raise ServiceFault(
            "InvalidBucketName", "The specified bucket is not valid.", status=400, BucketName=name
        )
