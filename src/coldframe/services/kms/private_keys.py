"""Private keys in use: signing, decrypting and agreeing on secrets, wherever the private half lives."""

from collections.abc import Callable
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

Load = Callable[[], bytes]
"""Gives the private key, PKCS#8 DER; called only where the key is not held yet."""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA_1": hashes.SHA1(),  # noqa: S303 (RSAES_OAEP_SHA_1 is one of AWS's algorithms; OAEP does not rest on collisions)
    "SHA_256": hashes.SHA256(),
    "SHA_384": hashes.SHA384(),
    "SHA_512": hashes.SHA512(),
}


class CannotDecrypt(Exception):
    """A ciphertext that this key and algorithm do not open; nothing more is told about it."""


class PrivateKeys(Protocol):
    """Where RSA private keys are held and used; `name` is the key's own and never given twice."""

    where: str
    """`kernel` or `process`, for `coldframe doctor` and the documents."""

    def sign(self, name: str, load: Load, algorithm: str, digest: bytes) -> bytes:
        """Return the signature of a digest by an RSASSA algorithm of KMS."""

    def decrypt(self, name: str, load: Load, algorithm: str, ciphertext: bytes) -> bytes:
        """Return what an RSAES algorithm of KMS encrypted; raises CannotDecrypt."""

    def forget(self, name: str) -> None:
        """Destroy whatever is held of a key."""


class InProcess:
    """RSA private keys in the memory of this process for the moment of their use."""

    where = "process"

    def sign(self, name: str, load: Load, algorithm: str, digest: bytes) -> bytes:
        """Return the signature of a digest."""
        scheme, algorithm_hash = rsa_signature(algorithm)
        key: Any = load_der_private_key(load(), None, unsafe_skip_rsa_key_validation=True)
        signature: bytes = key.sign(digest, scheme, utils.Prehashed(algorithm_hash))
        return signature

    def decrypt(self, name: str, load: Load, algorithm: str, ciphertext: bytes) -> bytes:
        """Return what was encrypted."""
        key: Any = load_der_private_key(load(), None, unsafe_skip_rsa_key_validation=True)
        try:
            plain: bytes = key.decrypt(ciphertext, oaep(algorithm))
        except ValueError as error:
            raise CannotDecrypt from error
        return plain

    def forget(self, name: str) -> None:
        """Nothing is held."""


def hash_of(algorithm: str) -> hashes.HashAlgorithm:
    """Return the hash that ends the name of a KMS algorithm, as in ECDSA_SHA_256."""
    return _HASHES["SHA_" + algorithm.rpartition("_")[2]]


def oaep(algorithm: str) -> padding.OAEP:
    """Return the padding of RSAES_OAEP_SHA_1 or RSAES_OAEP_SHA_256, with the same hash for MGF1 and no label."""
    chosen = hash_of(algorithm)
    return padding.OAEP(mgf=padding.MGF1(chosen), algorithm=chosen, label=None)


def rsa_signature(algorithm: str) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]:
    """Return padding and hash of an RSASSA algorithm; PSS salts are as long as the hash."""
    chosen = hash_of(algorithm)
    if algorithm.startswith("RSASSA_PSS"):
        return padding.PSS(mgf=padding.MGF1(chosen), salt_length=chosen.digest_size), chosen
    return padding.PKCS1v15(), chosen


def digest_of(algorithm: str, message: bytes) -> bytes:
    """Return the digest of a message by the algorithm's hash."""
    digest = hashes.Hash(hash_of(algorithm))
    digest.update(message)
    return digest.finalize()


def sign_other(private: bytes, algorithm: str, message: bytes, *, mu: bool = False) -> bytes:
    """Sign by an elliptic curve (`message` is a digest), Ed25519 or ML-DSA (`mu`: the 64-byte representative)."""
    key: Any = load_der_private_key(private, None)
    if algorithm.startswith("ECDSA"):
        return bytes(key.sign(message, ec.ECDSA(utils.Prehashed(hash_of(algorithm)))))
    return bytes(key.sign_mu(message) if mu else key.sign(message))


def verified(public: bytes, algorithm: str, message: bytes, signature: bytes, *, mu: bool = False) -> bool:
    """Tell whether a signature fits; `message` is a digest but for Ed25519 and ML-DSA."""
    key: Any = load_der_public_key(public)
    try:
        if algorithm.startswith("RSASSA"):
            scheme, chosen = rsa_signature(algorithm)
            key.verify(signature, message, scheme, utils.Prehashed(chosen))
        elif algorithm.startswith("ECDSA"):
            key.verify(signature, message, ec.ECDSA(utils.Prehashed(hash_of(algorithm))))
        elif mu:
            key.verify_mu(signature, message)
        else:
            key.verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def shared_secret(private: bytes, public: bytes) -> bytes:
    """Return the ECDH secret of a private and somebody else's DER public key; raises ValueError for another curve."""
    key: Any = load_der_private_key(private, None)
    other: Any = load_der_public_key(public)
    if not isinstance(other, ec.EllipticCurvePublicKey) or other.curve.name != key.curve.name:
        raise ValueError("the public key is not on the curve of the KMS key")
    return bytes(key.exchange(ec.ECDH(), other))
