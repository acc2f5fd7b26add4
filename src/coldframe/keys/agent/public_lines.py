"""Public keys as SSH writes them: the blob of the protocol, and the line of a file."""

import base64
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from coldframe.keys.wire import take


def line_of(blob: bytes) -> bytes:
    """Return the line (type and base64) of a blob; raises WireError for what is none."""
    kind, _ = take(blob, 0)
    return kind + b" " + base64.b64encode(blob)


def blob_of(key: Any) -> bytes:
    """Return the blob of a public key of `cryptography`."""
    return blob_in(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))


def blob_in(line: bytes | str) -> bytes:
    """Return the blob in a line."""
    words = (line.encode() if isinstance(line, str) else line).split()
    return base64.b64decode(words[1])
