"""Secret access keys in the kernel: each a key of its own in one keyring, on the highest rung that this kernel has.

On the rung `logon` the kernel computes with a secret that nothing can read back; on `user` it is read for each use, and wiped.
Where the kernel takes no more keys (the quota) a secret stays sealed in its record. The keyring is the process's, or the
session's, for the next server of the session to find, as the master key is (`server/master_key.py`).
"""

import contextlib
import hmac
import os
from collections.abc import Callable

from coldframe.core.wiping import wipe
from coldframe.engines.keyring import PROCESS, Kernel, KeyringError, KeyService, Permission, permissions
from coldframe.identity.secret_keys import HeldSecret
from coldframe.server.master_key import (
    RUNGS,
    USED_IN_PROCESS,
    USED_IN_SESSION,
    Digest,
    Held,
    kernel_digest,
)

NAME = "coldframe:secrets"
_FILLED = Permission.VIEW | Permission.READ | Permission.SEARCH | Permission.WRITE


class SecretsInKernel:
    """The secrets of one installation in the kernel."""

    def __init__(self, service: KeyService, digest: Digest, keyring: int, *, rung: str, name: str) -> None:
        """Take the keyring to put them in (PROCESS or SESSION), the master key's rung, and the installation's name.

        Raises KeyringError when there is no room for a keyring.
        """
        self._service = service
        self._digest = digest
        self._keyring = keyring
        self._rungs = RUNGS[RUNGS.index(rung) :]
        self._used = USED_IN_PROCESS if keyring == PROCESS else USED_IN_SESSION
        self._ring = self._found_or_made(f"{NAME}:{name}")

    def hold(self, name: str, open_secret: Callable[[], bytearray]) -> HeldSecret | None:
        """Return the secret of this name, loaded if it is not there yet; None where the kernel takes no more."""
        description = f"coldframe:{name}"
        # What a server before this one left. In a process's keyring there is nothing that this one has not put there.
        for rung in self._rungs if self._keyring != PROCESS else ():
            with contextlib.suppress(KeyringError):
                return self._held(rung, self._service.search(self._ring, rung, description))
        secret = open_secret()
        try:
            for rung in self._rungs:
                with contextlib.suppress(KeyringError):
                    serial = self._service.add_key(rung, description, secret, self._ring)
                    try:
                        self._service.set_permissions(serial, self._used)
                    except KeyringError:
                        self.forget(serial)
                        raise
                    return self._held(rung, serial)
        finally:
            wipe(secret)
        return None

    def forget(self, serial: int) -> None:
        """Make a key of no use at once: one that is only unlinked may be in use, or wait for the kernel to collect it."""
        # Either is refused to a thread that is older than the keyring, or when the key is gone: the other one does it.
        with contextlib.suppress(KeyringError):
            self._service.revoke(serial)
        with contextlib.suppress(KeyringError):
            self._service.unlink(serial, self._ring)

    def close(self) -> None:
        """Destroy the keys of a process; those of a session stay."""
        if self._keyring == PROCESS:
            with contextlib.suppress(KeyringError):  # somebody cleared it
                self._service.clear(self._ring)
            with contextlib.suppress(KeyringError):
                self._service.unlink(self._ring, PROCESS)

    def _found_or_made(self, description: str) -> int:
        with contextlib.suppress(KeyringError):
            return self._service.search(self._keyring, "keyring", description)
        ring = self._service.add_key("keyring", description, b"", self._keyring)
        # Threads that are older than the process's keyring do not possess what is in it.
        self._service.set_permissions(
            ring, permissions(Permission.ALL, _FILLED if self._keyring == PROCESS else Permission(0))
        )
        return ring

    def _held(self, rung: str, serial: int) -> HeldSecret:
        if rung == "logon":
            return _Used(self, serial, self._digest)
        return _Read(self, serial, self._service)


def secrets_in_kernel(
    held: Held, *, service: KeyService | None = None, digest: Digest = kernel_digest
) -> SecretsInKernel | None:
    """Return the kernel's places for the secrets of an installation, beside its master key; None where that is in memory."""
    if held.rung not in RUNGS:
        return None
    try:
        return SecretsInKernel(service or Kernel(), digest, held.keyring, rung=held.rung, name=held.name)
    except KeyringError:
        return None  # no room for one more keyring: secrets stay sealed in their records


SENTENCES = {
    "logon": "each in the kernel and used there; the server has the signing keys of the day alone",
    "user": "each in the kernel and read for a moment when a signing key is derived",
    "file": "each sealed in its record and opened for a moment when a signing key is derived",
}
# What a secret takes of a user's quota: its name of about 50 characters, and 44 bytes.
_SIZE = 100
_SCARCE = 20


def occupancy(service: KeyService) -> tuple[int, str]:
    """Return how many secrets the kernel has of the servers that this process may look at, and what is wrong with the room.

    The second is empty while there is room for more.
    """
    held = 0
    for entry in service.entries():
        if entry.type == "keyring":
            with contextlib.suppress(KeyringError):  # another session's, or gone by now
                if service.describe(entry.serial).description.startswith(f"{NAME}:"):
                    held += len(service.read(entry.serial)) // 4
    quota = service.quota()
    left = min(quota.most_keys - quota.keys, (quota.most_bytes - quota.size) // _SIZE)
    if left >= _SCARCE or not quota.most_keys:
        return held, ""
    owner = "root_" if os.geteuid() == 0 else ""
    return held, (
        f"the quota of this user's keys leaves room for {max(left, 0)} more ({quota.keys} of {quota.most_keys} keys, "
        f"{quota.size} of {quota.most_bytes} bytes); further ones stay sealed in their records. "
        f"Remedy: sysctl kernel.keys.{owner}maxkeys={max(quota.most_keys, 200) * 10} "
        f"kernel.keys.{owner}maxbytes={max(quota.most_bytes, 20_000) * 10}"
    )


class _Used:
    """A secret with which the kernel computes."""

    rung = "logon"

    def __init__(self, keys: SecretsInKernel, serial: int, digest: Digest) -> None:
        self._keys = keys
        self._serial = serial
        self._compute = digest

    def digest(self, message: bytes) -> bytes:
        """Return an HMAC-SHA256."""
        return self._compute(self._serial, message)

    def forget(self) -> None:
        """Have the kernel drop it."""
        self._keys.forget(self._serial)


class _Read:
    """A secret that is read for each use."""

    rung = "user"

    def __init__(self, keys: SecretsInKernel, serial: int, service: KeyService) -> None:
        self._keys = keys
        self._serial = serial
        self._service = service

    def digest(self, message: bytes) -> bytes:
        """Return an HMAC-SHA256."""
        try:
            secret = self._service.read(self._serial)
        except KeyringError as error:
            raise OSError(error.errno, "the kernel no longer has a secret access key") from error
        try:
            return hmac.digest(secret, message, "sha256")
        finally:
            wipe(secret)

    def forget(self) -> None:
        """Have the kernel drop it."""
        self._keys.forget(self._serial)
