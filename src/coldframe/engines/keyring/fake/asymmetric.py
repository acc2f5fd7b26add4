"""Asymmetric keys of a fake kernel: OpenSSL does what the kernel would."""

import errno

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.x509 import SubjectKeyIdentifier, load_der_x509_certificate

from coldframe.engines.keyring.errors import refused
from coldframe.engines.keyring.fake.access import Access
from coldframe.engines.keyring.fake.store import FakeKey
from coldframe.engines.keyring.keys import LARGEST_PAYLOAD, Permission, PublicKeyLimits

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the kernel offers it, so must what stands in for it
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class Asymmetric(Access):
    """The public key operations of one process."""

    def pkey_query(self, key: int, info: str = "") -> PublicKeyLimits:
        """Return what an asymmetric key can do."""
        found, public = self._asymmetric(key, "pkey_query")
        encoding, digest = _info(info, "pkey_query")
        self._understood(encoding, digest, "pkey_query")
        can = {"encrypt", "verify"} | ({"decrypt", "sign"} if found.secret is not None else set())
        size = (public.key_size + 7) // 8
        return PublicKeyLimits(frozenset(can), public.key_size, size, size, size, size)

    def pkey_encrypt(self, key: int, info: str, plain: bytes) -> bytes:
        """Encrypt."""
        _, public = self._asymmetric(key, "pkey_encrypt")
        encoding, digest = _info(info, "pkey_encrypt")
        self._understood(encoding, digest, "pkey_encrypt")
        size = (public.key_size + 7) // 8
        if encoding == "pkcs1":
            if len(plain) > size - 11:
                raise refused(errno.EOVERFLOW, "pkey_encrypt")
            return bytes(public.encrypt(plain, padding.PKCS1v15()))
        numbers = public.public_numbers()
        number = int.from_bytes(plain, "big")
        if number >= numbers.n:
            raise refused(errno.EINVAL, "pkey_encrypt")
        return pow(number, numbers.e, numbers.n).to_bytes(size, "big")

    def pkey_decrypt(self, key: int, info: str, cipher: bytes) -> bytes:
        """Decrypt; the raw operation gives a whole block."""
        secret, _ = self._private(key, "pkey_decrypt")
        encoding, digest = _info(info, "pkey_decrypt")
        self._understood(encoding, digest, "pkey_decrypt")
        numbers = secret.private_numbers()
        modulus = numbers.public_numbers.n
        number = int.from_bytes(cipher, "big")
        if number >= modulus:
            raise refused(errno.EINVAL, "pkey_decrypt")
        plain = pow(number, numbers.d, modulus).to_bytes((modulus.bit_length() + 7) // 8, "big")
        if encoding == "raw":
            return plain
        end = plain.find(b"\0", 2)
        if plain[:2] != b"\0\2" or end < 10:
            raise refused(errno.EINVAL, "pkey_decrypt")
        return plain[end + 1 :]

    def pkey_sign(self, key: int, info: str, digest: bytes) -> bytes:
        """Sign a digest, or with no hash named any bytes that fit."""
        secret, public = self._private(key, "pkey_sign")
        encoding, name = _info(info, "pkey_sign")
        self._understood(encoding, name, "pkey_sign")
        if encoding != "pkcs1":
            raise refused(errno.EINVAL, "pkey_sign")
        if not name:
            numbers = secret.private_numbers()
            size = (public.key_size + 7) // 8
            if len(digest) > size - 11:
                raise refused(errno.EOVERFLOW, "pkey_sign")
            block = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
            return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(
                size, "big"
            )
        if len(digest) != _HASHES[name].digest_size:
            raise refused(errno.EINVAL, "pkey_sign")
        return bytes(secret.sign(digest, padding.PKCS1v15(), utils.Prehashed(_HASHES[name])))

    def pkey_verify(self, key: int, info: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a signature is the key's."""
        _, public = self._asymmetric(key, "pkey_verify")
        encoding, name = _info(info, "pkey_verify")
        self._understood(encoding, name, "pkey_verify")
        if encoding != "pkcs1" or name not in _HASHES:
            raise refused(errno.EINVAL, "pkey_verify")
        try:
            public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(_HASHES[name]))
        except (InvalidSignature, ValueError):
            return False
        return True

    def _asymmetric(self, key: int, operation: str) -> tuple[FakeKey, rsa.RSAPublicKey]:
        found = self._key(key, Permission.SEARCH, operation)
        if found.public is None:
            raise refused(errno.EOPNOTSUPP, operation)
        return found, found.public

    def _private(self, key: int, operation: str) -> tuple[rsa.RSAPrivateKey, rsa.RSAPublicKey]:
        found, public = self._asymmetric(key, operation)
        if found.secret is None:
            raise refused(errno.EINVAL, operation)
        return found.secret, public

    @staticmethod
    def _understood(encoding: str, digest: str, operation: str) -> None:
        if encoding not in {"pkcs1", "raw", ""}:
            raise refused(errno.EINVAL, operation)
        if digest and digest not in _HASHES:
            raise refused(errno.ENOENT, operation)


def parse(
    kind: str, payload: bytes, *, private_keys: bool
) -> tuple[rsa.RSAPrivateKey | None, rsa.RSAPublicKey | None, str]:
    """Read a payload as the type does: private key, public key, and the name it proposes."""
    if kind == "keyring" and payload:
        raise refused(errno.EINVAL, "add_key")
    if kind in {"user", "logon"} and not 0 < len(payload) <= LARGEST_PAYLOAD:
        raise refused(errno.EINVAL, "add_key")
    if kind != "asymmetric":
        return None, None, ""
    try:
        certificate = load_der_x509_certificate(payload)
    except ValueError:
        return *_parse_private(payload, private_keys=private_keys), ""
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise refused(errno.ENOPKG, "add_key")
    identifier = SubjectKeyIdentifier.from_public_key(public).digest.hex()
    return None, public, f"{certificate.subject.rfc4514_string().removeprefix('CN=')}: {identifier}"


def _parse_private(payload: bytes, *, private_keys: bool) -> tuple[rsa.RSAPrivateKey, rsa.RSAPublicKey]:
    if not private_keys:
        raise refused(errno.EBADMSG, "add_key")
    try:
        secret = serialization.load_der_private_key(payload, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise refused(errno.EBADMSG, "add_key") from None
    if not isinstance(secret, rsa.RSAPrivateKey):
        raise refused(errno.ENOPKG, "add_key")
    return secret, secret.public_key()


def _info(info: str, operation: str) -> tuple[str, str]:
    words = dict(word.split("=", 1) for word in info.split() if "=" in word)
    if len(words) != len(info.split()) or words.keys() - {"enc", "hash"}:
        raise refused(errno.EINVAL, operation)
    return words.get("enc", ""), words.get("hash", "")
