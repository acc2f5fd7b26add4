"""Bucket policies, and whether one makes its bucket public."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3 import acls
from coldframe.services.s3.configurations import NO_CONTENT
from coldframe.services.s3.lookup import Request, bucket_arn, bucket_of, bucket_to_change
from coldframe.services.s3.policies import check_policy, is_public
from coldframe.services.s3.records import Bucket
from coldframe.services.s3.refusals import access_denied


def put_bucket_policy(call: Call, request: Request) -> Mapping[str, Any]:
    """Put a policy on a bucket; a public one only where Block Public Access lets it."""
    bucket = bucket_to_change(call, request)
    text = request["Policy"]
    check_policy(text, bucket_arn(call, bucket.name))
    if acls.blocks(bucket, "BlockPublicPolicy") and is_public(text):
        raise access_denied(
            "Access Denied: public policies are blocked by the BlockPublicPolicy setting in S3 Block Public Access."
        )
    call.records.change(bucket, policy=text)
    return NO_CONTENT


def get_bucket_policy(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a bucket's policy as it was put."""
    return {"Policy": _policy(bucket_of(call, request))}


def get_bucket_policy_status(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer whether the policy is public."""
    return {"PolicyStatus": {"IsPublic": is_public(_policy(bucket_of(call, request)))}}


def delete_bucket_policy(call: Call, request: Request) -> Mapping[str, Any]:
    """Take a bucket's policy away."""
    call.records.change(bucket_to_change(call, request), policy="")
    return {}


def _policy(bucket: Bucket) -> str:
    if not bucket.policy:
        text = "The bucket policy does not exist"
        raise ServiceFault("NoSuchBucketPolicy", text, status=404, BucketName=bucket.name)
    return bucket.policy
