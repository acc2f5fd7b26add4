"""Private keys from files: every format goes in, and whatever does not is told why, without a byte of it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from coldframe import keys
from coldframe.engines.keyring import PROCESS, SESSION, Kernel
from coldframe.engines.keyring.fake import FakeKernel, FakeProcess
from coldframe.keys.conversion import STORED_PERMISSIONS
from coldframe.keys.loading import Converter, in_child
from tests.keys.conftest import PASSPHRASE

FORMATS = [
    "pkcs8", "pkcs8-encrypted", "pkcs8-der", "pkcs8-der-encrypted", "pkcs1", "pkcs1-encrypted", "pkcs1-der", "openssh",
    "openssh-encrypted",
]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(
    name: str, key_files: dict[str, Path], secret: rsa.RSAPrivateKey, ring: keys.Keyring, convert: Converter
) -> None:
    passphrase = PASSPHRASE if name.endswith("encrypted") else None
    loaded = keys.load(key_files[name], "k", ring, passphrase=passphrase, convert=convert)
    assert (loaded.kind, loaded.algorithm, loaded.bits) == ("asymmetric", "RSA", 2048)
    assert loaded.encrypted is name.endswith("encrypted")
    assert loaded.comment == ("alice@example" if name == "openssh" else "")
    line = secret.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    assert loaded.public == line.decode()
    assert loaded.key.public_key() == secret.public_key()
    assert loaded.key.protection is keys.Protection.KERNEL_OPERATION


@pytest.mark.parametrize(
    ("kind", "bits"), [("rsa", "1024"), ("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "521")]
)
@pytest.mark.parametrize("comment", ["", "x", "alice@example", "a longer comment, with words"])
def test_comments(
    kind: str, bits: str, comment: str, ring: keys.Keyring, convert: Converter, tmp_path: Path
) -> None:
    """What is taken for a comment must never be a part of the key."""
    make = ["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-C", comment, "-f", str(tmp_path / "key")]
    subprocess.run(make, check=True)
    loaded = keys.load(tmp_path / "key", "k", ring, stored=True, convert=convert)
    assert loaded.comment == comment
    assert loaded.public == " ".join((tmp_path / "key.pub").read_text(encoding="utf-8").split()[:2])


@pytest.mark.parametrize("name", [name for name in FORMATS if name.endswith("encrypted")])
def test_passphrases(name: str, key_files: dict[str, Path], ring: keys.Keyring, convert: Converter) -> None:
    with pytest.raises(keys.PassphraseNeeded):
        keys.load(key_files[name], "k", ring, convert=convert)
    with pytest.raises(keys.WrongPassphrase) as caught:
        keys.load(key_files[name], "k", ring, passphrase=b"wrong horse", convert=convert)
    assert "horse" not in str(caught.value)
    assert ring.serials() == keys.named("@s", ring.service).serials()


def test_a_passphrase_that_is_not_needed_does_no_harm(
    key_files: dict[str, Path], ring: keys.Keyring, convert: Converter
) -> None:
    assert keys.load(key_files["openssh"], "k", ring, passphrase=b"x", convert=convert).bits == 2048


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"ssh-rsa AAAA alice", "public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "--certificate"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "public key"),
        (b"PuTTY-User-Key-File-3: ssh-rsa\n", "puttygen"),
        (b"-----BEGIN PRIVATE KEY-----\nTOPSECRET\n-----END PRIVATE KEY-----\n", "damaged"),
        (b"TOPSECRET" * 10, "damaged"),
        (b"TOPSECRET" * 100_000, "too long"),
    ],
)
def test_what_is_no_private_key(
    content: bytes, said: str, ring: keys.Keyring, convert: Converter, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(keys.NotAPrivateKey, match=said) as caught:
        keys.load(tmp_path / "file", "k", ring, convert=convert)
    assert "TOPSECRET" not in str(caught.value)


def _files(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(ed25519.Ed25519PrivateKey.generate(), "Ed25519"), (ec.generate_private_key(ec.SECP256R1()), "ECDSA")],
    ids=["Ed25519", "ECDSA"],
)
def test_keys_that_the_kernel_cannot_use(
    key, algorithm: str, ring: keys.Keyring, convert: Converter, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(_files(key))
    with pytest.raises(keys.OnlyRsa, match=f"{algorithm}.*ssh-keygen -t rsa"):
        keys.load(tmp_path / "file", "k", ring, convert=convert)
    stored = keys.load(tmp_path / "file", "k", ring, stored=True, convert=convert)
    assert stored.kind == "user"
    assert stored.key.protection is keys.Protection.KERNEL_STORED
    assert stored.key.describe().permissions == STORED_PERMISSIONS
    assert serialization.load_der_private_key(stored.key.read(), None) is not None


def test_sizes_that_the_kernel_does_not_take(ring: keys.Keyring, convert: Converter, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(_files(rsa.generate_private_key(65537, 2056)))
    with pytest.raises(keys.OnlyRsa, match="2056 bits"):
        keys.load(tmp_path / "file", "k", ring, convert=convert)


def test_timeouts(ring: keys.Keyring, convert: Converter, key_files: dict[str, Path], moments) -> None:
    key = keys.load(key_files["pkcs8"], "k", ring, timeout=60, convert=convert).key
    moments.now += 59
    assert len(key.sign(b"m")) == 256
    moments.now += 1
    with pytest.raises(keys.KeyringError, match="expired"):
        key.sign(b"m")


def test_into_the_processes_own_keyring(
    kernel: FakeProcess, convert: Converter, key_files: dict[str, Path]
) -> None:
    key = keys.load(key_files["pkcs8"], "k", keys.Keyring(PROCESS, kernel), convert=convert).key
    assert key.serial in keys.Keyring(PROCESS, kernel).serials()
    # The keyring through which it came is gone.
    assert all(inner.describe().description.startswith("_uid") for inner in keys.Keyring(SESSION, kernel))


def test_the_quota_is_named(machine: FakeKernel, key_files: dict[str, Path]) -> None:
    from coldframe.keys.loading import loaded_here

    machine.most_keys = 4
    process = machine.process(uid=2000)
    for number in range(4):
        try:
            keys.load(
                key_files["pkcs8"], f"k{number}", keys.Keyring(service=process), convert=loaded_here(process)
            )
        except keys.KeyringError as error:
            assert "kernel.keys.maxkeys" in str(error)
            return
    raise AssertionError("the quota has no end")


def test_exactly_so_many_bytes_of_an_open_socket(
    key_files: dict[str, Path], ring: keys.Keyring, convert: Converter
) -> None:
    """An agent is handed keys on a socket on which the next message may follow."""
    content = key_files["pkcs8"].read_bytes()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(content + b"next message")
        source = keys.OpenFile(ours.fileno(), len(content))
        assert keys.load(source, "k", ring, convert=convert).bits == 2048
        assert ours.recv(100) == b"next message"


class TestInAProcessOfItsOwn:
    """The child is real here; what it does with the kernel is tested on kernels that take private keys."""

    def test_its_errors_come_back_typed(self, tmp_path: Path, key_files: dict[str, Path]) -> None:
        request = keys.Keyring(SESSION, Kernel())
        (tmp_path / "file").write_bytes(b"no key")
        for path, kind in (
            (tmp_path / "file", keys.NotAPrivateKey),
            (key_files["openssh-encrypted"], keys.PassphraseNeeded),
        ):
            with pytest.raises(kind):
                keys.load(path, "k", _anywhere(request), convert=in_child)
        with pytest.raises(keys.WrongPassphrase):
            keys.load(
                key_files["openssh-encrypted"], "k", _anywhere(request), passphrase=b"x", convert=in_child
            )
        with pytest.raises(keys.NotAPrivateKey, match="No such file"):
            keys.load(tmp_path / "absent", "k", _anywhere(request), convert=in_child)

    def test_a_key_on_the_standard_input(self, tmp_path: Path) -> None:
        """The child reads it there itself; its own input is another one, with the request."""
        (tmp_path / "file").write_bytes(_files(ed25519.Ed25519PrivateKey.generate()))
        program = (
            "from coldframe import keys\n"
            "try: keys.load(keys.OpenFile(0), 'k', keys.Keyring(1))\n"
            "except keys.KeyFileError as error: print(type(error).__name__)"
        )
        with (tmp_path / "file").open("rb") as file:
            done = subprocess.run(
                [sys.executable, "-c", program], stdin=file, capture_output=True, text=True, check=True
            )
        assert done.stdout == "OnlyRsa\n"

    def test_nothing_secret_is_in_its_arguments_or_environment(
        self, key_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple] = []
        run = subprocess.run

        def spied(arguments, **options):
            seen.append((arguments, options["env"]))
            return run(arguments, **options)

        monkeypatch.setattr(subprocess, "run", spied)
        monkeypatch.setenv("SECRET_OF_THE_SHELL", "hidden")
        with pytest.raises(keys.WrongPassphrase):
            keys.load(
                key_files["pkcs8-encrypted"],
                "k",
                _anywhere(keys.Keyring(SESSION, Kernel())),
                passphrase=b"hunter2",
            )
        words, environment = seen[0]
        assert not any("hunter2" in word for word in words)
        assert "SECRET_OF_THE_SHELL" not in environment
        assert "hunter2" not in os.environ.values()


def _anywhere(ring: keys.Keyring) -> keys.Keyring:
    """A keyring by a number that is nowhere: the file is read before the kernel is asked."""
    return keys.Keyring(1, ring.service)


def test_without_a_terminal_the_passphrase_is_said_to_be_missing(key_files: dict[str, Path]) -> None:
    program = "import sys; from coldframe import keys; keys.load(sys.argv[1], 'k', passphrase=keys.ASK)"
    done = subprocess.run(
        [sys.executable, "-c", program, key_files["openssh-encrypted"]],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("coldframe.keys.errors.PassphraseNeeded: ")
    assert "no terminal" in done.stderr
