"""Unchanged ssh, scp, sftp, rsync and git with keys that only the kernel has; and a changed ssh without any agent."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from coldframe import keys
from coldframe.engines.keyring import SESSION, Kernel
from coldframe.keys import pseudo_key
from tests.kernel.memory_scan import scan

COLDFRAME = Path(sys.executable).with_name("coldframe")


class Server:
    """A real sshd of this machine on the loopback address, and what its clients say to reach it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / "log"
        self.authorized = folder / "authorized_keys"
        self.options = [
            "-F", "none", "-o", f"Port={self.port}", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={folder / 'known_hosts'}", "-o", "ConnectTimeout=60",
        ]  # fmt: skip

    def ssh(
        self, *words: object, program: Path | str = "ssh", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ssh (or another program) against it."""
        return said([program, *self.options, *words, "root@127.0.0.1", "echo", "logged in"], **environment)

    def accepted(self) -> int:
        """How many log-ins with a public key there were."""
        return self.log.read_text(encoding="utf-8").count("Accepted publickey")


def said(
    words: list[Any], folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    variables = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", **environment}
    return subprocess.run(
        [str(word) for word in words],
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def did(words: list[Any], folder: Path | None = None, **environment: str) -> str:
    """Run a program that must end well, and return what it printed."""
    done = said(words, folder, **environment)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An sshd; this machine's disk is thrown away, so that packages are simply unpacked over it."""
    for package in sorted(Path(os.environ["COLDFRAME_SSH_PACKAGES"]).glob("*.deb")):
        did(["dpkg-deb", "-x", package, "/"])
    if "sshd" not in {user.pw_name for user in pwd.getpwall()}:
        with Path("/etc/passwd").open("a", encoding="ascii") as users:
            users.write("sshd:x:987:65534::/run/sshd:/usr/sbin/nologin\n")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    running = Server(tmp_path_factory.mktemp("sshd"))
    host_key = running.folder / "host"
    did(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key])
    config = running.folder / "config"
    config.write_text(
        f"Port {running.port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {running.authorized}\nPidFile none\nPasswordAuthentication no\nUseDNS no\n"
        f"PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nLogLevel VERBOSE\nLoginGraceTime 300\n",
        encoding="ascii",
    )
    # In a folder that everybody may enter: sshd reads the file as the user who logs in.
    running.folder.chmod(0o755)
    with running.log.open("w") as log:
        serving = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", config], stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        until(lambda: connects(running.port), "sshd does not answer", running.log)
        yield running
    finally:
        serving.terminate()
        serving.wait(60)


def until(condition: Any, otherwise: str, log: Path) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, f"{otherwise}: {log.read_text(encoding='utf-8')}"
        time.sleep(0.1)


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def agent(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """Run `coldframe keys agent` as a person would, and give the process and what its clients need to know."""
    path, log = folder / "agent.socket", folder / "agent.log"
    with log.open("w") as output:
        running = subprocess.Popen(
            [COLDFRAME, "keys", "agent", "-D", "-a", path],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        until(path.exists, "the agent does not answer", log)
        yield running, {"SSH_AUTH_SOCK": str(path)}
    finally:
        running.terminate()
        running.wait(60)


def test_what_people_do_with_an_agent(
    kernel: Kernel, server: Server, key_file: Path, private_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    copy = tmp_path / "id_rsa"
    shutil.copy(key_file, copy)
    copy.chmod(0o600)
    server.authorized.write_text(did(["ssh-keygen", "-y", "-f", copy]), encoding="ascii")
    with agent(tmp_path) as (running, known):
        added = did(["ssh-add", copy], **known)
        assert added == ""
        copy.unlink()
        public = did(["ssh-add", "-L"], **known)
        for algorithm in ("rsa-sha2-256", "rsa-sha2-512"):
            done = server.ssh("-o", f"PubkeyAcceptedAlgorithms={algorithm}", **known)
            assert done.stdout == "logged in\n", done.stderr
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
        # After all of that, the agent holds nothing of the private key, and the search can see what it does hold.
        found = scan(running.pid, private_key)
        assert found.private == []
        assert found.public > 0
        assert server.accepted() >= 6
    gone = server.ssh(SSH_AUTH_SOCK=known["SSH_AUTH_SOCK"])
    assert gone.returncode == 255
    assert "Permission denied" in gone.stderr
    assert [entry for entry in kernel.entries() if entry.type == "asymmetric"] == []


def _git(server: Server, folder: Path, public: str, shell: str, known: dict[str, str]) -> None:
    """Push over ssh, and sign a commit with the key."""
    origin, work, signer, allowed = (folder / name for name in ("origin", "work", "signer.pub", "allowed"))
    signer.write_text(public, encoding="ascii")
    allowed.write_text(f"jane@example.com {public}", encoding="ascii")
    settings = {
        "user.name": "Jane", "user.email": "jane@example.com", "gpg.format": "ssh", "user.signingkey": str(signer),
        "gpg.ssh.allowedSignersFile": str(allowed), "init.defaultBranch": "main", "safe.directory": "*",
    }  # fmt: skip
    config = folder / "gitconfig"
    for name, value in settings.items():
        did(["git", "config", "--file", config, name, value])
    environment = {**known, "GIT_CONFIG_GLOBAL": str(config), "GIT_SSH_COMMAND": shell}
    did(["git", "init", "-q", "--bare", origin], **environment)
    did(["git", "clone", "-q", f"root@127.0.0.1:{origin}", work], **environment)
    (work / "file").write_text("content\n", encoding="ascii")
    did(["git", "add", "file"], work, **environment)
    did(["git", "commit", "-q", "-S", "-m", "signed"], work, **environment)
    did(["git", "push", "-q", "origin", "HEAD"], work, **environment)
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
