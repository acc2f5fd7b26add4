"""Random identifiers in the forms AWS uses."""

import os
import secrets

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


# Random bytes for identifiers, taken from the kernel for many at a time: at each call the interpreter's lock goes to
# another thread, and every request needs an id or two.
_RANDOM: list[bytes] = []
os.register_at_fork(after_in_child=_RANDOM.clear)


def _sixteen_bytes() -> bytes:
    try:
        return _RANDOM.pop()
    except IndexError:
        many = os.urandom(16 * 256)
        _RANDOM.extend(many[at : at + 16] for at in range(16, len(many), 16))
        return many[:16]


def uuid() -> str:
    """Return a random version 4 UUID, the form of request ids and many resource ids."""
    raw = bytearray(_sixteen_bytes())
    raw[6] = (raw[6] & 0x0F) | 0x40
    raw[8] = (raw[8] & 0x3F) | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def unique_id(prefix: str, length: int = 17) -> str:
    """Return an IAM unique id: `prefix` (AIDA, AROA, AKIA, ...) and base-32 characters, `length` after the prefix."""
    return prefix + "".join(secrets.choice(_BASE32) for _ in range(length))


def secret_key() -> bytearray:
    """Return a secret access key of 40 characters, for its user to wipe."""
    made = bytearray(40)
    for at in range(40):
        made[at] = ord(secrets.choice(_KEY_LETTERS))
    return made


def digits(length: int) -> str:
    """Return `length` random decimal digits that do not begin with 0 (an account id has 12)."""
    return secrets.choice("123456789") + "".join(secrets.choice("0123456789") for _ in range(length - 1))


def lower(length: int) -> str:
    """Return `length` random lower-case letters and digits (organization ids, generated names)."""
    return "".join(secrets.choice(_LOWER) for _ in range(length))


def hexadecimal(length: int) -> str:
    """Return `length` random hexadecimal digits (EC2-like ids have 17)."""
    return os.urandom((length + 1) // 2).hex()[:length]


def text_of(digest: bytes, length: int) -> bytearray:
    """Return `length` characters of a secret key's alphabet derived from `digest` (32 bytes are enough for 42).

    A bytearray, so that whoever uses the secret can wipe it.
    """
    number = int.from_bytes(digest, "big")
    characters = bytearray(length)
    for at in range(length):
        number, position = divmod(number, len(_KEY_LETTERS))
        characters[at] = ord(_KEY_LETTERS[position])
    return characters
