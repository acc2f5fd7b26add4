"""Import tokens and the unwrapping of key material that callers bring."""

import os
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from coldframe.core.faults import ServiceFault
from coldframe.core.seal import Seal, SealBroken
from coldframe.core.struct_types import whole
from coldframe.services.kms.blobs import unreadable
from coldframe.services.kms.places import Place

_PURPOSE = "kms-import-token"
VALID_MS = 86_400_000


class _Token(msgspec.Struct, frozen=True):
    """What an import token holds, sealed: the wrapping key lives nowhere else."""

    algorithm: str
    expires: int
    key: bytes
    nonce: bytes


def parameters(seal: Seal, place: Place, algorithm: str, bits: int, now: int) -> tuple[bytes, bytes]:
    """Return the token and the DER public key by which material for a key can be wrapped for a day."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    token = _Token(algorithm, now + VALID_MS, der, os.urandom(8))
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return seal.seal(_PURPOSE, place.arn, msgspec.msgpack.encode(token)), public


def unwrapped(seal: Seal, place: Place, token: bytes, wrapped: bytes, now: int) -> bytes:
    """Return the material in clear.

    Raises InvalidImportTokenException, ExpiredImportTokenException, InvalidCiphertextException.
    """
    try:
        held = msgspec.msgpack.decode(seal.open(_PURPOSE, place.arn, token), type=whole(_Token))
    except (SealBroken, msgspec.DecodeError) as error:
        text = "The import token is invalid or is associated with a different KMS key."
        raise ServiceFault("InvalidImportTokenException", text) from error
    if held.expires <= now:
        raise ServiceFault("ExpiredImportTokenException", "The import token is expired.")
    private: Any = load_der_private_key(held.key, None, unsafe_skip_rsa_key_validation=True)
    chosen = SHA1() if held.algorithm.endswith("SHA_1") else SHA256()  # noqa: S303 (one of AWS's algorithms)
    scheme = padding.OAEP(mgf=padding.MGF1(chosen), algorithm=chosen, label=None)
    try:
        if held.algorithm.startswith("RSAES_OAEP"):
            return bytes(private.decrypt(wrapped, scheme))
        size = private.key_size // 8
        return aes_key_unwrap_with_padding(private.decrypt(wrapped[:size], scheme), wrapped[size:])
    except (ValueError, InvalidUnwrap) as error:
        raise unreadable() from error
