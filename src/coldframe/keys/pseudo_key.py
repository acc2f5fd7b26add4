"""Pseudo-private-key files: OpenSSH's key format, with the name of a key in the kernel in the place of the secret.

The layout is openssh-key-v1 with the key type `ssh-rsa-keyring`; a patched ssh reads the name, finds the key with
request_key(2) and signs in the kernel. The file holds nothing secret.
"""

import base64
import binascii
import os
import textwrap
from pathlib import Path
from typing import NamedTuple

from coldframe.core.durable import sync_folder
from coldframe.keys.wire import WireError, number, string, take

_MAGIC = b"openssh-key-v1\0"
_TYPE = b"ssh-rsa-keyring"
_BEGIN, _END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
# The check number, twice; it tells a wrong passphrase, and there is none.
_CHECK = bytes.fromhex("01020304")
_BLOCK = 8
_LINE = 76


class NotAPseudoKey(ValueError):
    """A file that is no pseudo-private-key file, or a damaged one; the text says what is wrong with it."""


class PseudoKey(NamedTuple):
    """The name under which the kernel has the key, the public key as `ssh-rsa BASE64`, and the comment."""

    description: str
    public: str
    comment: str


def write(key: PseudoKey) -> bytes:
    """Return the binary content of the file; raises NotAPseudoKey for a public key that is not RSA."""
    body = _numbers(key.public)
    public = string(_TYPE) + body
    private = _CHECK * 2 + public + string(key.description.encode()) + string(key.comment.encode())
    # Always at least one byte of padding, a whole block where the length fits already.
    private += bytes(range(1, _BLOCK - len(private) % _BLOCK + 1))
    return (
        _MAGIC + string(b"none") * 2 + string(b"") + (1).to_bytes(4, "big") + string(public) + string(private)
    )


def armoured(content: bytes) -> str:
    """Return binary content as the text of the file."""
    return "\n".join([_BEGIN, *textwrap.wrap(base64.b64encode(content).decode(), _LINE), _END, ""])


def save(key: PseudoKey, path: Path) -> None:
    """Write the file, readable by its owner alone as ssh demands; raises FileExistsError rather than replace one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(armoured(write(key)))
        file.flush()
        os.fsync(file.fileno())
    # Whoever has it throws the key away that it was made from.
    sync_folder(path.parent)


def read(text: str) -> PseudoKey:
    """Read the text of a file; raises NotAPseudoKey."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise NotAPseudoKey(f"a pseudo-private-key file begins with {_BEGIN} and ends with {_END}")
    try:
        return decode(base64.b64decode("".join(lines[1:-1]), validate=True))
    except binascii.Error:
        raise NotAPseudoKey("what stands between the first and the last line is not base64") from None


def decode(content: bytes) -> PseudoKey:
    """Read binary content; raises NotAPseudoKey."""
    if not content.startswith(_MAGIC):
        raise NotAPseudoKey("it does not begin with openssh-key-v1")
    try:
        public, private = _sections(content)
        return _private(public, private)
    except WireError as error:
        raise NotAPseudoKey(f"the file is damaged: {error}") from None
    except UnicodeDecodeError:
        raise NotAPseudoKey("the file is damaged: a name in it is not UTF-8") from None


def _sections(content: bytes) -> tuple[bytes, bytes]:
    at = len(_MAGIC)
    cipher, at = take(content, at)
    derivation, at = take(content, at)
    options, at = take(content, at)
    if (cipher, derivation, options) != (b"none", b"none", b""):
        raise NotAPseudoKey("it is encrypted; a pseudo-private-key file is not, so this is a private key")
    count, at = number(content, at)
    if count != 1:
        raise NotAPseudoKey(f"it holds {count} keys, not one")
    public, at = take(content, at)
    private, at = take(content, at)
    if at != len(content):
        raise NotAPseudoKey("there are bytes behind its end")
    return public, private


def _private(public: bytes, private: bytes) -> PseudoKey:
    kind, at = take(public, 0)
    if kind != _TYPE:
        raise NotAPseudoKey(f"it holds a key of type {kind.decode('ascii', 'replace')}, not {_TYPE.decode()}")
    body = public[at:]
    first, second = private[:4], private[4:8]
    if first != second:
        raise NotAPseudoKey("its two check numbers differ: it is encrypted or damaged")
    if not private[8:].startswith(public):
        raise NotAPseudoKey("its private section is of another key than its public one")
    at = 8 + len(public)
    description, at = take(private, at)
    comment, at = take(private, at)
    if private[at:] != bytes(range(1, len(private) - at + 1)) or len(private) % _BLOCK:
        raise NotAPseudoKey("its padding is wrong")
    blob = string(b"ssh-rsa") + body
    return PseudoKey(description.decode(), f"ssh-rsa {base64.b64encode(blob).decode()}", comment.decode())


def _numbers(public: str) -> bytes:
    """Return exponent and modulus as they stand in a line `ssh-rsa BASE64 ...`."""
    words = public.split()
    if len(words) < 2 or words[0] != "ssh-rsa":
        raise NotAPseudoKey(
            "a public key in OpenSSH's format is needed: ssh-rsa BASE64 COMMENT; only RSA keys work"
        )
    try:
        blob = base64.b64decode(words[1], validate=True)
        kind, at = take(blob, 0)
    except (binascii.Error, WireError):
        raise NotAPseudoKey("the public key is damaged") from None
    if kind != b"ssh-rsa":
        raise NotAPseudoKey("the public key is of another kind than its first word says")
    return blob[at:]
