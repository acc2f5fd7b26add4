"""Passwords of the package `keyring` in a real kernel: found from every session of the user, by nobody else."""

import os

import keyring
import pytest
from keyring.errors import PasswordDeleteError

from coldframe.engines.keyring import Kernel, KeyringError
from coldframe.keys.keyring_backend import KernelKeyring


def test_the_package_uses_it(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KernelKeyring in KernelKeyring.get_viable_backends()
    monkeypatch.setattr(keyring.core, "_keyring_backend", KernelKeyring())
    # This session does not reach @u: the password must be found all the same.
    keyring.set_password("service", "alice", "hunter2")
    keyring.set_password("service", "alice", "hunter3")
    kernel.join_session()
    assert keyring.get_password("service", "alice") == "hunter3"
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(1234)
        os.setuid(1234)
        try:
            found = repr(KernelKeyring().get_password("service", "alice"))
        except KeyringError as error:
            found = repr(error.errno)
        os.write(writing, found.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert answer.read() == "None"
    os.waitpid(pid, 0)
    keyring.delete_password("service", "alice")
    assert keyring.get_password("service", "alice") is None
    with pytest.raises(PasswordDeleteError):
        keyring.delete_password("service", "alice")
