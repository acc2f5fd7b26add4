"""The MD5 digests by which clients of SQS check what arrived. Source: SQS Developer Guide, Message attributes."""

import hashlib
from collections.abc import Mapping

from coldframe.services.sqs.storage import Attribute

_TEXT, _BYTES = b"\1", b"\2"


def of_body(body: str) -> str:
    """Return the digest of a message's body."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def of_attributes(attributes: Mapping[str, Attribute]) -> str:
    """Return the digest of message attributes: name, data type, kind and value of each, in the order of the names."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        digest.update(_with_length(name.encode()) + _with_length(attribute.type.encode()))
        if attribute.text:
            digest.update(_TEXT + _with_length(attribute.text.encode()))
        else:
            digest.update(_BYTES + _with_length(attribute.data))
    return digest.hexdigest()


def _with_length(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value
