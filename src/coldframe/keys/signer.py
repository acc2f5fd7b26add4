"""A private key in the kernel as a private key of `cryptography`: what takes one of those takes this."""

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from coldframe.keys.asymmetric import AsymmetricKey
from coldframe.keys.padding import hash_names

_NAMES = {"sha3-256": "sha3_256", "sha3-384": "sha3_384", "sha3-512": "sha3_512"}


class KeyStaysInKernel(Exception):
    """The private key was asked for; it does not leave the kernel."""


class KernelRSAPrivateKey(rsa.RSAPrivateKey):
    """Signs and decrypts in the kernel, within the key's policy.

    It signs certificates, requests and tokens, wherever a library takes an `RSAPrivateKey` and calls `sign`.
    """

    def __init__(self, key: AsymmetricKey, public: rsa.RSAPublicKey | None = None) -> None:
        self._key = key
        self._public = public or key.public_key()

    @property
    def key_size(self) -> int:
        """The size of the modulus in bits."""
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """Return the public key."""
        return self._public

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:
        """Sign data, or a digest with Prehashed, with PKCS1v15 or PSS; MGF1's hash must be the signature's.

        Raises UnsupportedAlgorithm for other paddings, UseNotAllowed, or a KeyringError.
        """
        name = _hash_name(algorithm)
        message = bytes(data)
        if not isinstance(algorithm, Prehashed):
            digest = hashes.Hash(algorithm)
            digest.update(message)
            message = digest.finalize()
        scheme, salt = _scheme(padding, algorithm, self.key_size)
        return self._key.sign_digest(message, name, scheme=scheme, salt=salt)

    def decrypt(self, ciphertext: bytes, padding: Any) -> bytes:
        """Decrypt with PKCS1v15 or OAEP; raises ValueError when it does not decrypt, as `cryptography` does."""
        if padding.name == "EMSA-PKCS1-v1_5":
            return self._key.decrypt(ciphertext, scheme="pkcs1")
        name, mask_hash, label = _oaep(padding)
        if mask_hash != name:
            raise UnsupportedAlgorithm("MGF1 must use the same hash as OAEP")
        return self._key.decrypt(ciphertext, scheme="oaep", hash_name=name, label=label)

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        """Refuse: raises KeyStaysInKernel."""
        raise KeyStaysInKernel(
            "the private key is in the kernel and does not come out; sign and decrypt with it here"
        )

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,  # noqa: A002 - the name that `cryptography` gives it
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> bytes:
        """Refuse: raises KeyStaysInKernel."""
        raise KeyStaysInKernel(
            "the private key is in the kernel and does not come out; sign and decrypt with it here"
        )

    def __copy__(self) -> "KernelRSAPrivateKey":
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> "KernelRSAPrivateKey":
        return self


def _hash_name(algorithm: Any) -> str:
    inner = algorithm._algorithm if isinstance(algorithm, Prehashed) else algorithm  # noqa: SLF001 - it has no other
    name = _NAMES.get(inner.name, inner.name)
    if name not in hash_names():
        raise UnsupportedAlgorithm(
            f"{inner.name} signatures are not made here; there are {', '.join(sorted(hash_names()))}"
        )
    return str(name)


def _scheme(pad: Any, algorithm: Any, bits: int) -> tuple[str, int | None]:
    if isinstance(pad, padding.PKCS1v15):
        return "pkcs1", None
    if not isinstance(pad, padding.PSS):
        raise UnsupportedAlgorithm("only PKCS1v15 and PSS paddings are made here")
    inner = algorithm._algorithm if isinstance(algorithm, Prehashed) else algorithm  # noqa: SLF001 - it has no other
    if pad.mgf._algorithm.name != inner.name:  # noqa: SLF001 - it has no other
        raise UnsupportedAlgorithm("MGF1 must use the same hash as the signature")
    length = pad._salt_length  # noqa: SLF001 - it has no other
    if isinstance(length, int):
        return "pss", length
    most = (bits - 1 + 7) // 8 - inner.digest_size - 2
    return "pss", most if length is padding.PSS.MAX_LENGTH else inner.digest_size


def _oaep(pad: Any) -> tuple[str, str, bytes]:
    if not isinstance(pad, padding.OAEP):
        raise UnsupportedAlgorithm("only PKCS1v15 and OAEP paddings are opened here")
    return _hash_name(pad._algorithm), _hash_name(pad.mgf._algorithm), pad._label or b""  # noqa: SLF001 - it has no other
