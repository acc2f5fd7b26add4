"""Encryption with keys that customers provide (SSE-C): an object opens only with the key that came when it was put.

The key itself is kept nowhere: what is kept tells whether a key is the right one, and the bytes are sealed under a key
that follows from it and from the server's own. Source: Amazon S3 User Guide, Using server-side encryption with
customer-provided keys. AWS takes such keys over TLS alone; here the way from the client may be one machine's own.
"""

import hashlib
import hmac
import os
from base64 import b64decode
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.s3.lookup import Request
from coldframe.services.s3.records import Version
from coldframe.services.s3.refusals import access_denied, invalid_request

_ALGORITHM, _KEY, _MD5 = "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"
_OF_SOURCE = "CopySource"
_MUST = "Requests specifying Server Side Encryption with Customer provided keys must provide"


def customer_key(request: Request, prefix: str = "") -> bytes:
    """Return the key that a request brings, which is empty without one; `prefix` chooses that of a copy's source.

    Raises InvalidArgument for a key that is none, or not the one that its digest is of.
    """
    algorithm, text, md5 = (request.get(prefix + name) for name in (_ALGORITHM, _KEY, _MD5))
    if algorithm is None and text is None and md5 is None:
        return b""
    if not prefix and request.get("ServerSideEncryption"):
        message = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
        raise _refused(message, request["ServerSideEncryption"])
    if algorithm is None:
        raise _refused(f"{_MUST} a valid encryption algorithm.")
    if algorithm != "AES256":
        message = "The Encryption request you specified is not valid. Supported value: AES256."
        raise _refused(message, algorithm, code="InvalidEncryptionAlgorithmError")
    if not text:
        raise _refused(f"{_MUST} an appropriate secret key.")
    key = _decoded(text)
    if len(key) != 32 or not md5:
        raise _refused("The secret key was invalid for the specified algorithm.")
    if not hmac.compare_digest(hashlib.md5(key, usedforsecurity=False).digest(), _decoded(md5)):
        raise _refused("The calculated MD5 hash of the key did not match the hash that was provided.")
    return key


def check_of(key: bytes) -> str:
    """Return what is kept to know the key again; empty for no key."""
    if not key:
        return ""
    salt = os.urandom(16)
    return f"{salt.hex()}:{_digest(salt, key).hex()}"


def right_key(request: Request, found: Version, prefix: str = "") -> bytes:
    """Return the key that opens a version, empty where it needs none; raises InvalidRequest and AccessDenied."""
    text = request.get(prefix + _KEY)
    if found.customer_key and text and (len(_decoded(text)) != 32 or not request.get(prefix + _MD5)):
        # Recorded: putting is refused otherwise.
        raise access_denied(f"{_MUST} the correct secret key.")
    key = customer_key(request, prefix)
    if not found.customer_key:
        if key:
            raise invalid_request("The encryption parameters are not applicable to this object.")
        return b""
    if not key:
        text = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided"
        raise invalid_request(f"{text} to retrieve the object.")
    if not _knows(found.customer_key, key):
        raise access_denied(f"{_MUST} the correct secret key.")
    return key


def key_of_upload(request: Request, draft: Version) -> bytes:
    """Return the key under which a part is kept: that of its upload; raises InvalidRequest for another."""
    key = customer_key(request)
    if draft.customer_key and not key:
        text = "The multipart upload initiate requested encryption. Subsequent part requests must include the"
        raise invalid_request(f"{text} appropriate encryption parameters.")
    if key and not draft.customer_key:
        # AWS says it in these words, which are of the other case.
        text = "The multipart upload initiate requested encryption. Subsequent part requests must include the"
        raise invalid_request(f"{text} appropriate encryption parameters.")
    if key and not _knows(draft.customer_key, key):
        text = "The provided encryption parameters did not match the ones used originally."
        raise invalid_request(text)
    return key


def told_encryption(request: Request) -> dict[str, Any]:
    """Return what an answer says of how its object is encrypted."""
    if request.get(_ALGORITHM):
        return {_ALGORITHM: request[_ALGORITHM], _MD5: request.get(_MD5)}
    return {"ServerSideEncryption": "AES256"}


def of_source(request: Request, found: Version) -> bytes:
    """Return the key that opens the source of a copy."""
    return right_key(request, found, _OF_SOURCE)


def _knows(kept: str, key: bytes) -> bool:
    salt, _, digest = kept.partition(":")
    return hmac.compare_digest(_digest(bytes.fromhex(salt), key), bytes.fromhex(digest))


def _digest(salt: bytes, key: bytes) -> bytes:
    return hmac.digest(salt, key, "sha256")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""


def _refused(message: str, value: str = "", *, code: str = "InvalidArgument") -> ServiceFault:
    members = {"ArgumentValue": value} if value else {}
    return ServiceFault(code, message, status=400, ArgumentName="x-amz-server-side-encryption", **members)
