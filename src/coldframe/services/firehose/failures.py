"""Failed deliveries as Firehose writes them to CloudWatch Logs.

Source: Amazon Data Firehose Developer Guide, "Monitor Firehose with CloudWatch Logs", Amazon S3 data delivery errors.
"""

import json
from typing import Any, Final

from coldframe.core.client_errors import ClientError

_MESSAGES: Final = {
    "S3.AccessDenied": "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to"
    " assume the role, and the access policy allows access to the S3 bucket.",
    "S3.NoSuchBucket": "The specified bucket does not exist. Verify that the S3 bucket exists and has not been deleted.",
}


def event_of(arn: str, version: int, destination: str, error: ClientError) -> str:
    """Return the log event of a delivery that S3 refused."""
    said = error.response["Error"]
    code = f"S3.{said['Code']}"
    return json.dumps(
        {
            "deliveryStreamARN": arn,
            "destination": destination,
            "deliveryStreamVersionId": version,
            "message": _MESSAGES.get(code) or said.get("Message", ""),
            "errorCode": code,
        }
    )


def logging_of(destination: dict[str, Any]) -> tuple[str, str] | None:
    """Return the log group and stream that failures of a destination go to; None when it has none."""
    options = destination.get("CloudWatchLoggingOptions") or {}
    return (options["LogGroupName"], options["LogStreamName"]) if options.get("Enabled") else None
