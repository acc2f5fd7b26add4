"""Encryption and decryption with a key, symmetric or RSA."""

from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import load_der_public_key

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.kms import blobs
from coldframe.services.kms.lookup import invalid
from coldframe.services.kms.places import Place
from coldframe.services.kms.private_keys import CannotDecrypt, oaep
from coldframe.services.kms.records import Material
from coldframe.services.kms.using import Use, check_algorithm

SYMMETRIC = "SYMMETRIC_DEFAULT"
_OVERHEAD = {"RSAES_OAEP_SHA_1": 42, "RSAES_OAEP_SHA_256": 66}


class Plain(NamedTuple):
    """What was decrypted, and the id of the material that did it; empty for an asymmetric key."""

    text: bytes
    material: str = ""


def encrypt(call: Call, use: Use, algorithm: str, plaintext: bytes, context: dict[str, str] | None) -> bytes:
    """Return the ciphertext of a plaintext by a key."""
    check_algorithm(use, algorithm)
    if algorithm == SYMMETRIC:
        return encrypt_symmetric(call, use, plaintext, context or {})
    _refuse_context(context, algorithm)
    most = use.spec.size // 8 - _OVERHEAD[algorithm]
    if len(plaintext) > most:
        raise invalid(
            f"Algorithm {algorithm} and key spec {use.key.spec} cannot encrypt data larger than {most} bytes."
        )
    public: Any = load_der_public_key(use.public)
    ciphertext: bytes = public.encrypt(plaintext, oaep(algorithm))
    return ciphertext


def encrypt_symmetric(call: Call, use: Use, plaintext: bytes, context: dict[str, str]) -> bytes:
    """Return the blob of a plaintext by the current material of a symmetric key."""
    header = blobs.Header(use.place.account, use.place.region, use.key.id, use.key.material)
    return blobs.write(call.installation.seal, header, use.secret(), plaintext, context)


def decrypt(call: Call, use: Use, algorithm: str, ciphertext: bytes, context: dict[str, str] | None) -> Plain:
    """Return what a key encrypted; raises InvalidCiphertextException, IncorrectKeyException."""
    check_algorithm(use, algorithm)
    if algorithm != SYMMETRIC:
        _refuse_context(context, algorithm)
        try:
            return Plain(use.private_keys.decrypt(use.name, use.load, algorithm, ciphertext))
        except CannotDecrypt as error:
            raise blobs.unreadable() from error
    header = blobs.read_header(call.installation.seal, ciphertext)
    check_encrypted_by(use.place, header)
    material = _material(call, use, header.material)
    return Plain(blobs.read(use.secret(material.id), ciphertext, context or {}), material.id)


def check_encrypted_by(place: Place, header: blobs.Header) -> None:
    """Raise IncorrectKeyException unless a blob is of the key at a place, or of a related multi-Region key."""
    related = header.key_id.startswith("mrk-") or header.region == place.region
    if (header.account, header.key_id) != (place.account, place.id) or not related:
        raise ServiceFault(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )


def _material(call: Call, use: Use, beginning: str) -> Material:
    """Return the material whose id begins so: the current one as a rule, an older one after rotations."""
    if use.key.material.startswith(beginning):
        return use.material()
    with call.installation.store.read() as transaction:
        records = transaction.records(use.place.account, use.place.region)
        found = records.list(Material, key_prefix=(use.key.id,), starts_with=("id", beginning))
    if not found:
        raise blobs.unreadable()
    return use.material(found[0].id)


def _refuse_context(context: dict[str, str] | None, algorithm: str) -> None:
    if context:
        raise invalid(f"An EncryptionContext cannot be specified with the algorithm {algorithm}.")
