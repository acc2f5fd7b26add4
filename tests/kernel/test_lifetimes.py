"""A key ends with its process, with its session, and with its time, also where its holder is killed; others get nothing."""

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe import keys
from coldframe.engines.keyring import PROCESS, SESSION, USER, Kernel, KeyringError
from coldframe.keys.rings import start_session
from tests.engines.keyring.contract import pkcs8


class Holder:
    """A process of its own, which holds a key in a keyring until it is ended."""

    def __init__(self, payload: bytes, keyring: int) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            kernel = Kernel()
            start_session(kernel)
            serial = kernel.add_key("asymmetric", "held", payload, keyring)
            os.write(writing, str(serial).encode())
            signal.pause()
        os.close(writing)
        self.serial = int(os.read(reading, 32))
        os.close(reading)

    def end(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)
        os.waitpid(self.pid, 0)
        self.pid = 0


@pytest.fixture
def holder(private_key: rsa.RSAPrivateKey):
    started: list[Holder] = []

    def start(keyring: int) -> Holder:
        started.append(Holder(pkcs8(private_key), keyring))
        return started[-1]

    yield start
    for one in started:
        if one.pid:
            one.end(signal.SIGKILL)


def elsewhere(act: Callable[[Kernel], dict[str, str]], uid: int = 0) -> dict[str, str]:
    """Do something in a process of its own, as a user, and return what it found out."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if uid:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            os.write(writing, json.dumps(act(Kernel())).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as answer:
        found = answer.read()
    assert os.waitpid(pid, 0)[1] == 0
    return dict(json.loads(found))


def answers(calls: dict[str, Callable[[], object]]) -> dict[str, str]:
    """Try calls, and name the errno that each is answered with."""
    found = {}
    for name, call in calls.items():
        try:
            call()
            found[name] = "done"
        except KeyringError as error:
            found[name] = errno.errorcode[error.errno]
    return found


def use(kernel: Kernel, serial: int) -> dict[str, str]:
    """Try everything that can be done with a private key by its serial."""
    return answers({
        "read": lambda: kernel.read(serial),
        "sign": lambda: kernel.pkey_sign(serial, "enc=pkcs1 hash=sha256", bytes(32)),
        "raw": lambda: kernel.pkey_decrypt(serial, "enc=raw", bytes(255) + b"\2"),
        "link": lambda: kernel.link(serial, SESSION),
        "permissions": lambda: kernel.set_permissions(serial, 0x3F3F3F3F),
    })  # fmt: skip


def listed(serial: int) -> bool:
    """Tell whether the kernel has a key at all; root of the machine sees every key that may be viewed."""
    return any(
        line.startswith(f"{serial:08x} ")
        for line in Path("/proc/keys").read_text(encoding="utf-8").splitlines()
    )


def until_gone(serial: int, tick: Callable[[], None]) -> None:
    for _ in range(400):
        if not listed(serial):
            return
        tick()
    raise AssertionError(f"the kernel still has the key {serial}")


@pytest.mark.parametrize("keyring", [PROCESS, SESSION])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_key_ends_with_its_holder(
    holder, keyring: int, number: signal.Signals, tick: Callable[[], None]
) -> None:
    one = holder(keyring)
    assert listed(one.serial)
    one.end(number)
    until_gone(one.serial, tick)


def test_a_child_has_the_sessions_keys_but_not_the_processes(
    session: Kernel, private_key: rsa.RSAPrivateKey
) -> None:
    shared, own = (
        session.add_key("asymmetric", "k", pkcs8(private_key), ring) for ring in (SESSION, PROCESS)
    )
    assert elsewhere(lambda kernel: use(kernel, shared))["sign"] == "done"
    assert elsewhere(lambda kernel: use(kernel, own))["sign"] == "EACCES"


def test_the_kernel_ends_a_key_when_its_time_is_over(
    session: Kernel, private_key: rsa.RSAPrivateKey, tick: Callable[[], None]
) -> None:
    key = keys.AsymmetricKey(session.add_key("asymmetric", "short", pkcs8(private_key), SESSION), session)
    key.expire_in(1)
    for _ in range(400):
        try:
            key.sign(b"message")
        except KeyringError as error:
            assert error.errno == errno.EKEYEXPIRED
            assert "expired" in str(error)
            break
        tick()
    else:
        raise AssertionError("the key signs for ever")
    with pytest.raises(KeyringError):
        key.service.pkey_decrypt(key.serial, "enc=raw", bytes(255) + b"\2")


@pytest.mark.parametrize("uid", [1234, 0])
@pytest.mark.parametrize("keyring", [SESSION, USER])
def test_who_does_not_possess_a_key_gets_nothing(
    session: Kernel, private_key: rsa.RSAPrivateKey, uid: int, keyring: int
) -> None:
    """Another user gets nothing, and neither does root, or the same user, in another session."""
    serial = session.add_key("asymmetric", "held", pkcs8(private_key), keyring)
    assert len(session.pkey_sign(serial, "enc=pkcs1 hash=sha256", bytes(32))) == 256

    def stranger(kernel: Kernel) -> dict[str, str]:
        kernel.join_session()
        by_name = answers({"by name": lambda: kernel.request_key("asymmetric", "held")})
        return use(kernel, serial) | by_name

    # Root may change the permissions of its own keys only where it possesses them, so not here.
    expected = dict.fromkeys(("read", "sign", "raw", "link", "permissions"), "EACCES")
    assert elsewhere(stranger, uid) == expected | {"by name": "ENOKEY"}


def test_removed_keys_are_gone_from_every_keyring(
    session: Kernel, private_key: rsa.RSAPrivateKey, tick: Callable[[], None]
) -> None:
    key = keys.AsymmetricKey(session.add_key("asymmetric", "k", pkcs8(private_key), SESSION), session)
    keys.Keyring(USER, session).link(key)
    key.invalidate()
    until_gone(key.serial, tick)
    with pytest.raises(KeyringError):
        key.sign(b"message")


def test_the_machine_is_not_this_one() -> None:
    assert os.uname().nodename == "machine"
