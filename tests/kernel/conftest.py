"""These tests run on a kernel of their own, in the machine that `./coldframe test tests/kernel` starts, and only there."""

import functools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe.engines.keyring import PROCESS, USER, Kernel
from coldframe.keys.rings import start_session

INSIDE = os.environ.get("COLDFRAME_KERNEL_MACHINE") == "1"
collect_ignore_glob = [] if INSIDE else ["test_*.py"]


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """The kernel, in a new session that reaches the user's keyring, with nothing in it or the process's."""
    made = Kernel()
    made.join_session()
    for ring in (PROCESS, USER):
        made.clear(ring)
    yield made
    made.join_session()


@pytest.fixture
def session(kernel: Kernel) -> Kernel:
    """The kernel, in a session that reaches the user's keyring, as a login has it."""
    start_session(kernel)
    return kernel


@pytest.fixture
def tick() -> Callable[[], None]:
    """Let a moment pass."""
    return lambda: threading.Event().wait(0.05) and None


def key_files() -> list[Path]:
    """Return the private keys that were made for this run, outside of the machine, which would take minutes for them."""
    return sorted(Path(os.environ["COLDFRAME_KERNEL_KEYS"]).glob("rsa*"))


@pytest.fixture(scope="session")
def key_file() -> Path:
    """A private key of 2048 bits, not encrypted, in PKCS#8."""
    return next(path for path in key_files() if path.name.startswith("rsa2048"))


@pytest.fixture(scope="session")
def private_key(key_file: Path) -> rsa.RSAPrivateKey:
    """The same key, for OpenSSL to do what the kernel does."""
    return read_key(key_file)


@functools.cache
def read_key(path: Path) -> rsa.RSAPrivateKey:
    """Read a private key of this run; that it is one need not be proved again, slowly."""
    key = serialization.load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
