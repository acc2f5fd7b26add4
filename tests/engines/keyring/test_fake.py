"""The fake kernel does what the contract says, and what only it can be asked: many users and processes at once."""

import errno

import pytest

from coldframe.engines.keyring import PROCESS, SESSION, USER, KeyringError
from coldframe.engines.keyring.fake import FakeKernel
from tests.engines.keyring.contract import KeyServiceContract


class Moments:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def tick(self) -> None:
        self.now += 0.25


@pytest.fixture
def moments() -> Moments:
    return Moments()


@pytest.fixture
def kernel(moments: Moments) -> FakeKernel:
    return FakeKernel(clock=moments)


class TestFake(KeyServiceContract):
    @pytest.fixture
    def service(self, kernel: FakeKernel):
        made = kernel.process()
        made.join_session()
        return made

    @pytest.fixture
    def tick(self, moments: Moments):
        return moments.tick


def test_a_process_takes_its_keys_with_it(kernel: FakeKernel) -> None:
    first = kernel.process()
    child = first.fork()
    own = child.add_key("user", "own", b"1", PROCESS)
    shared = child.add_key("user", "shared", b"2", SESSION)
    child.exit()
    assert own not in kernel.keys
    assert first.read(shared) == b"2"
    first.exit()
    assert shared not in kernel.keys


def test_another_user_gets_nothing(kernel: FakeKernel) -> None:
    alice, bob = kernel.process(uid=1000), kernel.process(uid=1001, gid=1001)
    key = alice.add_key("user", "alices", b"1", USER)
    for call in (bob.read, bob.describe, bob.revoke, bob.invalidate):
        with pytest.raises(KeyringError) as caught:
            call(key)
        assert caught.value.errno == errno.EACCES


def test_the_quota_ends(kernel: FakeKernel) -> None:
    alice = kernel.process()
    with pytest.raises(KeyringError) as caught:
        for number in range(300):
            alice.add_key("user", f"k{number}", b"x" * 32, SESSION)
    assert caught.value.errno == errno.EDQUOT
    assert "maxkeys" in caught.value.hint


def test_a_kernel_without_the_parser(kernel: FakeKernel) -> None:
    kernel.private_keys = False
    with pytest.raises(KeyringError) as caught:
        kernel.process().add_key("asymmetric", "k", b"x", SESSION)
    assert "modprobe pkcs8_key_parser" in str(caught.value)
