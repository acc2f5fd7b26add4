"""The backend for the package `keyring`, held against that package's own tests for backends, on a fake kernel."""

from importlib import metadata

import keyring.errors
import pytest
from keyring.testing.backend import BackendBasicTests

from coldframe.engines.keyring import USER
from coldframe.engines.keyring.fake import FakeKernel, FakeProcess
from coldframe.keys.keyring_backend import KernelKeyring


class TestBackend(BackendBasicTests):
    def init_keyring(self) -> KernelKeyring:
        return KernelKeyring(FakeKernel(clock=lambda: 0.0, most_bytes=10**6).process())


def test_the_package_finds_it() -> None:
    found = {point.name: point.value for point in metadata.entry_points(group="keyring.backends")}
    assert found["coldframe"] == "coldframe.keys.keyring_backend"


def test_other_sessions_of_the_user_find_a_password_and_other_users_do_not(machine: FakeKernel) -> None:
    first, second, stranger = machine.process(), machine.process(), machine.process(uid=1001, gid=1001)
    second.join_session()  # one that does not reach @u
    KernelKeyring(first).set_password("service", "alice", "hunter2")
    assert KernelKeyring(second).get_password("service", "alice") == "hunter2"
    KernelKeyring(second).set_password("service", "alice", "hunter3")
    assert KernelKeyring(first).get_password("service", "alice") == "hunter3"
    assert KernelKeyring(stranger).get_password("service", "alice") is None


@pytest.mark.parametrize("password", ["", "\0", "\0x", "pässwörd", "x" * 5000])
def test_any_password_comes_back(kernel: FakeProcess, password: str) -> None:
    backend = KernelKeyring(kernel)
    backend.set_password("service", "alice", password)
    assert backend.get_password("service", "alice") == password


def test_names_do_not_run_into_each_other(kernel: FakeProcess) -> None:
    backend = KernelKeyring(kernel)
    backend.set_password("a:b", "c", "1")
    backend.set_password("a", "b:c", "2")
    assert backend.get_password("a:b", "c") == "1"


def test_what_cannot_be_done_is_the_packages_own_error(kernel: FakeProcess) -> None:
    backend = KernelKeyring(kernel)
    with pytest.raises(keyring.errors.PasswordDeleteError):
        backend.delete_password("service", "absent")
    with pytest.raises(keyring.errors.PasswordSetError):
        backend.set_password("service", "alice", "x" * 40_000)
    assert kernel.read(USER) == b""
