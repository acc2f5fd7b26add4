"""A real sshd in the machine, real clients of it, and `coldframe keys agent` as a person would start it."""

import contextlib
import os
import pwd
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from coldframe.engines.machine.ssh_server import USER

COLDFRAME = Path(sys.executable).with_name("coldframe")
# Enough for a program on an emulated processor that others use as well.
SECONDS = 200


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
            # The cheapest: every instruction of it is emulated, on both sides.
            "-o", "KexAlgorithms=curve25519-sha256", "-o", "Ciphers=aes128-gcm@openssh.com",
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
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def did(words: list[Any], folder: Path | None = None, **environment: str) -> str:
    """Run a program that must end well, and return what it printed."""
    done = said(words, folder, **environment)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def install() -> None:
    """Bring sshd and what it needs here; this machine's disk is thrown away, so that files are unpacked over it."""
    if Path("/usr/sbin/sshd").exists() and Path("/run/sshd").exists():
        return
    # Where a link leads to a folder, as /lib does, the files go there.
    did(["tar", "-C", "/", "--keep-directory-symlink", "-xf", os.environ["COLDFRAME_SSH_FILES"]])
    if "sshd" not in {user.pw_name for user in pwd.getpwall()}:
        with Path("/etc/passwd").open("a", encoding="ascii") as users:
            users.write(f"{USER}\n")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


@contextlib.contextmanager
def sshd(folder: Path) -> Iterator[Server]:
    """Run an sshd."""
    install()
    running = Server(folder)
    host_key, config = folder / "host", folder / "config"
    did(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key])
    config.write_text(
        f"Port {running.port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {running.authorized}\nPidFile none\nPasswordAuthentication no\nUseDNS no\n"
        f"PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nLogLevel VERBOSE\nLoginGraceTime 300\n",
        encoding="ascii",
    )
    with running.log.open("w") as log:
        serving = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", config], stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        until(
            lambda: connects(("127.0.0.1", running.port)),
            f"sshd does not answer: {config}",
            serving,
            running.log,
        )
        yield running
    finally:
        serving.terminate()
        serving.wait(60)


@contextlib.contextmanager
def agent(
    folder: Path, words: list[Any], **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """Run an agent that listens on the path after these words; give the process, and what its clients need to know."""
    path, log = folder / "agent.socket", folder / "agent.log"
    with log.open("w") as output:
        running = subprocess.Popen(
            [*map(str, words), str(path)],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
    try:
        until(lambda: connects(path), "the agent does not answer", running, log)
        yield running, {"SSH_AUTH_SOCK": str(path)}
    finally:
        running.terminate()
        running.wait(60)


def until(condition: Callable[[], bool], otherwise: str, running: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for something that a running program does."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        ended = running.poll() is not None or time.monotonic() > deadline
        assert not ended, f"{otherwise}: {log.read_text(encoding='utf-8')}"
        time.sleep(0.1)


def connects(address: Path | tuple[str, int]) -> bool:
    """Tell whether somebody listens on a path, or on a host's port."""
    family, at = (socket.AF_UNIX, str(address)) if isinstance(address, Path) else (socket.AF_INET, address)
    with socket.socket(family) as probe:
        return probe.connect_ex(at) == 0
