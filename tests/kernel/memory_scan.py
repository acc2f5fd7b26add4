"""Searching the memory of processes for a private key: every part of it, in every form in which programs hold numbers.

The public modulus is sought too. Where it is not found in a process that works with the key, the search is blind, and
finding nothing else says nothing.
"""

import base64
import contextlib
import os
import re
import struct
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_WINDOW = 24
_MAPPING = re.compile(r"(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) (?P<mode>\S+) \S+ \S+ (?P<inode>\d+)")


class Found(NamedTuple):
    """What a search found: names of private patterns, and how many forms of the public modulus."""

    private: list[str]
    public: int
    megabytes: float


def patterns(key: rsa.RSAPrivateKey) -> dict[str, bytes]:
    """Return windows of every private number in every encoding, and of the key's files."""
    numbers = key.private_numbers()
    parts = {
        "d": numbers.d, "p": numbers.p, "q": numbers.q, "dP": numbers.dmp1, "dQ": numbers.dmq1, "qInv": numbers.iqmp,
    }  # fmt: skip
    found = {}
    for name, number in parts.items():
        found |= {f"{name} {form}": window for form, window in _windows(number).items()}
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Base64 has three alignments, and lines that end somewhere; these windows lie inside the private numbers.
    for shift in range(3):
        for window in range(4):
            at = len(der) // 2 + shift + 18 * window
            found[f"base64 of the file, {shift}.{window}"] = base64.b64encode(der[at : at + 15])
    return found


def public_patterns(key: rsa.RSAPrivateKey) -> list[bytes]:
    """Return windows of the modulus."""
    return list(_windows(key.public_key().public_numbers().n).values())


def scan(pid: int, key: rsa.RSAPrivateKey) -> Found:
    """Search all memory of a process that it could have written."""
    wanted, control = patterns(key), public_patterns(key)
    private: list[str] = []
    seen: set[bytes] = set()
    size = 0
    for block in blocks(pid):
        size += len(block)
        private += [name for name, window in wanted.items() if window in block]
        seen |= {window for window in control if window in block}
    return Found(sorted(set(private)), len(seen), size / 1e6)


def processes() -> list[int]:
    """Return every process but this one, which must know the key to search for it, and those of the kernel."""
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in found if pid != os.getpid() and _has_memory(pid)]


def _windows(number: int) -> dict[str, bytes]:
    length = (number.bit_length() + 7) // 8
    big = number.to_bytes(length, "big")
    middle = length // 2 - _WINDOW // 2
    windows = {
        "big-endian": big[4 : 4 + _WINDOW],
        "big-endian, middle": big[middle : middle + _WINDOW],
        # OpenSSL's and GMP's limbs, on a machine that is little-endian.
        "little-endian": big[::-1][4 : 4 + _WINDOW],
        "little-endian, middle": big[::-1][middle : middle + _WINDOW],
        "hexadecimal": big.hex().encode()[8 : 8 + _WINDOW],
    }
    digits = []
    while number:
        digits.append(number & 0x3FFFFFFF)
        number >>= 30
    # Python's own integers: 30 bits in each four bytes.
    windows["Python's digits"] = struct.pack("<6I", *digits[2:8])
    return windows


def blocks(pid: int) -> list[bytes]:
    """Read the mappings one by one; one that is a file's and cannot be written holds what the file holds."""
    blocks = []
    with (
        contextlib.suppress(ProcessLookupError, FileNotFoundError),
        Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory,
    ):
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            found = _MAPPING.match(line)
            assert found is not None, line
            if not found["mode"].startswith("r") or (found["inode"] != "0" and "w" not in found["mode"]):
                continue
            start, end = int(found["start"], 16), int(found["end"], 16)
            # What the kernel maps into every process (vvar) cannot be read, and is no place for secrets.
            with contextlib.suppress(OSError, OverflowError):
                blocks.append(_read(memory, start, end))
    return blocks


def _read(memory, start: int, end: int) -> bytes:
    memory.seek(start)
    content = bytearray()
    while len(content) < end - start:
        part = memory.read(end - start - len(content))
        if not part:
            break
        content += part
    return bytes(content)


def _has_memory(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/maps").read_text(encoding="utf-8"))
    except OSError:
        return False
