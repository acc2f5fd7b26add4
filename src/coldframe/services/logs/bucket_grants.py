"""The bucket policy that deliveries of logs need, which AWS adds for a caller who may do that."""

import json
from typing import Any

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError

_SERVICE = {"Service": "delivery.logs.amazonaws.com"}


def let_deliveries_in(call: Call, bucket: str) -> bool:
    """Add to a bucket's policy, as the caller, what deliveries of the account's logs need; return whether it was done.

    It is not done where the caller may not read or write the policy, nor beside a statement with NotAction or
    NotPrincipal. Source: CloudWatch Logs user guide, Logs sent to Amazon S3.
    """
    client = call.client("s3")
    try:
        policy = _policy(client, bucket)
        statements = policy["Statement"] = _listed(policy.get("Statement"))
        if any(name in each for each in statements for name in ("NotAction", "NotPrincipal")):
            return False
        statements += _needed(call, bucket)
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    except ClientError:
        # That deliveries stay refused is what the caller is told.
        return False
    return True


def _policy(client: Any, bucket: str) -> dict[str, Any]:
    try:
        policy: dict[str, Any] = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return {"Version": "2012-10-17", "Id": "AWSLogDeliveryWrite20150319"}
    return policy


def _listed(statements: Any) -> list[dict[str, Any]]:
    return [statements] if isinstance(statements, dict) else list(statements or ())


def _needed(call: Call, bucket: str) -> list[dict[str, Any]]:
    source = {
        "StringEquals": {"aws:SourceAccount": call.account},
        "ArnLike": {"aws:SourceArn": f"arn:aws:logs:{call.region}:{call.account}:*"},
    }
    whole = {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": call.account}
    return [
        {
            "Sid": "AWSLogDeliveryWrite",
            "Effect": "Allow",
            "Principal": _SERVICE,
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{call.account}/*",
            "Condition": {**source, "StringEquals": whole},
        },
        {
            "Sid": "AWSLogDeliveryAclCheck",
            "Effect": "Allow",
            "Principal": _SERVICE,
            "Action": "s3:GetBucketAcl",
            "Resource": f"arn:aws:s3:::{bucket}",
            "Condition": source,
        },
    ]
