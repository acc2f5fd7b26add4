"""The ARNs of RDS: made for a resource, and taken apart again."""

from typing import Literal

from coldframe.core import arns
from coldframe.core.arns import Arn
from coldframe.services.rds.faults import bad_value

Kind = Literal[
    "db",
    "snapshot",
    "pg",
    "cluster-pg",
    "og",
    "subgrp",
    "es",
    "deployment",
    "auto-backup",
    "cluster",
    "cluster-snapshot",
    "cluster-endpoint",
    "cluster-auto-backup",
]


def made(account: str, region: str, kind: Kind, name: str) -> str:
    """Return the ARN of a resource of an account in a region."""
    return f"arn:{arns.partition_of(region)}:rds:{region}:{account}:{kind}:{name}"


def taken_apart(text: str, member: str = "ResourceName") -> tuple[Arn, str, str]:
    """Return an ARN of RDS, its kind and its name in lower case; raises InvalidParameterValue."""
    try:
        arn = arns.parse(text)
    except ValueError:
        raise bad_value(
            f"The specified resource name does not match an RDS resource in this region: {text}"
        ) from None
    kind, colon, name = arn.resource.partition(":")
    if arn.service != "rds" or not colon:
        raise bad_value(f"{member} {text} is not the ARN of an RDS resource")
    return arn, kind, name.lower()
