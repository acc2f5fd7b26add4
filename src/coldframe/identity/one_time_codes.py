"""Time-based one-time passwords as RFC 6238 defines them: SHA-1, six digits, steps of 30 seconds."""

import hashlib
import hmac

STEP = 30
# A virtual device's clock may be off; AWS looks for the two codes in a window around the time and keeps the shift.
_WINDOW = 20


def code(seed: bytes, step: int) -> str:
    """Return the code of a step (seconds since the epoch divided by 30)."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def find_shift(seed: bytes, now: int, first: str, second: str) -> int | None:
    """Return by how many steps a device is off that showed two consecutive codes; None when they do not fit."""
    at = now // STEP
    for shift in sorted(range(-_WINDOW, _WINDOW + 1), key=abs):
        codes = (code(seed, at + shift), code(seed, at + shift + 1))
        if hmac.compare_digest("".join(codes), first + second):
            return shift
    return None
