"""The master key at rest under a passphrase: a file that is of no use to whoever copies it."""

import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from coldframe.core import durable
from coldframe.core.seal import SealBroken, expanded, extracted
from coldframe.core.struct_types import whole

NAME = "master.key.sealed"
_COST = 2**15
_CHECK = "master-key-check"


class SealedMaster(msgspec.Struct, frozen=True):
    """What the file holds: scrypt's cost and salt, the sealed key, and what tells the right key from any other."""

    cost: int
    salt: bytes
    sealed: bytes
    check: bytes
    version: int = 1


def check_of(pseudorandom: bytes) -> bytes:
    """Return what tells a master key, as `extracted` gave it, from any other, and nothing else about it."""
    return expanded(pseudorandom, _CHECK)


CHECK_PURPOSE = _CHECK


def seal_master(master_key: bytes, passphrase: bytes) -> SealedMaster:
    """Return a master key sealed under a passphrase."""
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = nonce + AESGCM(_key(passphrase, salt, _COST)).encrypt(nonce, master_key, None)
    return SealedMaster(_COST, salt, sealed, check_of(extracted(master_key)))


def open_master(held: SealedMaster, passphrase: bytes) -> bytes:
    """Return the master key; raises SealBroken for another passphrase."""
    try:
        cipher = AESGCM(_key(passphrase, held.salt, held.cost))
        return cipher.decrypt(held.sealed[:12], held.sealed[12:], None)
    except InvalidTag as error:
        raise SealBroken("the passphrase does not open the master key") from error


def read_sealed(path: Path) -> SealedMaster | None:
    """Return what the file holds, None when there is none; raises SealBroken when it is damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(content, type=whole(SealedMaster))
    except msgspec.DecodeError as error:
        raise SealBroken(f"{path}, the sealed master key, is damaged; restore it from a backup") from error


def write_sealed(path: Path, held: SealedMaster) -> None:
    """Write the file durably, readable by its owner alone."""
    durable.write(path, msgspec.json.encode(held))


def _key(passphrase: bytes, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase)
