"""Versioning, tags and lifecycle rules of a bucket."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3 import configurations
from coldframe.services.s3.lifecycle import answered_rules, kept_rules
from coldframe.services.s3.lookup import Request, bucket_of, bucket_to_change
from coldframe.services.s3.refusals import malformed_xml, not_built
from coldframe.services.s3.tags import BUCKET_LIMIT, tag_set, tags_of_set

_SMALLEST = "all_storage_classes_128K"
_NO_RULES = ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")


def put_bucket_versioning(call: Call, request: Request) -> Mapping[str, Any]:
    """Turn versioning on, or suspend it; a locked bucket keeps it."""
    bucket = bucket_to_change(call, request)
    configuration = request["VersioningConfiguration"]
    if configuration.get("MFADelete") == "Enabled":
        raise not_built("MFA delete is not built in coldframe.")
    status = configuration.get("Status")
    if status is None:
        raise ServiceFault(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
            status=400,
        )
    if bucket.lock_enabled and status != "Enabled":
        text = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise ServiceFault("InvalidBucketState", text, status=409)
    call.records.change(bucket, versioning=status)
    return {}


def get_bucket_versioning(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer whether versioning is on or suspended; nothing when it never was on."""
    bucket = bucket_of(call, request)
    return {"Status": bucket.versioning} if bucket.versioning else {}


def put_bucket_tagging(call: Call, request: Request) -> Mapping[str, Any]:
    """Put tags in place of those there were."""
    bucket = bucket_to_change(call, request)
    call.records.change(bucket, tags=tags_of_set(request["Tagging"].get("TagSet") or [], BUCKET_LIMIT))
    return configurations.NO_CONTENT


def get_bucket_tagging(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a bucket's tags."""
    bucket = bucket_of(call, request)
    if not bucket.tags:
        raise ServiceFault("NoSuchTagSet", "The TagSet does not exist", status=404, BucketName=bucket.name)
    return {"TagSet": tag_set(bucket.tags)}


def delete_bucket_tagging(call: Call, request: Request) -> Mapping[str, Any]:
    """Take a bucket's tags away."""
    call.records.change(bucket_to_change(call, request), tags={})
    return {}


def put_bucket_lifecycle_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep the rules by which objects expire."""
    rules = (request.get("LifecycleConfiguration") or {}).get("Rules")
    if not rules:
        raise malformed_xml()
    smallest = request.get("TransitionDefaultMinimumObjectSize") or _SMALLEST
    bucket = bucket_to_change(call, request)
    settings = bucket.settings | {"lifecycle": kept_rules(rules), "lifecycle_smallest": smallest}
    call.records.change(bucket, settings=settings)
    return {"TransitionDefaultMinimumObjectSize": smallest}


def get_bucket_lifecycle_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the lifecycle rules."""
    rules = answered_rules(configurations.get(call, request, "lifecycle", _NO_RULES))
    smallest = configurations.get(call, request, "lifecycle_smallest") or _SMALLEST
    return {"Rules": rules, "TransitionDefaultMinimumObjectSize": smallest}


def delete_bucket_lifecycle(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget the lifecycle rules."""
    return configurations.delete(call, request, "lifecycle")
