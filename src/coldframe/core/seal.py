"""Secrets at rest: sealed under keys derived from the master key of this installation."""

import hashlib
import hmac
import os
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coldframe.core import durable
from coldframe.core.wiping import wipe


class SealBroken(Exception):
    """A sealed value does not open: another master key, another place, or damaged bytes."""


class MasterKey(Protocol):
    """Whoever holds the master key: this process, or the kernel."""

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of a purpose: HKDF-SHA256 (RFC 5869) without salt, with the purpose as its info."""


class InMemory:
    """The master key in this process's memory, as what HKDF extracts from it."""

    def __init__(self, master_key: bytes) -> None:
        self._extracted = extracted(master_key)

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of a purpose."""
        return expanded(self._extracted, purpose)


def extracted(master_key: bytes) -> bytes:
    """Return HKDF's pseudorandom key: the key with which an HMAC of a purpose is the purpose's key."""
    if len(master_key) != 32:
        raise ValueError(f"the master key has {len(master_key)} bytes, not 32")
    return hmac.digest(bytes(32), master_key, hashlib.sha256)


def expansion(purpose: str) -> bytes:
    """Return the message whose HMAC is a purpose's key: HKDF's first block, which is all that 32 bytes take."""
    return purpose.encode() + b"\x01"


def expanded(pseudorandom: bytes, purpose: str) -> bytes:
    """Return the 32-byte key of a purpose from what `extracted` gave."""
    return hmac.digest(pseudorandom, expansion(purpose), hashlib.sha256)


class Seal:
    """Seals small secrets with AES-256-GCM; each purpose has a key of its own, derived by HKDF-SHA256."""

    def __init__(self, master_key: bytes | MasterKey) -> None:
        self._master = InMemory(master_key) if isinstance(master_key, bytes) else master_key
        self._keys: dict[str, AESGCM] = {}

    def key(self, purpose: str) -> bytes:
        """Return the 32-byte key derived for `purpose`."""
        return self._master.derive(purpose)

    def seal(self, purpose: str, place: str, secret: bytes) -> bytes:
        """Return `secret` sealed; it opens only with the same `purpose` and `place` (a record's identity)."""
        nonce = os.urandom(12)
        return nonce + self._cipher(purpose).encrypt(nonce, secret, place.encode())

    def open(self, purpose: str, place: str, sealed: bytes) -> bytes:
        """Return the secret in `sealed`; raises SealBroken when it was not sealed here, so, for this place."""
        try:
            return self._cipher(purpose).decrypt(sealed[:12], sealed[12:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"a value sealed for {purpose} does not open") from error

    def seal_once(self, purpose: str, place: str, secret: bytes | bytearray) -> bytes:
        """Seal as `seal` does, and keep neither the purpose's key nor what was made of it."""
        key, nonce = self.key(purpose), os.urandom(12)
        try:
            return nonce + AESGCM(key).encrypt(nonce, secret, place.encode())
        finally:
            wipe(key)

    def open_once(self, purpose: str, place: str, sealed: bytes) -> bytes:
        """Open as `open` does, and keep neither the purpose's key nor what was made of it; the caller wipes the secret."""
        key = self.key(purpose)
        try:
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"a value sealed for {purpose} does not open") from error
        finally:
            wipe(key)

    def _cipher(self, purpose: str) -> AESGCM:
        cipher = self._keys.get(purpose)
        if cipher is None:
            cipher = self._keys[purpose] = AESGCM(self.key(purpose))
        return cipher


def load_master_key(path: Path) -> bytes:
    """Return the master key kept at `path`, made on first use; the file is readable by its owner alone.

    Raises PermissionError when others can read it, SealBroken when it is damaged.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        durable.write(path, os.urandom(32))
        return _read(path)


def _read(path: Path) -> bytes:
    mode = path.stat().st_mode
    if mode & 0o077:
        raise PermissionError(f"{path} can be read by others (mode {mode & 0o777:o}); run: chmod 600 {path}")
    key = path.read_bytes()
    if len(key) != 32:
        raise SealBroken(f"{path}, the master key, has {len(key)} bytes and not 32; restore it from a backup")
    return key
