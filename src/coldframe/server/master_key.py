"""Where the master key lives while the server runs: on the highest rung that this machine's kernel has.

In the kernel as a `logon` key, which nothing can read back and AF_ALG uses there (Linux 6.2 with AF_ALG); else in the
kernel as a `user` key that is read for each use; else in this process's memory. What the kernel holds is HKDF's extracted
key. Keys that are derived for a purpose are in this process's memory while they are used, on every rung.
"""

import contextlib
import getpass
import hashlib
import hmac
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Protocol

from coldframe.core.config import Settings
from coldframe.core.seal import (
    InMemory,
    MasterKey,
    SealBroken,
    expanded,
    expansion,
    extracted,
    load_master_key,
)
from coldframe.core.sealed_master import CHECK_PURPOSE, NAME, SealedMaster, check_of, open_master, read_sealed
from coldframe.core.wiping import wipe
from coldframe.engines.keyring import (
    PROCESS,
    SESSION,
    Kernel,
    KeyringError,
    KeyService,
    Permission,
    permissions,
)

_SET_KEY_BY_SERIAL = 7
# The kernel's, the highest first.
RUNGS = ("logon", "user")
_USED = Permission.VIEW | Permission.READ | Permission.SEARCH
# A thread that is older than the process's keyring does not possess what is in it. Other processes of this user could
# read it too, as they can read the file in which it lies in clear.
USED_IN_PROCESS = permissions(_USED | Permission.SETATTR, _USED)
USED_IN_SESSION = permissions(_USED | Permission.SETATTR)


class Digest(Protocol):
    """An HMAC-SHA256 with a key that the kernel holds, by its serial; raises OSError where there is none such."""

    def __call__(self, serial: int, message: bytes) -> bytes:
        """Return 32 bytes."""


class Held(NamedTuple):
    """The master key where it lives, the rung (`logon`, `user` or `file`), its serial and keyring in the kernel, 0 without."""

    master: MasterKey
    rung: str
    serial: int = 0
    keyring: int = 0

    @property
    def name(self) -> str:
        """What tells this installation's keys from another's; nothing can be told of the key from it."""
        return _name(self.master.derive(CHECK_PURPOSE))


SENTENCES = {
    "logon": "held in the kernel and used there (logon key, AF_ALG); nothing can read it back",
    "user": "held in the kernel and read for each use (user key); AF_ALG with keys needs Linux 6.2 and the"
    " modules af_alg and algif_hash",
    "file": "in the server's memory; the kernel's key service cannot be used here",
}


class InKernel:
    """The master key as a `logon` key, with which the kernel computes."""

    def __init__(self, serial: int, digest: Digest) -> None:
        self._serial = serial
        self._digest = digest

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of a purpose; raises SealBroken when the kernel no longer has the key."""
        try:
            return self._digest(self._serial, expansion(purpose))
        except OSError as error:
            raise _lost() from error


class StoredInKernel:
    """The master key as a `user` key, read for each use."""

    def __init__(self, serial: int, service: KeyService) -> None:
        self._serial = serial
        self._service = service

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of a purpose; raises SealBroken when the kernel no longer has the key."""
        try:
            pseudorandom = self._service.read(self._serial)
        except KeyringError as error:
            raise _lost() from error
        try:
            return expanded(pseudorandom, purpose)
        finally:
            wipe(pseudorandom)


def kernel_digest(serial: int, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of a message by a key of the keyrings, computed by the kernel over AF_ALG."""
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as algorithm:
        algorithm.bind(("hash", "hmac(sha256)"))
        algorithm.setsockopt(socket.SOL_ALG, _SET_KEY_BY_SERIAL, serial)
        operation, _ = algorithm.accept()
        with operation:
            # No timeout: such sockets cannot be polled, and a hash answers as soon as it has its message.
            operation.sendall(message)
            return operation.recv(32)


def open_master_key(
    settings: Settings,
    stack: ExitStack,
    *,
    service: KeyService | None = None,
    digest: Digest = kernel_digest,
    ask: Callable[[Path], bytes] | None = None,
) -> Held:
    """Return the master key of a data directory on the highest rung there is.

    A key that lies in clear is loaded for this process. One that is sealed is loaded into the session's keyring, where the
    next server of the same session finds it and asks for nothing. Raises SealBroken, PermissionError.
    """
    kernel: KeyService = service or Kernel()
    sealed = read_sealed(settings.data_dir / NAME)
    if sealed is None:
        path = settings.data_dir / "master.key"
        # The root's key pair is the last that a first start writes: from then on there is something to be opened.
        if not path.exists() and (settings.data_dir / "root-credentials.json").exists():
            raise SealBroken(
                f"{path}, the master key, is missing; put it back from a backup of {settings.data_dir}"
            )
        master = load_master_key(path)
        held = _loaded(kernel, digest, PROCESS, extracted(master))
        if held is not None:
            stack.callback(_forget, kernel, held.serial, PROCESS)
        return _or_memory(held, master)
    found = _found(kernel, digest, sealed)
    if found is not None:
        return found
    file = settings.passphrase_file
    passphrase = _read(file) if file is not None else (ask or _ask)(settings.data_dir)
    master = open_master(sealed, passphrase)
    return _or_memory(_loaded(kernel, digest, SESSION, extracted(master)), master)


def rung_of(service: KeyService | None = None, digest: Digest = kernel_digest) -> str:
    """Return the rung that a master key would be on here, found out by trying with a key that means nothing."""
    kernel: KeyService = service or Kernel()
    held = _loaded(kernel, digest, PROCESS, bytes(range(32)), name="trial")
    if held is None:
        return "file"
    _forget(kernel, held.serial, PROCESS)
    return held.rung


def _loaded(
    service: KeyService, digest: Digest, keyring: int, pseudorandom: bytes, *, name: str = ""
) -> Held | None:
    """Give the key to the kernel and see that it derives what it must; None where no rung of the kernel holds."""
    description = f"coldframe:{name or _name(check_of(pseudorandom))}"
    expected = expanded(pseudorandom, CHECK_PURPOSE)
    for rung in RUNGS:
        serial = 0
        try:
            serial = service.add_key(rung, description, bytearray(pseudorandom), keyring)
            service.set_permissions(serial, USED_IN_PROCESS if keyring == PROCESS else USED_IN_SESSION)
            held = _held(service, digest, rung, serial)._replace(keyring=keyring)
            if hmac.compare_digest(held.master.derive(CHECK_PURPOSE), expected):
                return held
        except (KeyringError, SealBroken, OSError):
            held = None  # this rung is not there; the next one is tried
        if serial:
            _forget(service, serial, keyring)
    return None


def _found(service: KeyService, digest: Digest, sealed: SealedMaster) -> Held | None:
    """Return the key that an earlier server of this session left in the kernel."""
    for rung in RUNGS:
        try:
            serial = service.search(SESSION, rung, f"coldframe:{_name(sealed.check)}")
            held = _held(service, digest, rung, serial)._replace(keyring=SESSION)
            if hmac.compare_digest(held.master.derive(CHECK_PURPOSE), sealed.check):
                return held
        except (KeyringError, SealBroken):
            continue
    return None


def _held(service: KeyService, digest: Digest, rung: str, serial: int) -> Held:
    master = InKernel(serial, digest) if rung == "logon" else StoredInKernel(serial, service)
    return Held(master, rung, serial)


def _or_memory(held: Held | None, master: bytes) -> Held:
    return held or Held(InMemory(master), "file")


def _forget(service: KeyService, serial: int, keyring: int) -> None:
    """Make a key of no use at once: one that is only unlinked lives on until the kernel collects it."""
    with contextlib.suppress(KeyringError):  # it is not there to be forgotten
        service.revoke(serial)
    with contextlib.suppress(KeyringError):
        service.unlink(serial, keyring)


def _name(check: bytes) -> str:
    return hashlib.sha256(check).hexdigest()[:32]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise SealBroken(f"{path}, the passphrase of the master key: {error.strerror}") from error


def _ask(data_dir: Path) -> bytes:
    if not sys.stdin.isatty():
        raise SealBroken(
            f"{data_dir / NAME} needs its passphrase: start the server on a terminal, or with --passphrase-file"
        )
    return getpass.getpass(f"Passphrase of {data_dir / NAME}: ").encode()


def _lost() -> SealBroken:
    return SealBroken(
        "the kernel no longer has the master key: its keyring was cleared; start the server again"
    )
