"""The name that the kernel gives a key: it follows from the key, and says nothing of it."""

import hashlib
import hmac

# The kernel takes 16 to 64 bytes, AES-256-XTS wants 64 to be used to the full.
KEY_BYTES = 64
_NAME_BYTES = 16
# fs/crypto/hkdf.c: the prefix of everything that is derived, and HKDF_CONTEXT_KEY_IDENTIFIER_FOR_RAW_KEY.
_INFO = b"fscrypt\0\x01"


def name_of(key: bytes | bytearray) -> str:
    """Return the name of a key of KEY_BYTES in hexadecimal, as the kernel derives it: HKDF-SHA512 without salt."""
    pseudorandom = hmac.new(bytes(hashlib.sha512().digest_size), key, hashlib.sha512).digest()
    return hmac.new(pseudorandom, _INFO + b"\x01", hashlib.sha512).hexdigest()[: 2 * _NAME_BYTES]
