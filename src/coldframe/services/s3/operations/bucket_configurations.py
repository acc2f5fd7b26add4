"""Configurations of a bucket that are kept as they are put: CORS, encryption, ownership, public access, and others."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.s3 import acls, configurations
from coldframe.services.s3.cors import check_rules
from coldframe.services.s3.encryption import KMS
from coldframe.services.s3.events import try_targets
from coldframe.services.s3.lookup import Request, bucket_of, bucket_to_change
from coldframe.services.s3.notifications import check_notifications
from coldframe.services.s3.refusals import invalid_argument, invalid_request, malformed_xml
from coldframe.services.s3.targets import check_log_target, check_website

_NO_CORS = ("NoSuchCORSConfiguration", "The CORS configuration does not exist")
_NO_OWNERSHIP = ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
_NO_BLOCK = ("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
_NO_WEBSITE = ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")
_NO_REPLICATION = ("ReplicationConfigurationNotFoundError", "The replication configuration was not found")
_DEFAULT_ENCRYPTION = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
}


def put_bucket_cors(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep the rules that answers to browsers go by."""
    rules = request["CORSConfiguration"].get("CORSRules") or []
    check_rules(rules)
    return configurations.put(call, request, "cors", {"CORSRules": rules})


def get_bucket_cors(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the CORS rules."""
    return dict(configurations.get(call, request, "cors", _NO_CORS))


def delete_bucket_cors(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget the CORS rules."""
    return configurations.delete(call, request, "cors")


def put_bucket_encryption(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep how objects are encrypted whose request does not say it."""
    bucket_of(call, request)
    configuration = request["ServerSideEncryptionConfiguration"]
    rules = configuration.get("Rules") or []
    if len(rules) != 1:
        raise malformed_xml()
    default = rules[0].get("ApplyServerSideEncryptionByDefault") or {}
    if default.get("SSEAlgorithm", "AES256") not in KMS and default.get("KMSMasterKeyID"):
        raise invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            "ApplyServerSideEncryptionByDefault",
        )
    return configurations.put(call, request, "encryption", configuration)


def get_bucket_encryption(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the default encryption."""
    found = configurations.get(call, request, "encryption") or _DEFAULT_ENCRYPTION
    return {"ServerSideEncryptionConfiguration": found}


def delete_bucket_encryption(call: Call, request: Request) -> Mapping[str, Any]:
    """Go back to the default encryption, SSE-S3."""
    return configurations.delete(call, request, "encryption")


def put_bucket_ownership_controls(call: Call, request: Request) -> Mapping[str, Any]:
    """Say who owns objects, and whether ACLs count."""
    rules = request["OwnershipControls"].get("Rules") or []
    if len(rules) != 1:
        raise malformed_xml()
    bucket = bucket_of(call, request)
    if rules[0]["ObjectOwnership"] == "BucketOwnerEnforced" and bucket.acl != "private":
        text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise ServiceFault("InvalidBucketAclWithObjectOwnership", text, status=400)
    return configurations.put(call, request, "ownership", {"Rules": rules})


def get_bucket_ownership_controls(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer who owns objects."""
    return {"OwnershipControls": configurations.get(call, request, "ownership", _NO_OWNERSHIP)}


def delete_bucket_ownership_controls(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget who owns objects: whoever writes them does."""
    return configurations.delete(call, request, "ownership")


def put_public_access_block(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep what is blocked of public access; what is not said is not blocked."""
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    said = request["PublicAccessBlockConfiguration"]
    return configurations.put(
        call, request, "public_access_block", {name: bool(said.get(name)) for name in names}
    )


def get_public_access_block(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer what is blocked of public access."""
    return {
        "PublicAccessBlockConfiguration": configurations.get(call, request, "public_access_block", _NO_BLOCK)
    }


def delete_public_access_block(call: Call, request: Request) -> Mapping[str, Any]:
    """Block no public access any more."""
    return configurations.delete(call, request, "public_access_block")


def put_bucket_notification_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep whom to tell of events; an empty configuration tells nobody."""
    bucket_of(call, request)
    configuration = check_notifications(request["NotificationConfiguration"])
    if not request.get("SkipDestinationValidation"):
        try_targets(call, bucket_of(call, request), configuration)
    return configurations.put(call, request, "notification", configuration)


def get_bucket_notification_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer whom to tell of events."""
    return dict(configurations.get(call, request, "notification"))


def put_bucket_logging(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep where access logs would go; none are written."""
    check_log_target(call, bucket_of(call, request), request["BucketLoggingStatus"])
    return configurations.put(call, request, "logging", request["BucketLoggingStatus"])


def get_bucket_logging(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer where access logs would go."""
    return dict(configurations.get(call, request, "logging"))


def put_bucket_website(call: Call, request: Request) -> Mapping[str, Any]:
    """Make the bucket a site, or another one."""
    bucket_of(call, request)
    check_website(request["WebsiteConfiguration"])
    return configurations.put(call, request, "website", request["WebsiteConfiguration"])


def get_bucket_website(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the website configuration."""
    return dict(configurations.get(call, request, "website", _NO_WEBSITE))


def delete_bucket_website(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget the website configuration."""
    return configurations.delete(call, request, "website")


def put_bucket_request_payment(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep who pays; nobody does here."""
    return configurations.put(call, request, "request_payment", request["RequestPaymentConfiguration"])


def get_bucket_request_payment(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer who pays."""
    return dict(configurations.get(call, request, "request_payment") or {"Payer": "BucketOwner"})


def put_bucket_accelerate_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep whether transfers would be accelerated."""
    if "." in request["Bucket"]:
        text = "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
        raise invalid_request(text)
    if request["AccelerateConfiguration"].get("Status") not in {None, "Enabled", "Suspended"}:
        raise malformed_xml()
    return configurations.put(call, request, "accelerate", request["AccelerateConfiguration"])


def get_bucket_accelerate_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer whether transfers would be accelerated."""
    return dict(configurations.get(call, request, "accelerate"))


def get_bucket_replication(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer that there is no replication."""
    return dict(configurations.get(call, request, "replication", _NO_REPLICATION))


def delete_bucket_replication(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget a replication that there is not."""
    return configurations.delete(call, request, "replication")


def get_bucket_acl(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a bucket's access control list."""
    bucket = bucket_of(call, request)
    return acls.answer(bucket.acl, bucket.owner)


def put_bucket_acl(call: Call, request: Request) -> Mapping[str, Any]:
    """Put an access control list on a bucket that has them enabled."""
    bucket = bucket_to_change(call, request)
    acls.need_acl(request)
    call.records.change(bucket, acl=acls.acl_of_new(bucket, request))
    return {}
