"""What only a real kernel has: encrypted keys, the persistent keyring, sessions handed to a parent, restricted keyrings."""

import os
import signal

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe import keys
from coldframe.engines.keyring import PROCESS, SESSION, Kernel, KeyringError
from coldframe.keys import sealed
from tests.engines.keyring.contract import certificate


def test_encrypted_keys_are_made_sealed_and_taken_back(session: Kernel) -> None:
    ring = keys.Keyring(service=session)
    ring.add_secret("master", os.urandom(32))
    key = sealed.make(ring, "data", "master")
    form = key.read()
    assert form.startswith(b"default user:master 32 ")
    ring.unlink(key)
    assert sealed.take(ring, "data", form).read() == form
    with pytest.raises(KeyringError):
        sealed.take(ring, "other", form[:-4] + b"0000")


def test_the_persistent_keyring(session: Kernel) -> None:
    ring = keys.persistent(session)
    assert session.describe(ring.serial).description == "_persistent.0"
    key = ring.add_secret("kept", b"1")
    session.join_session()
    again = keys.persistent(session)
    assert again.serial == ring.serial
    assert again.search("user", "kept").serial == key.serial
    again.clear()


def test_a_session_can_be_given_to_the_parent(session: Kernel) -> None:
    """This is how a command changes the session of the shell that called it."""
    before = session.keyring_id(SESSION)
    pid = os.fork()
    if pid == 0:
        try:
            kernel = Kernel()
            kernel.join_session()
            kernel.add_key("user", "given", b"1", SESSION)
            kernel.session_to_parent()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    # The kernel changes it when the parent next comes back from a system call that was interrupted.
    os.kill(os.getpid(), signal.SIGCONT)
    assert session.keyring_id(SESSION) != before
    assert session.read(session.search(SESSION, "user", "given")) == b"1"


def test_a_keyring_that_takes_only_what_a_key_vouches_for(
    session: Kernel, private_key: rsa.RSAPrivateKey
) -> None:
    trusted = keys.Keyring(SESSION, session).add_keyring("trusted")
    authority = keys.Keyring(SESSION, session).add_certificate(certificate(private_key), "authority")
    trusted.restrict("asymmetric", f"key_or_keyring:{authority.serial}")
    stranger = rsa.generate_private_key(65537, 1024)
    with pytest.raises(KeyringError):
        trusted.add_certificate(certificate(stranger), "stranger")
    with pytest.raises(KeyringError):
        trusted.add_secret("secret", b"1")
    assert trusted.serials() == []


def test_names_with_zero_bytes_never_reach_the_kernel(session: Kernel) -> None:
    with pytest.raises(KeyringError, match="zero byte"):
        session.add_key("user", "a\0b", b"1", PROCESS)
