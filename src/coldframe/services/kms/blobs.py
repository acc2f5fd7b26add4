"""Ciphertext blobs: what Encrypt and GenerateDataKey hand out, and what only this installation can read.

A blob is a version byte, a sealed header of one length that names account, region, key and material, a salt, a nonce and
the ciphertext. Each blob has a key of its own, derived from the material and the salt. The header and the encryption
context are authenticated with it, so that neither can be exchanged.
"""

import os
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from coldframe.core.faults import ServiceFault
from coldframe.core.seal import Seal, SealBroken

_VERSION = b"\x01"
_PURPOSE = "kms-blob-header"
_HEADER = 112
_SEALED = _HEADER + 12 + 16
_SALT = 16
_NONCE = 12
_LEAST = 1 + _SEALED + _SALT + _NONCE + 16


class Header(NamedTuple):
    """What a blob names: where the key was that encrypted it, and which of its materials did."""

    account: str
    region: str
    key_id: str
    material: str


def unreadable() -> ServiceFault:
    """Return the fault for a ciphertext that does not open; AWS gives it no message, so that it tells nothing."""
    return ServiceFault("InvalidCiphertextException", "")


def canonical(context: dict[str, str]) -> bytes:
    """Return the bytes that stand for an encryption context, whatever order its pairs came in."""
    return msgspec.json.encode(sorted(context.items()))


def write(seal: Seal, header: Header, secret: bytes, plaintext: bytes, context: dict[str, str]) -> bytes:
    """Return the blob of a plaintext under the material `secret` (32 bytes)."""
    # The first half of a material's id is enough to find it, and keeps the header short.
    text = "/".join(header[:3]) + "/" + header.material[:32]
    sealed = seal.seal(_PURPOSE, "1", text.encode().ljust(_HEADER))
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    head = _VERSION + sealed
    body = _cipher(secret, salt).encrypt(nonce, plaintext, head + canonical(context))
    return head + salt + nonce + body


def read_header(seal: Seal, blob: bytes) -> Header:
    """Return what a blob names; raises InvalidCiphertextException for what is no blob of this installation."""
    if len(blob) < _LEAST or blob[:1] != _VERSION:
        raise unreadable()
    try:
        text = seal.open(_PURPOSE, "1", blob[1 : 1 + _SEALED]).decode().rstrip()
    except SealBroken as error:
        raise unreadable() from error
    return Header(*text.split("/"))


def read(secret: bytes, blob: bytes, context: dict[str, str]) -> bytes:
    """Return the plaintext of a blob; raises InvalidCiphertextException for another context or changed bytes."""
    head, rest = blob[: 1 + _SEALED], blob[1 + _SEALED :]
    salt, nonce, body = rest[:_SALT], rest[_SALT : _SALT + _NONCE], rest[_SALT + _NONCE :]
    try:
        return _cipher(secret, salt).decrypt(nonce, body, head + canonical(context))
    except InvalidTag as error:
        raise unreadable() from error


def _cipher(secret: bytes, salt: bytes) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"coldframe kms blob 1").derive(secret)
    return AESGCM(derived)
