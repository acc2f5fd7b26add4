"""The paddings of PKCS #1 (RFC 8017) over the bare RSA operation: EMSA-PKCS1-v1_5, EMSA-PSS and EME-OAEP.

Padding is public data for signatures; for OAEP it is the message, which is the caller's anyway.
"""

import hashlib
import hmac
import os

# DER of the DigestInfo before the digest (RFC 8017, 9.2, note 1).
_DIGEST_INFO = {
    "md5": "3020300c06082a864886f70d020505000410",
    "sha1": "3021300906052b0e03021a05000414",
    "sha224": "302d300d06096086480165030402040500041c",
    "sha256": "3031300d060960864801650304020105000420",
    "sha384": "3041300d060960864801650304020205000430",
    "sha512": "3051300d060960864801650304020305000440",
    "sha3_256": "3031300d060960864801650304020805000420",
    "sha3_384": "3041300d060960864801650304020905000430",
    "sha3_512": "3051300d060960864801650304020a05000440",
}


class PaddingError(ValueError):
    """A message does not fit the key, or a decrypted block is not padded as it should be; it never says how."""


def hash_names() -> frozenset[str]:
    """Return the hashes that can be named."""
    return frozenset(_DIGEST_INFO) - {"md5"}


def digest_of(message: bytes, hash_name: str) -> bytes:
    """Return the digest of a message; raises PaddingError for a hash that is not known."""
    if hash_name not in hash_names():
        raise PaddingError(
            f"there is no hash {hash_name!r} here; there are: {', '.join(sorted(hash_names()))}"
        )
    return hashlib.new(hash_name, message, usedforsecurity=hash_name != "sha1").digest()


def digest_info(digest: bytes, hash_name: str) -> bytes:
    """Return the DigestInfo that a PKCS #1 v1.5 signature pads."""
    if len(digest) != hashlib.new(hash_name, usedforsecurity=False).digest_size:
        raise PaddingError(f"a {hash_name} digest has another length than {len(digest)} bytes")
    return bytes.fromhex(_DIGEST_INFO[hash_name]) + digest


def pss(digest: bytes, bits: int, hash_name: str, salt_length: int, *, mask_hash: str = "") -> bytes:
    """Return the block that a PSS signature raises: EMSA-PSS-ENCODE for a modulus of `bits` bits."""
    size = len(digest)
    length = (bits - 1 + 7) // 8
    if length < size + salt_length + 2:
        raise PaddingError(
            f"a key of {bits} bits is too short for {hash_name} with a salt of {salt_length} bytes"
        )
    salt = os.urandom(salt_length)
    h = hashlib.new(hash_name, bytes(8) + digest + salt, usedforsecurity=False).digest()
    data = bytes(length - size - salt_length - 2) + b"\1" + salt
    masked = bytearray(_xor(data, mgf1(h, length - size - 1, mask_hash or hash_name)))
    masked[0] &= 0xFF >> (8 * length - (bits - 1))
    return (bytes(masked) + h + b"\xbc").rjust((bits + 7) // 8, b"\0")


def pss_holds(block: bytes, digest: bytes, bits: int, hash_name: str, salt_length: int | None = None) -> bool:
    """Tell whether an opened signature is a PSS padding of a digest; None takes any length of salt."""
    size, length = len(digest), (bits - 1 + 7) // 8
    if any(block[: len(block) - length]) or block[-1] != 0xBC or length < size + 2:
        return False
    block = block[len(block) - length :]
    masked, h = block[: length - size - 1], block[length - size - 1 : -1]
    if masked[0] & ~(0xFF >> (8 * length - (bits - 1))) & 0xFF:
        return False
    data = bytearray(_xor(masked, mgf1(h, len(masked), hash_name)))
    data[0] &= 0xFF >> (8 * length - (bits - 1))
    salt_at = data.find(b"\1") + 1
    if salt_at == 0 or any(data[: salt_at - 1]):
        return False
    salt = bytes(data[salt_at:])
    if salt_length is not None and len(salt) != salt_length:
        return False
    return hmac.compare_digest(
        h, hashlib.new(hash_name, bytes(8) + digest + salt, usedforsecurity=False).digest()
    )


def oaep(message: bytes, size: int, hash_name: str, label: bytes = b"", *, mask_hash: str = "") -> bytes:
    """Return the block that OAEP encrypts: EME-OAEP-ENCODE for a modulus of `size` bytes."""
    label_hash = hashlib.new(hash_name, label, usedforsecurity=False).digest()
    room = size - 2 * len(label_hash) - 2
    if len(message) > room:
        raise PaddingError(
            f"a key of {size * 8} bits encrypts at most {room} bytes with {hash_name}, not {len(message)}"
        )
    data = label_hash + bytes(room - len(message)) + b"\1" + message
    seed = os.urandom(len(label_hash))
    masked = _xor(data, mgf1(seed, len(data), mask_hash or hash_name))
    return b"\0" + _xor(seed, mgf1(masked, len(seed), mask_hash or hash_name)) + masked


def oaep_opened(block: bytes, hash_name: str, label: bytes = b"", *, mask_hash: str = "") -> bytes:
    """Return the message of a decrypted OAEP block; raises PaddingError, always the same, when there is none."""
    label_hash = hashlib.new(hash_name, label, usedforsecurity=False).digest()
    size = len(label_hash)
    seed_masked, masked = block[1 : 1 + size], block[1 + size :]
    seed = _xor(seed_masked, mgf1(masked, size, mask_hash or hash_name))
    data = _xor(masked, mgf1(seed, len(masked), mask_hash or hash_name))
    rest = data[size:]
    one = rest.find(b"\1")
    # All conditions are worked out before the answer, so that one error says nothing about which of them failed.
    right = (
        hmac.compare_digest(data[:size], label_hash)
        & (block[:1] == b"\0")
        & (one >= 0)
        & (not any(rest[: max(one, 0)]))
    )
    if not right:
        raise PaddingError("the message does not decrypt with this key, hash and label")
    return rest[one + 1 :]


def mgf1(seed: bytes, length: int, hash_name: str) -> bytes:
    """Return the mask of RFC 8017, B.2.1."""
    blocks = bytearray()
    counter = 0
    while len(blocks) < length:
        blocks += hashlib.new(hash_name, seed + counter.to_bytes(4, "big"), usedforsecurity=False).digest()
        counter += 1
    return bytes(blocks[:length])


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
