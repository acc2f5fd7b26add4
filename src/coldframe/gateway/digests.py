"""The digests that come with a document: Content-MD5 and the x-amz-checksum headers, held against its bytes."""

import binascii
import hashlib
from base64 import b64decode

from coldframe.core.checksums import HEADER, checksum
from coldframe.core.faults import ServiceFault
from coldframe.core.wire import WireRequest


def check_digests(request: WireRequest) -> None:
    """Hold the body against the digests in its headers; raises InvalidDigest and BadDigest."""
    stated = request.headers.get("content-md5")
    if stated is not None:
        try:
            wanted = b64decode(stated, validate=True)
        except (binascii.Error, ValueError):
            wanted = b""
        if len(wanted) != 16:
            raise ServiceFault("InvalidDigest", "The Content-MD5 you specified was invalid.", status=400)
        if hashlib.md5(request.body, usedforsecurity=False).digest() != wanted:
            text = "The Content-MD5 you specified did not match what we received."
            raise ServiceFault("BadDigest", text, status=400)
    for name, value in request.headers.items():
        if (
            name.startswith(HEADER)
            and (actual := checksum(name, request.body)) is not None
            and actual != value
        ):
            algorithm = name.removeprefix(HEADER).upper()
            text = f"The {algorithm} you specified did not match the calculated checksum."
            raise ServiceFault("BadDigest", text, status=400)
