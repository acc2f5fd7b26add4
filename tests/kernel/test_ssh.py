"""Unchanged ssh, scp, sftp, rsync and git with keys that only the kernel has; and a changed ssh without any agent."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe import keys
from coldframe.engines.keyring import SESSION, Kernel
from coldframe.keys import pseudo_key
from tests.engines.keyring.contract import pkcs8
from tests.kernel.conftest import key_files, read_key
from tests.kernel.memory_scan import scan
from tests.kernel.ssh import COLDFRAME, Server, agent, did, said, sshd

_STRANGER = ("setpriv", "--reuid=1234", "--regid=1234", "--clear-groups")
# The agent without its guard: it reads the key that ssh-add sends by itself.
_CARELESS = """
import sys
from functools import partial
from pathlib import Path
from coldframe.engines.keyring import Kernel
from coldframe.keys import loading
from coldframe.keys.agent import running
running.load = partial(loading.load, convert=loading.loaded_here(Kernel()))
running.serve(Path(sys.argv[1]))
"""


class Agent(NamedTuple):
    """A running agent, what its clients need to know, and the person at its screen: an answer, and what was asked."""

    running: subprocess.Popen[bytes]
    known: dict[str, str]
    answer: Path
    asked: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server to log in to."""
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """An agent for all of these tests: to start one takes the machine many seconds."""
    folder = tmp_path_factory.mktemp("agent")
    answer, asked, program = (folder / name for name in ("answer", "asked", "askpass"))
    program.write_text(
        f'#!/bin/sh\necho "$SSH_ASKPASS_PROMPT: $1" >>{asked}\ncat {answer}\n', encoding="ascii"
    )
    program.chmod(0o755)
    words = [COLDFRAME, "keys", "agent", "-D", "-a"]
    with agent(folder, words, SSH_ASKPASS=str(program)) as (running, known):
        yield Agent(running, known, answer, asked)


@pytest.fixture(scope="module")
def copy(key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key as ssh-add takes it, and its public key beside it."""
    path = tmp_path_factory.mktemp("key") / "id_rsa"
    shutil.copy(key_file, path)
    path.chmod(0o600)
    path.with_suffix(".pub").write_text(did(["ssh-keygen", "-y", "-f", path]), encoding="ascii")
    return path


def private_keys() -> set[int]:
    """Return the serials of all private keys that this machine's kernel has, expired and dying ones too."""
    return {entry.serial for entry in Kernel().entries() if entry.type == "asymmetric"}


def until_gone(before: set[int]) -> None:
    """Wait until the kernel has no other private keys than before; it keeps expired ones for five minutes by itself."""
    deadline = time.monotonic() + 120
    while left := private_keys() - before:
        assert time.monotonic() < deadline, f"the kernel still has {left}"
        time.sleep(0.1)


def test_each_use_is_confirmed_where_ssh_add_says_so(started: Agent, copy: Path) -> None:
    did(["ssh-add", "-c", copy], **started.known)
    for answer, code in (("yes\n", 0), ("no\n", 1)):
        started.answer.write_text(answer, encoding="ascii")
        done = said(["ssh-add", "-T", copy.with_suffix(".pub")], **started.known)
        assert done.returncode == code, done
    question = f"confirm: Allow use of key {copy}?\n"
    assert started.asked.read_text(encoding="ascii") == question * 2
    did(["ssh-add", "-D"], **started.known)


def test_a_key_leaves_the_kernel_when_its_time_is_over(started: Agent, copy: Path) -> None:
    before = private_keys()
    did(["ssh-add", "-t", "2", copy], **started.known)
    until_gone(before)
    done = said(["ssh-add", "-T", copy.with_suffix(".pub")], **started.known)
    assert done.returncode != 0
    assert "no identities" in said(["ssh-add", "-l"], **started.known).stdout


def test_what_people_do_with_an_agent(
    server: Server, started: Agent, copy: Path, private_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    server.authorized.write_text(copy.with_suffix(".pub").read_text(encoding="ascii"), encoding="ascii")
    known = started.known
    did(["ssh-add", copy], **known)
    copy.rename(tmp_path / "away")
    public = did(["ssh-add", "-L"], **known)
    done = server.ssh("-o", "PubkeyAcceptedAlgorithms=rsa-sha2-256", **known)
    assert done.stdout == "logged in\n", done.stderr
    # The others sign as ssh does by itself, with SHA-512.
    sent = tmp_path / "sent"
    sent.write_text("a file\n", encoding="ascii")
    did(["scp", *server.options, sent, f"root@127.0.0.1:{tmp_path}/by-scp"], **known)
    batch = tmp_path / "batch"
    batch.write_text(f"put {sent} {tmp_path}/by-sftp\n", encoding="ascii")
    did(["sftp", *server.options, "-b", batch, "root@127.0.0.1"], **known)
    shell = " ".join(["ssh", *server.options])
    did(["rsync", "-e", shell, sent, f"root@127.0.0.1:{tmp_path}/by-rsync"], **known)
    for way in ("scp", "sftp", "rsync"):
        assert (tmp_path / f"by-{way}").read_text(encoding="ascii") == "a file\n"
    _git(server, tmp_path, public, shell, known)
    (tmp_path / "away").rename(copy)
    assert server.accepted() >= 5
    # After all of that, the agent holds nothing of the private key, and the search can see what it does hold.
    found = scan(started.running.pid, private_key)
    assert found.private == []
    assert found.public > 0


def test_a_key_for_one_user_of_one_host(server: Server, started: Agent, copy: Path) -> None:
    server.authorized.write_text(copy.with_suffix(".pub").read_text(encoding="ascii"), encoding="ascii")
    hosts = server.folder / "hosts"
    hosts.write_text(
        f"127.0.0.1 {(server.folder / 'host.pub').read_text(encoding='ascii')}", encoding="ascii"
    )
    for user, code in (("root", 0), ("jane", 255)):
        did(["ssh-add", "-D"], **started.known)
        did(["ssh-add", "-H", hosts, "-h", f"{user}@127.0.0.1", copy], **started.known)
        done = server.ssh(**started.known)
        assert done.returncode == code, done


def test_an_agent_that_reads_the_key_by_itself_is_found(
    session: Kernel, copy: Path, private_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    """The mutant: without the process of its own the same agent leaks, and the search says so."""
    other = read_key(next(path for path in key_files() if path.name.startswith("rsa1024")))
    session.add_key("asymmetric", "of the session", pkcs8(other), SESSION)
    with agent(tmp_path, [sys.executable, "-c", _CARELESS]) as (running, known):
        did(["ssh-add", copy], **known)
        assert scan(running.pid, private_key).private != []
        # Beside what was added, an agent offers what the session that it was started in has.
        listed = did(["ssh-add", "-l"], **known)
        assert f"{copy} (RSA)" in listed
        assert "of the session (RSA)" in listed


def test_another_user_gets_nothing_and_the_keys_end_with_the_agent(
    server: Server, started: Agent, copy: Path
) -> None:
    path = Path(started.known["SSH_AUTH_SOCK"])
    assert path.stat().st_mode & 0o777 == 0o600
    did(["ssh-add", "-D"], **started.known)
    before = private_keys()
    did(["ssh-add", copy], **started.known)
    assert len(private_keys() - before) == 1
    # Let in through every folder, and by the socket itself, he is still turned away.
    for each in [path, *path.parents]:
        each.chmod(each.stat().st_mode | 0o007)
    done = said([*_STRANGER, "ssh-add", "-l"], **started.known)
    # ssh-add reads the end of the connection, or writes into it first and is ended by the signal.
    turned_away = done.returncode == 1 and "communication with agent failed" in done.stderr
    assert turned_away or done.returncode == -signal.SIGPIPE, done
    assert done.stdout == ""
    started.running.kill()
    started.running.wait(60)
    until_gone(before)
    gone = server.ssh(**started.known)
    assert gone.returncode == 255
    assert "Permission denied" in gone.stderr


def _git(server: Server, folder: Path, public: str, shell: str, known: dict[str, str]) -> None:
    """Push over ssh, and sign a commit with the key."""
    origin, work, signer, allowed = (folder / name for name in ("origin", "work", "signer.pub", "allowed"))
    signer.write_text(public, encoding="ascii")
    allowed.write_text(f"jane@example.com {public}", encoding="ascii")
    config = folder / "gitconfig"
    config.write_text(
        "[user]\nname = Jane\nemail = jane@example.com\n"
        f'signingkey = {signer}\n[gpg]\nformat = ssh\n[gpg "ssh"]\nallowedSignersFile = {allowed}\n'
        "[init]\ndefaultBranch = main\n[safe]\ndirectory = *\n",
        encoding="ascii",
    )
    environment = {**known, "GIT_CONFIG_GLOBAL": str(config), "GIT_SSH_COMMAND": shell}
    did(["git", "init", "-q", "--bare", origin], **environment)
    did(["git", "init", "-q", work], **environment)
    (work / "file").write_text("content\n", encoding="ascii")
    did(["git", "add", "file"], work, **environment)
    did(["git", "commit", "-q", "-S", "-m", "signed"], work, **environment)
    did(["git", "push", "-q", f"root@127.0.0.1:{origin}", "HEAD"], work, **environment)
    checked = said(["git", "verify-commit", "HEAD"], work, **environment)
    assert 'Good "git" signature for jane@example.com' in checked.stderr, checked.stderr
    head = did(["git", "rev-parse", "HEAD"], work, **environment)
    assert head == did(["git", "--git-dir", origin, "rev-parse", "main"], **environment)


def test_a_changed_ssh_needs_no_agent(
    session: Kernel, server: Server, key_file: Path, tmp_path: Path
) -> None:
    loaded = keys.load(key_file, "myssh")
    server.authorized.write_text(loaded.public + "\n", encoding="ascii")
    pseudo = tmp_path / "id_keyring"
    pseudo_key.save(pseudo_key.PseudoKey("myssh", loaded.public, "me"), pseudo)
    program = Path(os.environ["COLDFRAME_PATCHED_SSH"]) / "ssh"
    only = ("-i", pseudo, "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes")
    for algorithm in ("rsa-sha2-256", "rsa-sha2-512"):
        done = server.ssh(*only, "-o", f"PubkeyAcceptedAlgorithms={algorithm}", program=program)
        assert done.stdout == "logged in\n", done.stderr
    # An unchanged ssh cannot use the file; without the key in a keyring a changed one says what is missing.
    assert server.ssh(*only).returncode == 255
    session.clear(SESSION)
    without = server.ssh(*only, program=program)
    assert without.returncode == 255
    assert 'no key "myssh" in the keyrings of this process: Required key not available' in without.stderr
