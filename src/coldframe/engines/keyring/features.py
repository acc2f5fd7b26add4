"""What the kernel under this process can do with keys, found out by trying."""

import contextlib
import errno
import socket
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.keyring.errors import KeyringError
from coldframe.engines.keyring.keys import PROCESS
from coldframe.engines.keyring.service import KeyService

# <linux/if_alg.h>; Python's socket module knows the rest.
_SET_KEY_BY_SERIAL = 7
HASHES = ("sha1", "sha224", "sha256", "sha384", "sha512")


class Features(NamedTuple):
    """What works here; `refusal` says why keys do not work at all, empty when they do."""

    refusal: str
    private_keys: bool
    hashes: frozenset[str]
    raw: bool
    af_alg: bool
    af_alg_keys: bool
    seccomp: bool


def detect(service: KeyService) -> Features:
    """Try everything with a key made for it, in this process's own keyring; leaves nothing behind."""
    refusal = ""
    try:
        service.keyring_id(PROCESS, create=True)
    except KeyringError as error:
        refusal = str(error)
    private, hashes, raw = (False, frozenset[str](), False) if refusal else _asymmetric(service)
    af_alg, by_key = _af_alg(service, usable=not refusal)
    return Features(refusal, private, hashes, raw, af_alg, by_key, _seccomp())


def _asymmetric(service: KeyService) -> tuple[bool, frozenset[str], bool]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    trial = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it lives for this function and protects nothing
    payload = trial.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        key = service.add_key("asymmetric", "coldframe trial", payload, PROCESS)
    except KeyringError:
        return False, frozenset(), False
    try:
        works = set()
        for name in HASHES:
            with contextlib.suppress(KeyringError):
                service.pkey_query(key, f"enc=pkcs1 hash={name}")
                works.add(name)
        try:
            raw = service.pkey_decrypt(key, "enc=raw", bytes(127) + b"\2") != b""
        except KeyringError:
            raw = False
        return True, frozenset(works), raw
    finally:
        service.unlink(key, PROCESS)


def _af_alg(service: KeyService, *, usable: bool) -> tuple[bool, bool]:
    """Tell whether there are AF_ALG sockets, and whether they take a key of the keyrings by its serial."""
    try:
        with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as algorithm:
            algorithm.bind(("hash", "hmac(sha256)"))
            if not usable:
                return True, False
            key = service.add_key("logon", "coldframe:trial", b"trial", PROCESS)
            try:
                algorithm.setsockopt(socket.SOL_ALG, _SET_KEY_BY_SERIAL, key)
            except OSError as error:
                if error.errno in {errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EINVAL}:
                    return True, False
                raise
            finally:
                service.unlink(key, PROCESS)
            return True, True
    except (OSError, KeyringError):
        return False, False


def _seccomp() -> bool:
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("Seccomp:"):
            return line.split()[1] != "0"
    return False
