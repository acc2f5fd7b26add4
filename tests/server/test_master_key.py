"""The rungs on which the master key is held, against a fake kernel, and on the kernel that runs the tests."""

import hashlib
import hmac
from contextlib import ExitStack

import pytest

from coldframe.core.config import Settings
from coldframe.core.seal import Seal, SealBroken
from coldframe.core.sealed_master import NAME, seal_master, write_sealed
from coldframe.engines.keyring import SESSION, KeyringError, Permission
from coldframe.engines.keyring.fake import FakeKernel
from coldframe.server.master_key import SENTENCES, Held, open_master_key, rung_of

MASTER = bytes(range(1, 33))


@pytest.fixture
def machine():
    return FakeKernel(clock=lambda: 0.0)


def digest_of(machine):
    """What AF_ALG does: an HMAC with the payload of a key that nobody can read."""

    def digest(serial, message):
        key = machine.keys.get(serial)
        if key is None or key.gone:
            raise OSError(126, "Required key not available")
        return hmac.digest(key.payload, message, hashlib.sha256)

    return digest


def no_digest(serial, message):
    raise OSError(97, "Address family not supported by protocol")


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "master.key").write_bytes(MASTER)
    (tmp_path / "master.key").chmod(0o600)
    return Settings(data_dir=tmp_path)


def payloads(machine):
    return [(key.kind, key.payload) for key in machine.keys.values() if key.kind != "keyring"]


def test_the_highest_rung_is_a_key_that_the_kernel_uses(machine, settings):
    process = machine.process()
    with ExitStack() as stack:
        held = open_master_key(settings, stack, service=process, digest=digest_of(machine))
        assert held.rung == "logon"
        assert Seal(held.master).key("x") == Seal(MASTER).key("x")
        ((kind, payload),) = payloads(machine)
        assert kind == "logon"
        assert payload != MASTER
        with pytest.raises(KeyringError):
            process.read(held.serial)
    assert payloads(machine) == [], "a key of a process is dropped when its server ends"


def test_without_af_alg_the_key_is_read_for_each_use(machine, settings):
    with ExitStack() as stack:
        held = open_master_key(settings, stack, service=machine.process(), digest=no_digest)
        assert held.rung == "user"
        assert Seal(held.master).key("x") == Seal(MASTER).key("x")
        assert [kind for kind, _ in payloads(machine)] == ["user"]
        mask = machine.keys[held.serial].mask
        assert mask & 0xFF == mask >> 8 & 0xFF == 0, "neither group nor others"
        machine.keys[held.serial].gone = True
        with pytest.raises(SealBroken, match="start the server again"):
            held.master.derive("y")


def test_a_kernel_that_refuses_leaves_the_memory(settings):
    full = FakeKernel(clock=lambda: 0.0, most_keys=3)
    with ExitStack() as stack:
        held = open_master_key(settings, stack, service=full.process(), digest=no_digest)
        assert held.rung == "file"
        assert Seal(held.master).key("x") == Seal(MASTER).key("x")


@pytest.mark.parametrize("rung", ["logon", "user"])
def test_a_sealed_key_is_asked_for_once_a_session(machine, settings, rung):
    (settings.data_dir / "master.key").unlink()
    write_sealed(settings.data_dir / NAME, seal_master(MASTER, b"open sesame"))
    digest = digest_of(machine) if rung == "logon" else no_digest
    asked = []

    def ask(folder):
        asked.append(folder)
        return b"open sesame"

    shell = machine.process()

    def start(process) -> Held:
        with ExitStack() as stack:
            return open_master_key(settings, stack, service=process, digest=digest, ask=ask)

    first, second = shell.fork(), shell.fork()
    held = start(first)
    assert (held.rung, len(asked)) == (rung, 1)
    first.exit()
    held = start(second)
    assert (held.rung, len(asked)) == (rung, 1)
    assert Seal(held.master).key("x") == Seal(MASTER).key("x")
    assert machine.keys[held.serial].mask >> 16 & Permission.ALL == 0, (
        "another session of the user has nothing"
    )
    stranger = machine.process(uid=2000)
    start(stranger)
    assert len(asked) == 2
    shell.unlink(held.serial, SESSION)
    machine.collect()
    start(shell.fork())
    assert len(asked) == 3


def test_a_wrong_passphrase_and_none(machine, settings, tmp_path):
    write_sealed(settings.data_dir / NAME, seal_master(MASTER, b"open sesame"))
    with ExitStack() as stack:
        with pytest.raises(SealBroken, match="passphrase"):
            open_master_key(settings, stack, service=machine.process(), ask=lambda _: b"open poppy")
        wrong = Settings(data_dir=settings.data_dir, passphrase_file=tmp_path / "missing")
        with pytest.raises(SealBroken, match="missing"):
            open_master_key(wrong, stack, service=machine.process())


def test_a_lost_key_is_not_replaced_by_a_new_one(machine, settings):
    (settings.data_dir / "master.key").unlink()
    (settings.data_dir / "root-credentials.json").write_bytes(b"{}")
    with ExitStack() as stack, pytest.raises(SealBroken, match="put it back"):
        open_master_key(settings, stack, service=machine.process())
    assert not (settings.data_dir / "master.key").exists()


def test_this_machine_has_a_rung_and_nothing_is_left_of_the_trial():
    from coldframe.engines.keyring import Kernel

    assert rung_of() in SENTENCES
    described = [entry for entry in Kernel().entries() if entry.type.startswith("coldframe:trial")]
    assert described == []
