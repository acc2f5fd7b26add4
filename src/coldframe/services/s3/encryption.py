"""Server-side encryption: SSE-S3 for every object, SSE-KMS with a data key that KMS wraps for the caller, or SSE-C.

An object under SSE-KMS is sealed under a key that follows from the store's and from a data key of its own, so that its
bytes can be read only by who may kms:Decrypt. The encryption context is the object's ARN, or the bucket's with an S3 Bucket Key, as documented.
"""

import base64
import binascii
import json
from typing import Any, NamedTuple

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.services.s3.customer_keys import customer_key, told_encryption
from coldframe.services.s3.lookup import Request, bucket_arn
from coldframe.services.s3.records import Bucket, Version
from coldframe.services.s3.refusals import access_denied, invalid_argument

KMS = ("aws:kms", "aws:kms:dsse")
_DEFAULT_KEY = "alias/aws/s3"
_CONTEXT = "aws:s3:arn"


class Wanted(NamedTuple):
    """How an object is to be encrypted: the algorithm, and of SSE-KMS the key, the Bucket Key and the caller's context."""

    algorithm: str
    key: str = ""
    bucket_key: bool = False
    context: dict[str, str] = {}


def wanted(bucket: Bucket, request: Request) -> Wanted:
    """Return what a request asks for, else the bucket's default; raises InvalidArgument for what is no encryption."""
    algorithm, key = request.get("ServerSideEncryption"), request.get("SSEKMSKeyId") or ""
    rule = ((bucket.settings.get("encryption") or {}).get("Rules") or [{}])[0]
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    if algorithm is None:
        if key or request.get("SSEKMSEncryptionContext"):
            raise _needs_kms()
        algorithm, key = default.get("SSEAlgorithm") or "AES256", default.get("KMSMasterKeyID") or ""
    elif algorithm not in {"AES256", *KMS}:
        text = "The encryption method specified is not supported"
        raise invalid_argument(text, "x-amz-server-side-encryption", algorithm)
    if algorithm == "AES256":
        if request.get("SSEKMSKeyId"):
            raise _needs_kms()
        return Wanted(algorithm)
    bucket_key = request.get("BucketKeyEnabled")
    if bucket_key is None:
        bucket_key = rule.get("BucketKeyEnabled")
    return Wanted(algorithm, key, bool(bucket_key) and algorithm == "aws:kms", _context_of(request))


def encrypted(call: Call, bucket: Bucket, request: Request, draft: Version) -> tuple[Version, bytes]:
    """Return a draft as it will be encrypted, and the key of its bytes beside the store's; empty for SSE-S3.

    No transaction may be open. Raises AccessDenied and KMS's faults as S3 words them.
    """
    if key := customer_key(request):
        return draft, key
    asked = wanted(bucket, request)
    if asked.algorithm == "AES256":
        return draft, b""
    name = bucket_arn(call, bucket.name)
    context = asked.context | {_CONTEXT: name if asked.bucket_key else f"{name}/{draft.key}"}
    made = _asked(
        call,
        bucket,
        "generate_data_key",
        KeyId=asked.key or _DEFAULT_KEY,
        KeySpec="AES_256",
        EncryptionContext=context,
    )
    draft = replace(
        draft,
        sse=asked.algorithm,
        kms_key=made["KeyId"],
        bucket_key=asked.bucket_key,
        kms_context=context,
        wrapped=base64.b64encode(made["CiphertextBlob"]).decode(),
    )
    return draft, bytes(made["Plaintext"])


def opened(call: Call, bucket: Bucket, found: Version) -> bytes:
    """Return the data key of a version for its caller, empty without one; raises AccessDenied and KMS's faults."""
    if not found.sse:
        return b""
    blob = base64.b64decode(found.wrapped)
    answer = _asked(call, bucket, "decrypt", CiphertextBlob=blob, EncryptionContext=found.kms_context)
    return bytes(answer["Plaintext"])


def answered(found: Version, request: Request) -> dict[str, Any]:
    """Return what answers say of a version's encryption; of SSE-C what the request brought."""
    if not found.sse:
        return told_encryption(request if found.customer_key else {})
    answer: dict[str, Any] = {"ServerSideEncryption": found.sse, "SSEKMSKeyId": found.kms_key}
    return answer | {"BucketKeyEnabled": True} if found.bucket_key else answer


def _context_of(request: Request) -> dict[str, str]:
    """Return the pairs that the caller adds to the encryption context: base64 of a JSON object of texts."""
    given = request.get("SSEKMSEncryptionContext")
    if not given:
        return {}
    try:
        found = json.loads(base64.b64decode(given, validate=True))
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        text = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON"
        raise invalid_argument(f"{text} which represents a string-string map")
    return found


def _asked(call: Call, bucket: Bucket, method: str, **parameters: Any) -> Any:
    """Ask KMS in the bucket's region as the caller, through S3."""
    assert call.installation.clients is not None, "the server has clients before it serves"
    client = call.installation.clients("kms", principal=call.principal, region=bucket.region, via="s3")
    try:
        return getattr(client, method)(**parameters)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "AccessDeniedException":
            raise access_denied(message) from error
        raise ServiceFault(f"KMS.{code}", message, status=400) from error


def _needs_kms() -> ServiceFault:
    return invalid_argument(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
    )
