"""The agent's protocol: signatures that verify, none with SHA-1, locking, extensions, and clients that misbehave."""

import contextlib
import os
import random
import subprocess
import sys

import pytest

from coldframe.keys.agent.bindings import verified
from coldframe.keys.agent.messages import LONGEST, Ask, Reader, Tell
from coldframe.keys.agent.public_lines import blob_in
from coldframe.keys.wire import string
from tests.keys.agent.conftest import KINDS, public
from tests.keys.agent.speaking import speaking

SHA256, SHA512 = 2, 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flags", [SHA256, SHA512])
def test_signatures_verify(agent, key_files, kind, flags):
    agent.ssh_add(key_files[kind])
    blob = blob_in(public(key_files[kind]).read_bytes())
    with speaking(agent.path) as client:
        signature = client.sign(blob, b"data", flags)
    assert verified(blob, b"data", signature)
    assert not verified(blob, b"other data", signature)
    if kind == "rsa":
        assert Reader(signature).string() == {SHA256: b"rsa-sha2-256", SHA512: b"rsa-sha2-512"}[flags]


def test_no_signature_with_sha1_is_ever_made(agent, key_files):
    agent.ssh_add(key_files["rsa"])
    blob = blob_in(public(key_files["rsa"]).read_bytes())
    with speaking(agent.path) as client:
        signature = client.sign(blob, b"data", 0)
    assert Reader(signature).string() == b"rsa-sha2-256"
    assert verified(blob, b"data", signature)


def test_a_locked_agent_shows_and_does_nothing_until_the_password_comes(agent, key_files):
    agent.ssh_add(key_files["rsa"])
    blob = blob_in(public(key_files["rsa"]).read_bytes())
    with speaking(agent.path) as client:
        assert client.say(Ask.LOCK, string(b"open sesame"))[0] == Tell.SUCCESS
        assert client.say(Ask.LOCK, string(b"again"))[0] == Tell.FAILURE
        assert client.blobs() == []
        assert client.sign(blob, b"data") is None
        assert client.say(Ask.REMOVE_ALL)[0] == Tell.FAILURE
        assert agent.ssh_add(key_files["ed25519"]).returncode != 0
        assert client.say(Ask.UNLOCK, string(b"wrong"))[0] == Tell.FAILURE
        assert client.blobs() == []
        assert client.say(Ask.UNLOCK, string(b"open sesame"))[0] == Tell.SUCCESS
        assert client.say(Ask.UNLOCK, string(b"open sesame"))[0] == Tell.FAILURE
        assert client.blobs() == [blob]


def test_extensions(agent):
    with speaking(agent.path) as client:
        answer = client.say(Ask.EXTENSION, string(b"query"))
        assert answer[0] == Tell.EXTENSION
        reader = Reader(answer[1:])
        assert [reader.string(), reader.string(), reader.string()] == [
            b"query",
            b"query",
            b"session-bind@openssh.com",
        ]
        assert client.say(Ask.EXTENSION, string(b"unheard@of"))[0] == Tell.EXTENSION_FAILURE
        assert client.say(200, b"whatever")[0] == Tell.FAILURE


def test_only_its_owner_may_enter(agent):
    mode = agent.path.stat().st_mode & 0o777
    assert mode == 0o600
    assert agent.path.parent.stat().st_mode & 0o777 == 0o700
    if os.geteuid() != 0:
        return
    # Another user is turned away even where the folder and the socket let them in.
    agent.path.chmod(0o666)
    folder = agent.path.parent
    while folder != folder.parent:
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
        folder = folder.parent
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        "s.connect(sys.argv[1]); s.sendall(bytes([0, 0, 0, 1, 11])); s.settimeout(20); print(len(s.recv(1)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(agent.path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    turned_away = done.stdout == "0\n" or "ConnectionResetError" in done.stderr or "BrokenPipe" in done.stderr
    assert turned_away, done


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\0",
        (LONGEST + 1).to_bytes(4, "big") + b"\x0b",
        b"\xff" * 64,
        b"\0\0\0\x05\x0d\0\0\0\x09",
        b"\0\0\0\x01\x11",
        b"\0\0\0\x09\x11\0\0\0\x07ssh",
    ],
)
def test_nonsense_does_not_stop_others(agent, key_files, sent):
    agent.ssh_add(key_files["ed25519"])
    with speaking(agent.path) as client, speaking(agent.path) as other:
        client.send(sent)
        client.socket.shutdown(1)
        assert other.blobs() != []
        # Closed, or reset where it had sent more than was read.
        with contextlib.suppress(ConnectionResetError):
            while client.socket.recv(4096):
                continue
    assert agent.ssh_add("-l").returncode == 0


def test_mutated_messages(agent, key_files):
    agent.ssh_add(key_files["rsa"])
    blob = blob_in(public(key_files["rsa"]).read_bytes())
    whole = string(blob) + string(b"data") + bytes(4)
    chance = random.Random(7)
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        number = chance.choice([Ask.SIGN, Ask.REMOVE, Ask.LOCK + 100, Ask.EXTENSION, Ask.IDENTITIES])
        with speaking(agent.path) as client:
            assert client.say(number, bytes(content[: chance.randrange(len(content) + 1)]))
    assert agent.ssh_add("-l").returncode in {0, 1}


def test_a_client_that_stays_silent_holds_nobody_up(agent, key_files):
    agent.ssh_add(key_files["ed25519"])
    with speaking(agent.path) as silent:
        silent.send(b"\0\0")
        assert agent.ssh_add("-T", public(key_files["ed25519"])).returncode == 0


def test_a_second_agent_does_not_take_the_socket_of_a_living_one(agent, tmp_path):
    from coldframe.keys.agent.door import Door, SocketTaken

    with pytest.raises(SocketTaken, match="in use"):
        Door(agent.agent, agent.path)
    assert agent.ssh_add("-l").returncode == 1
