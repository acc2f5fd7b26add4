"""Secret access keys on each rung: the signatures they make are the same, and what is dropped is dropped at once."""

import hashlib
import hmac
import os
from datetime import UTC, datetime

import pytest

from coldframe.core.clock import Clock
from coldframe.core.ids import secret_key
from coldframe.core.seal import Seal, expanded, extracted
from coldframe.core.sealed_master import CHECK_PURPOSE
from coldframe.engines.keyring import PROCESS, SESSION, KeyringError
from coldframe.engines.keyring.fake import FakeKernel
from coldframe.identity import sessions
from coldframe.identity.records import AccessKey
from coldframe.identity.secret_keys import PURPOSE, SecretKeys
from coldframe.server.kernel_secret_keys import SecretsInKernel, occupancy, secrets_in_kernel
from coldframe.server.master_key import Held

MASTER = bytes(range(1, 33))
SCOPE = ("20260304", "eu-west-1", "s3")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()
RUNGS = ["logon", "user", "file"]


class Kernel:
    """A fake kernel with one process of it, the AF_ALG of which counts."""

    def __init__(self, rung="logon", **limits):
        self.machine = FakeKernel(clock=lambda: 0.0, **limits)
        self.process = self.machine.process()
        self.rung = rung
        self.computed = 0

    def digest(self, serial, message):
        self.computed += 1
        key = self.machine.keys.get(serial)
        if key is None or key.gone or key.revoked or self.rung != "logon":
            raise OSError(126, "Required key not available")
        return hmac.digest(key.payload, message, hashlib.sha256)

    def rungs(self, keyring=PROCESS, process=None):
        if self.rung == "file":
            return None
        return SecretsInKernel(
            process or self.process, self.digest, keyring, rung=self.rung, name="installation"
        )

    def payloads(self):
        return {key.payload for key in self.machine.keys.values() if key.kind != "keyring"}


class Opening(Seal):
    """A seal that counts how often a secret was opened."""

    opened = 0

    def open_once(self, purpose, place, sealed):
        self.opened += 1
        return super().open_once(purpose, place, sealed)


@pytest.fixture
def seal():
    return Opening(MASTER)


@pytest.fixture
def clock():
    return [NOON]


def keys_of(seal, clock, rungs):
    return SecretKeys(seal, Clock(lambda: clock[0]), rungs)


def made(seal, number=1):
    """An access key, and its secret."""
    secret, name = secret_key().decode(), f"AKIA{number:016}"
    sealed = seal.seal_once(PURPOSE, name, secret.encode())
    return AccessKey(id=name, account="1" * 12, user="", sealed_secret=sealed, created=0), secret


def signing_key(secret, *scope):
    key = b"AWS4" + secret.encode()
    for part in (*(scope or SCOPE), "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@pytest.mark.parametrize("rung", RUNGS)
def test_what_is_worked_out_is_the_same_on_every_rung(seal, clock, rung):
    kernel = Kernel(rung)
    keys = keys_of(seal, clock, kernel.rungs())
    key, secret = made(seal)
    found = keys.of(key)
    assert found.signing_key(*SCOPE) == signing_key(secret)
    assert found.signing_key("20260305", "us-east-1", "sts") == signing_key(
        secret, "20260305", "us-east-1", "sts"
    )
    assert found.sha1(b"text") == hmac.digest(secret.encode(), b"text", "sha1")
    assert found.matches(secret)
    assert not found.matches(secret[:-1])
    assert not found.matches("")
    assert keys.rungs() == {rung: 1}
    assert kernel.payloads() == (set() if rung == "file" else {b"AWS4" + secret.encode()})


def test_a_secret_is_opened_once_and_a_signing_key_derived_once(seal, clock):
    kernel = Kernel()
    keys = keys_of(seal, clock, kernel.rungs())
    key, _ = made(seal)
    for _ in range(5):
        keys.of(key).signing_key(*SCOPE)
    assert (seal.opened, kernel.computed) == (1, 1)
    keys.of(key).signing_key("20260304", "us-east-1", "s3")
    assert (seal.opened, kernel.computed) == (1, 2)


@pytest.mark.parametrize("rung", ["logon", "user"])
def test_nothing_can_be_read_by_whom_it_is_not_for(seal, clock, rung):
    kernel = Kernel(rung)
    keys = keys_of(seal, clock, kernel.rungs())
    key, _ = made(seal)
    keys.of(key).signing_key(*SCOPE)
    (serial,) = [one.serial for one in kernel.machine.keys.values() if one.kind == rung]
    assert kernel.machine.keys[serial].mask & 0xFFFF == 0, "neither group nor others"
    with pytest.raises(KeyringError):
        kernel.machine.process(uid=2000).read(serial)
    if rung == "logon":
        with pytest.raises(KeyringError):
            kernel.process.read(serial)


@pytest.mark.parametrize("rung", ["logon", "user"])
def test_a_key_that_is_dropped_is_gone_from_the_kernel_at_once(seal, clock, rung):
    kernel = Kernel(rung)
    keys = keys_of(seal, clock, kernel.rungs())
    (one, secret), (other, kept) = made(seal, 1), made(seal, 2)
    used = keys.of(one)
    used.signing_key(*SCOPE)
    keys.of(other).signing_key(*SCOPE)
    assert len(kernel.payloads()) == 2
    keys.forget(one.id)
    assert kernel.payloads() == {b"AWS4" + kept.encode()}
    assert one.id not in {slot[0] for slot in keys.known}
    # A request that was under way when the key was deleted leaves nothing behind either.
    assert used.signing_key(*SCOPE) == signing_key(secret)
    assert kernel.payloads() == {b"AWS4" + kept.encode()}
    assert one.id not in {slot[0] for slot in keys.known}


def test_a_quota_that_is_reached_leaves_the_rest_sealed(seal, clock):
    kernel = Kernel(most_keys=6)
    keys = keys_of(seal, clock, kernel.rungs())
    several = [made(seal, number) for number in range(5)]
    for key, secret in several:
        assert keys.of(key).signing_key(*SCOPE) == signing_key(secret)
    held = keys.rungs()["logon"]
    assert 0 < held < 5
    assert keys.rungs() == {"logon": held, "file": 5 - held}
    # Room that comes free is used by the next secret, and one that stayed sealed still works.
    keys.forget(several[0][0].id)
    key, secret = several[4]
    clock[0] += 86400
    assert keys.of(key).signing_key("20260305", *SCOPE[1:]) == signing_key(secret, "20260305", *SCOPE[1:])
    assert keys.rungs() == {"logon": held, "file": 4 - held}


@pytest.mark.parametrize("rung", ["logon", "user"])
def test_the_next_server_of_the_session_finds_its_keys(seal, clock, rung):
    kernel = Kernel(rung)
    shell = kernel.process
    key, secret = made(seal)
    first = shell.fork()
    keys = keys_of(seal, clock, kernel.rungs(SESSION, first))
    keys.of(key).signing_key(*SCOPE)
    keys.close()
    first.exit()
    assert seal.opened == 1
    keys = keys_of(seal, clock, kernel.rungs(SESSION, shell.fork()))
    assert keys.of(key).signing_key(*SCOPE) == signing_key(secret)
    assert seal.opened == 1, "the kernel had it"
    # Another secret under the same id is another key: a store that was put back from a backup.
    again = AccessKey(
        id=key.id,
        account="1" * 12,
        user="",
        sealed_secret=seal.seal_once(PURPOSE, key.id, b"x" * 40),
        created=0,
    )
    assert keys.of(again).signing_key(*SCOPE) == signing_key("x" * 40)
    assert kernel.payloads() == {b"AWS4" + b"x" * 40}


def test_a_server_that_ends_takes_the_keys_of_its_process_along(seal, clock):
    kernel = Kernel()
    keys = keys_of(seal, clock, kernel.rungs())
    keys.of(made(seal)[0]).signing_key(*SCOPE)
    before = len(kernel.machine.keys)
    keys.close()
    assert kernel.payloads() == set()
    assert len(kernel.machine.keys) == before - 2, "the secret, and the keyring it was in"


@pytest.mark.parametrize("rung", ["logon", "user"])
def test_a_keyring_that_somebody_cleared_is_filled_again(seal, clock, rung):
    kernel = Kernel(rung)
    rungs = kernel.rungs()
    keys = keys_of(seal, clock, rungs)
    key, secret = made(seal)
    keys.of(key).signing_key(*SCOPE)
    kernel.process.clear(rungs._ring)
    kernel.machine.collect()
    assert keys.of(key).signing_key("20260304", "us-east-1", "logs") == signing_key(
        secret, "20260304", "us-east-1", "logs"
    )
    assert kernel.payloads() == {b"AWS4" + secret.encode()}


def test_signing_keys_end_with_their_day_and_are_bounded(seal, clock, monkeypatch):
    monkeypatch.setattr("coldframe.identity.secret_keys._MOST", 10)
    keys = keys_of(seal, clock, Kernel().rungs())
    key, secret = made(seal)
    for number in range(25):
        assert keys.of(key).signing_key("20260304", f"r{number}", "s3") == signing_key(
            secret, "20260304", f"r{number}", "s3"
        )
        assert len(keys.known) <= 10
    clock[0] += 86400
    keys.of(key).signing_key("20260305", "r", "s3")
    assert {slot[1] for slot in keys.known} == {"20260305"}


def test_temporary_credentials(seal, clock):
    keys = keys_of(seal, clock, Kernel().rungs())
    issued = sessions.issue(
        seal, sessions.Session("role", "1" * 12, "arn", "id", "name", int(NOON), int(NOON) + 900)
    )
    found, secret = keys.of_session(issued.access_key_id), issued.secret_key.decode()
    assert found.signing_key(*SCOPE) == signing_key(secret)
    assert found.sha1(b"text") == hmac.digest(secret.encode(), b"text", "sha1")
    assert found.matches(secret)
    assert not found.matches("x" * 40)
    assert keys.rungs() == {}, "they are derived from the master key, and held nowhere"


def test_a_master_key_in_memory_has_no_rungs_and_a_full_kernel_neither(seal):
    assert secrets_in_kernel(Held(seal._master, "file")) is None
    full = FakeKernel(clock=lambda: 0.0, most_keys=4)
    process = full.process()
    with pytest.raises(KeyringError):
        for number in range(9):
            process.add_key("keyring", f"k{number}", b"", SESSION)
    assert secrets_in_kernel(Held(seal._master, "user", 1, PROCESS), service=process) is None


def test_what_is_said_of_the_room_for_more(seal, clock):
    kernel = Kernel(most_keys=26)
    keys = keys_of(seal, clock, kernel.rungs())
    assert occupancy(kernel.process) == (0, "")
    for number in range(2):
        keys.of(made(seal, number)[0]).signing_key(*SCOPE)
    held, scarce = occupancy(kernel.process)
    assert held == 2
    left = 26 - kernel.process.quota().keys
    assert f"leaves room for {left} more" in scarce
    assert "kernel.keys.root_maxkeys=2000" in scarce or "kernel.keys.maxkeys=2000" in scarce
    for number in range(2, 30):
        keys.of(made(seal, number)[0]).signing_key(*SCOPE)
    assert occupancy(kernel.process)[0] == keys.rungs()["logon"] < 30
    assert "leaves room for 0 more" in occupancy(kernel.process)[1]


def test_the_name_of_an_installation_tells_nothing_of_its_key(seal):
    name = Held(seal._master, "file").name
    check = expanded(extracted(MASTER), CHECK_PURPOSE)
    assert name == hashlib.sha256(check).hexdigest()[:32]
    assert os.fsencode(name) not in MASTER.hex().encode()
