"""The agent as ssh-add sees it: keys of every kind come, are listed, sign, expire, are locked away and go."""

import subprocess
import time

import pytest

from coldframe.keys.agent.identities import STORED_REMARK
from tests.keys.agent.conftest import KINDS, public


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_comes_signs_and_goes(agent, key_files, kind):
    path = key_files[kind]
    assert agent.ssh_add(path).returncode == 0
    listed = agent.ssh_add("-l").stdout
    assert f"my {kind}" in listed
    assert (STORED_REMARK in listed) == (kind != "rsa")
    assert public(path).read_text().split()[1] in agent.ssh_add("-L").stdout
    assert agent.ssh_add("-T", public(path)).returncode == 0
    assert agent.ssh_add("-d", path).returncode == 0
    assert agent.ssh_add("-l").stdout == "The agent has no identities.\n"
    assert agent.ssh_add("-T", public(path)).returncode != 0


def test_the_key_is_in_the_kernel_and_gone_from_it_when_removed(agent, key_files):
    agent.ssh_add(key_files["rsa"], key_files["ed25519"])
    kinds = {key.kind for key in agent.service.kernel.keys.values() if not key.gone}
    assert {"asymmetric", "user"} <= kinds
    assert agent.ssh_add("-D").returncode == 0
    left = [key for key in agent.service.kernel.keys.values() if key.kind != "keyring" and not key.gone]
    assert left == []


def test_the_same_key_twice_is_one(agent, key_files):
    for _ in range(2):
        assert agent.ssh_add(key_files["rsa"]).returncode == 0
    assert agent.ssh_add("-l").stdout.count("\n") == 1
    living = [key for key in agent.service.kernel.keys.values() if key.kind == "asymmetric" and not key.gone]
    assert len(living) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_lifetime(agent, key_files, kind):
    assert agent.ssh_add("-t", "60", key_files[kind]).returncode == 0
    assert "my" in agent.ssh_add("-l").stdout
    agent.clock.now += 61
    assert agent.ssh_add("-l").stdout == "The agent has no identities.\n"
    assert agent.ssh_add("-T", public(key_files[kind])).returncode != 0


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_key_is_taken_out_of_the_kernel_after_its_lifetime(agent, key_files, kind):
    """The clock of the fake kernel stands: it is the agent that unlinks the key, which nobody asks for any more."""
    assert agent.ssh_add("-t", "100", key_files["ecdsa"]).returncode == 0
    assert agent.ssh_add("-t", "1", key_files[kind]).returncode == 0
    # The agent's own keyring keeps the key with the longer time.
    deadline = time.monotonic() + 60
    while len(agent.ring.serials()) != 1:
        assert time.monotonic() < deadline, agent.ring.serials()
        time.sleep(0.02)
    listed = agent.ssh_add("-l").stdout
    assert "my ecdsa" in listed
    assert f"my {kind}" not in listed


def test_each_use_is_confirmed(agent, key_files):
    agent.ssh_add("-c", key_files["rsa"])
    assert agent.ssh_add("-T", public(key_files["rsa"])).returncode == 0
    assert agent.asked == ["Allow use of key my rsa?"]
    agent.answers = False
    assert agent.ssh_add("-T", public(key_files["rsa"])).returncode != 0
    assert len(agent.asked) == 2


def test_a_certificate_is_offered_beside_its_key(agent, key_files, tmp_path):
    for kind in KINDS:
        own = tmp_path / kind
        own.write_bytes(key_files[kind].read_bytes())
        own.chmod(0o600)
        public(own).write_bytes(public(key_files[kind]).read_bytes())
        sign = ["ssh-keygen", "-q", "-s", key_files["ca"], "-I", "id", "-n", "root", public(own)]
        subprocess.run(sign, check=True, timeout=60)
        added = agent.ssh_add(own)
        assert "Certificate added" in added.stderr, added.stderr
        assert agent.ssh_add("-T", tmp_path / f"{kind}-cert.pub").returncode == 0
    assert agent.ssh_add("-l").stdout.count("-CERT)") == len(KINDS)


def test_keys_that_were_in_the_session_before_are_offered_and_not_removed(agent, key_files):
    from coldframe.engines.keyring import SESSION
    from coldframe.keys.loading import load, loaded_here
    from coldframe.keys.rings import Keyring

    session = Keyring(SESSION, agent.service)
    load(key_files["rsa"], "loaded-before", session, convert=loaded_here(agent.service))
    assert "loaded-before" in agent.ssh_add("-l").stdout
    assert agent.ssh_add("-T", public(key_files["rsa"])).returncode == 0
    assert agent.ssh_add("-d", key_files["rsa"]).returncode != 0
    assert agent.ssh_add("-D").returncode == 0
    assert "loaded-before" in agent.ssh_add("-l").stdout


def test_a_key_that_somebody_revokes_is_no_longer_offered(agent, key_files):
    agent.ssh_add(key_files["rsa"])
    for serial, key in list(agent.service.kernel.keys.items()):
        if key.kind == "asymmetric":
            agent.service.revoke(serial)
    assert agent.ssh_add("-l").stdout == "The agent has no identities.\n"


def test_keys_that_cannot_be_taken_do_not_stop_the_next(agent, key_files, tmp_path):
    odd = tmp_path / "odd"
    make = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2047", "-N", "", "-f", odd]
    subprocess.run(make, check=True, timeout=60)
    done = agent.ssh_add(odd, key_files["ed25519"])
    assert "refused" in done.stderr
    assert agent.ssh_add("-l").stdout.count("\n") == 1
