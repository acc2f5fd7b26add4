"""Configurations of inventory reports: what they may say, and when a report is due."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.s3.records import Bucket
from coldframe.services.s3.refusals import not_built

_DAY = 86_400_000
_SUNDAY = 6


def check_inventory(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Refuse a configuration whose reports could not be made."""
    destination = configuration["Destination"]["S3BucketDestination"]
    if not destination["Bucket"].startswith("arn:aws") or ":::" not in destination["Bucket"]:
        text = "Invalid bucket ARN."
        raise ServiceFault("InvalidS3DestinationBucket", text, status=400)
    if destination["Format"] != "CSV":
        raise not_built(f"Inventory reports in {destination['Format']} are not built in coldframe; CSV is.")


def due(configuration: Mapping[str, Any], before: int | None, now: int) -> bool:
    """Tell whether a report is due: the first at once, then one a day (UTC), or one a week, on Sundays."""
    if not configuration["IsEnabled"]:
        return False
    if before is None:
        return True
    if before // _DAY >= now // _DAY:
        return False
    weekly = configuration["Schedule"]["Frequency"] == "Weekly"
    return (
        not weekly or datetime.fromtimestamp(now / 1000, UTC).weekday() == _SUNDAY or now - before >= 7 * _DAY
    )
