"""An RSA key in the kernel and what can be done with it there: sign, verify, encrypt, decrypt."""

import errno
from typing import TYPE_CHECKING

from coldframe.engines.keyring import AlgorithmMissing, InvalidRequest, KeyringError, KeyService
from coldframe.keys import padding
from coldframe.keys.key import Key
from coldframe.keys.policy import Policy, Use

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

# What the kernel says when a number is not below the modulus.
_NUMBER_TOO_LARGE = {errno.EINVAL, errno.EBADMSG, errno.EOVERFLOW}
# What the kernel calls the hashes whose names differ from Python's.
_KERNEL_NAMES = {"sha3_256": "sha3-256", "sha3_384": "sha3-384", "sha3_512": "sha3-512"}


class AsymmetricKey(Key):
    """A private key or a certificate in the kernel, under a policy of what it may be used for (`policy.Policy`)."""

    def __init__(self, serial: int, service: KeyService | None = None, policy: Policy | None = None) -> None:
        super().__init__(serial, service)
        self.policy = policy or Policy()
        self._bits = 0

    def under(self, policy: Policy) -> "AsymmetricKey":
        """Return the same key under another policy."""
        return AsymmetricKey(self.serial, self.service, policy)

    @property
    def bits(self) -> int:
        """The size of an asymmetric key in bits."""
        if not self._bits:
            self._bits = self.service.pkey_query(self.serial).bits
        return self._bits

    def public_key(self) -> "RSAPublicKey":
        """Return the public key; raises PublicKeyUnknown."""
        from coldframe.keys.public import public_key

        return public_key(self.service, self.serial)

    def sign(
        self, message: bytes, hash_name: str = "sha256", *, scheme: str = "pkcs1", salt: int | None = None
    ) -> bytes:
        """Sign a message; `scheme` is pkcs1 or pss, `salt` the length of PSS's salt (the hash's when left out)."""
        return self.sign_digest(padding.digest_of(message, hash_name), hash_name, scheme=scheme, salt=salt)

    def sign_digest(
        self, digest: bytes, hash_name: str = "sha256", *, scheme: str = "pkcs1", salt: int | None = None
    ) -> bytes:
        """Sign a digest that the caller made; raises UseNotAllowed, PaddingError or a KeyringError."""
        if scheme == "pss":
            self.policy.demand(Use.PSS_SIGNATURE, hash_name)
            size = len(digest) if salt is None else salt
            return self._raw(padding.pss(digest, self.bits, hash_name, size))
        if scheme != "pkcs1":
            raise padding.PaddingError(f"there is no signature scheme {scheme!r}; there are pkcs1 and pss")
        self.policy.demand(Use.PKCS1_SIGNATURE, hash_name)
        info = padding.digest_info(digest, hash_name)
        try:
            return self.service.pkey_sign(
                self.serial, f"enc=pkcs1 hash={_KERNEL_NAMES.get(hash_name, hash_name)}", digest
            )
        except (AlgorithmMissing, InvalidRequest):
            # The kernel has no such hash, but what it would put before the digest is public.
            return self.service.pkey_sign(self.serial, "enc=pkcs1", info)

    def verify(
        self,
        message: bytes,
        signature: bytes,
        hash_name: str = "sha256",
        *,
        scheme: str = "pkcs1",
        salt: int | None = None,
    ) -> bool:
        """Tell whether a signature of a message is this key's."""
        return self.verify_digest(
            padding.digest_of(message, hash_name), signature, hash_name, scheme=scheme, salt=salt
        )

    def verify_digest(
        self,
        digest: bytes,
        signature: bytes,
        hash_name: str = "sha256",
        *,
        scheme: str = "pkcs1",
        salt: int | None = None,
    ) -> bool:
        """Tell whether a signature of a digest is this key's; PSS takes any length of salt unless told."""
        size = (self.bits + 7) // 8
        if len(signature) != size:
            return False
        if scheme == "pss":
            try:
                block = self.service.pkey_encrypt(self.serial, "enc=raw", signature)
            except KeyringError as error:
                if error.errno in _NUMBER_TOO_LARGE:
                    return False
                raise
            return padding.pss_holds(block.rjust(size, b"\0"), digest, self.bits, hash_name, salt)
        if scheme != "pkcs1":
            raise padding.PaddingError(f"there is no signature scheme {scheme!r}; there are pkcs1 and pss")
        name = _KERNEL_NAMES.get(hash_name, hash_name)
        try:
            return self.service.pkey_verify(self.serial, f"enc=pkcs1 hash={name}", digest, signature)
        except (AlgorithmMissing, InvalidRequest):
            return self.service.pkey_verify(
                self.serial, "enc=pkcs1", padding.digest_info(digest, hash_name), signature
            )

    def encrypt(
        self, message: bytes, *, scheme: str = "oaep", hash_name: str = "sha256", label: bytes = b""
    ) -> bytes:
        """Encrypt a message with the public key; `scheme` is oaep or pkcs1."""
        if scheme == "oaep":
            block = padding.oaep(message, (self.bits + 7) // 8, hash_name, label)
            return self.service.pkey_encrypt(self.serial, "enc=raw", block)
        if scheme != "pkcs1":
            raise padding.PaddingError(f"there is no encryption scheme {scheme!r}; there are oaep and pkcs1")
        return self.service.pkey_encrypt(self.serial, "enc=pkcs1", message)

    def decrypt(
        self, cipher: bytes, *, scheme: str = "oaep", hash_name: str = "sha256", label: bytes = b""
    ) -> bytes:
        """Decrypt a message with the private key; raises UseNotAllowed, PaddingError or a KeyringError."""
        size = (self.bits + 7) // 8
        if len(cipher) != size:
            raise padding.PaddingError(f"a message for this key has {size} bytes, not {len(cipher)}")
        if scheme == "oaep":
            self.policy.demand(Use.OAEP_DECRYPTION)
            return padding.oaep_opened(self._raw(cipher), hash_name, label)
        if scheme != "pkcs1":
            raise padding.PaddingError(f"there is no encryption scheme {scheme!r}; there are oaep and pkcs1")
        self.policy.demand(Use.PKCS1_DECRYPTION)
        return self.service.pkey_decrypt(self.serial, "enc=pkcs1", cipher)

    def raw(self, block: bytes) -> bytes:
        """Do the bare RSA operation on a block as long as the modulus; the policy must allow just that."""
        self.policy.demand(Use.RAW)
        return self._raw(block)

    def _raw(self, block: bytes) -> bytes:
        answer = self.service.pkey_decrypt(self.serial, "enc=raw", block)
        return answer.rjust((self.bits + 7) // 8, b"\0")
