"""The part of stop 3 with ssh: an unchanged ssh logs in with a key that only the kernel has, until its agent is killed."""

import getpass
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coldframe.cli.tour.guide import Guide
from coldframe.core import process
from coldframe.keys import Kernel

_LONGEST = 30.0
_SERVER = ("sshd", Path("/usr/sbin"), Path("/sbin"))


def walk(guide: Guide, kernel: Kernel, file: Path) -> None:
    """Tell it with the private key of a file, of which a copy is made; leaves it out where there is no sshd."""
    with guide.step("ssh logs in with a key that only the kernel has, through an agent"):
        program = process.find(*_SERVER)
        if program is None:
            guide.say(
                "left out: this machine has no sshd to log in to; to see it: apt-get install openssh-server"
            )
            return
        with (
            tempfile.TemporaryDirectory(prefix="coldframe-tour-") as name,
            _served(program, Path(name)) as login,
        ):
            _log_in(guide, kernel, file, Path(name), login)


def _log_in(guide: Guide, kernel: Kernel, file: Path, folder: Path, login: list[str | Path]) -> None:
    address, copy = folder / "agent", folder / "id_rsa"
    environment = {**os.environ, "SSH_AUTH_SOCK": str(address)}
    shutil.copy(file, copy)
    shutil.copy(file.with_suffix(".pub"), folder / "authorized_keys")
    before = _private(kernel)
    agent: list[str | Path] = [
        Path(sys.executable).with_name("coldframe"),
        "keys",
        "agent",
        "-D",
        "-a",
        address,
    ]
    guide.command('eval "$(coldframe keys agent)"')
    with process.alongside(agent) as running:
        assert running.stdout is not None
        running.stdout.readline()  # where it listens, once it does
        guide.command(f"ssh-add {copy} && rm {copy}")
        process.run(["ssh-add", "-q", copy], environment=environment)
        copy.unlink()
        guide.expect(len(_private(kernel) - before) == 1, "the key that ssh-add sent is in the kernel")
        guide.command(f"ssh {getpass.getuser()}@127.0.0.1 echo logged in")
        done = process.run(login, environment=environment, check=False)
        guide.expect(
            done.stdout == "logged in\n", f"logged in, by an ssh that knows nothing of it{_why(done.stderr)}"
        )
        guide.command(f"kill -9 {running.pid}")
        running.kill()
        running.wait()
        begun = time.perf_counter()
        while _private(kernel) - before and time.perf_counter() - begun < _LONGEST:
            guide.pause(0.01)
        guide.expect(
            not _private(kernel) - before,
            f"the agent is killed, and its key gone from the kernel {time.perf_counter() - begun:.2f} s later",
        )
    done = process.run(login, environment=environment, check=False)
    guide.expect(done.returncode == 255, "ssh does not log in any more: Permission denied")


@contextmanager
def _served(program: Path, folder: Path) -> Iterator[list[str | Path]]:
    """Run an sshd of this user's own on the loopback address; gives the words of an ssh that logs in to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host = folder / "host"
    process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host])
    config = folder / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {folder}/authorized_keys\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\n",
        encoding="utf-8",
    )
    # Only a system that has started sshd has this folder, and root's sshd wants it.
    confined = Path("/run/sshd")
    made = os.geteuid() == 0 and not confined.exists()
    if made:
        confined.mkdir(mode=0o755)
    options = {
        "Port": port,
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": folder / "known_hosts",
        "BatchMode": "yes",
        "ControlPath": "none",
        "IdentityFile": "none",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    try:
        with process.alongside([program, "-D", "-e", "-f", config]) as running:
            assert running.stdout is not None
            running.stdout.readline()  # where it listens
            yield ["ssh", "-F", "none", *words, f"{getpass.getuser()}@127.0.0.1", "echo", "logged", "in"]
    finally:
        if made:
            confined.rmdir()


def _private(kernel: Kernel) -> set[int]:
    return {entry.serial for entry in kernel.entries() if entry.type == "asymmetric"}


def _why(complaint: str) -> str:
    last = complaint.strip().splitlines()[-1:]
    return f" ({last[0]})" if last and "known hosts" not in last[0] else ""
