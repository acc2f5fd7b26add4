"""A fake kernel for the library above it, and private keys in every format that people have."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe.engines.keyring.fake import FakeKernel, FakeProcess
from coldframe.keys import Keyring
from coldframe.keys.loading import Converter, loaded_here


class Moments:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def moments() -> Moments:
    return Moments()


@pytest.fixture
def machine(moments: Moments) -> FakeKernel:
    return FakeKernel(clock=moments)


@pytest.fixture
def kernel(machine: FakeKernel) -> FakeProcess:
    return machine.process()


@pytest.fixture
def ring(kernel: FakeProcess) -> Keyring:
    return Keyring(service=kernel)


@pytest.fixture
def convert(kernel: FakeProcess) -> Converter:
    """The conversion in this process: the child of its own would speak to the real kernel."""
    return loaded_here(kernel)


@pytest.fixture(scope="session")
def secret() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


PASSPHRASE = b"correct horse"


@pytest.fixture(scope="session")
def key_files(secret: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same key in every format; names that end in `encrypted` are, with PASSPHRASE."""
    folder = tmp_path_factory.mktemp("keys")
    encoding, form = serialization.Encoding, serialization.PrivateFormat
    clear, sealed = serialization.NoEncryption(), serialization.BestAvailableEncryption(PASSPHRASE)
    contents = {
        "pkcs8": (encoding.PEM, form.PKCS8, clear),
        "pkcs8-encrypted": (encoding.PEM, form.PKCS8, sealed),
        "pkcs8-der": (encoding.DER, form.PKCS8, clear),
        "pkcs8-der-encrypted": (encoding.DER, form.PKCS8, sealed),
        "pkcs1": (encoding.PEM, form.TraditionalOpenSSL, clear),
        "pkcs1-encrypted": (encoding.PEM, form.TraditionalOpenSSL, sealed),
        "pkcs1-der": (encoding.DER, form.TraditionalOpenSSL, clear),
    }
    for name, how in contents.items():
        (folder / name).write_bytes(secret.private_bytes(*how))
    for name, passphrase in (("openssh", ""), ("openssh-encrypted", PASSPHRASE.decode())):
        (folder / name).write_bytes((folder / "pkcs8").read_bytes())
        (folder / name).chmod(0o600)
        file = ["-P", "", "-f", str(folder / name)]
        for change in (["-p", "-N", ""], ["-c", "-C", "alice@example"], ["-p", "-N", passphrase]):
            subprocess.run(["ssh-keygen", "-q", *change, *file], check=True, capture_output=True)
    for path in folder.glob("*.pub"):
        path.unlink()
    return {path.name: path for path in folder.iterdir()}
