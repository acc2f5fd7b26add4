"""The systemd user unit of the documentation, run by a real `systemd --user`: one agent for every login of a user."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coldframe.engines.keyring import USER, Kernel
from tests.engines.keyring.contract import pkcs8
from tests.kernel.conftest import key_files, read_key
from tests.kernel.ssh import COLDFRAME, SECONDS, connects, did, said
from tests.kernel.test_ssh import private_keys, until_gone
from tests.keys.agent.test_start_files import snippet

MANAGER = Path("/lib/systemd/systemd")


def wait_for(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Wait for something that the user manager does."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.2)


@pytest.fixture
def user(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A user who has coldframe and its unit at home, as `systemctl --user` and ssh-add know them, and the user's manager."""
    home = tmp_path / "home"
    units, programs = home / ".config" / "systemd" / "user", home / ".local" / "bin"
    for folder in (units, programs):
        folder.mkdir(parents=True)
    (programs / "coldframe").symlink_to(COLDFRAME)
    (units / "coldframe-agent.service").write_text(snippet("[Unit]", "ini"), encoding="utf-8")
    # What a machine that systemd has booted has; this one was not.
    Path("/run/systemd/system").mkdir(parents=True, exist_ok=True)
    group = Path("/sys/fs/cgroup")
    if not (group / "cgroup.procs").exists():
        did(["mount", "-t", "cgroup2", "cgroup2", group])
    own = group / "user-manager"
    own.mkdir(exist_ok=True)
    runtime = Path("/run/user/0")
    runtime.mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    # The machine's files are a chroot of its first ones, where systemctl would do nothing, and succeed.
    known = {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_IGNORE_CHROOT": "1"}
    with (tmp_path / "manager.log").open("w") as log:
        manager = subprocess.Popen(
            [MANAGER, "--user", "--log-target=console"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], **known},
            preexec_fn=lambda: (own / "cgroup.procs").write_text("0", encoding="ascii") and None,
        )
    try:
        wait_for(
            lambda: connects(runtime / "systemd" / "private"),
            lambda: (tmp_path / "manager.log").read_text(encoding="utf-8"),
        )
        yield known
    finally:
        manager.send_signal(signal.SIGRTMIN + 24)  # exit.target, in a hurry
        try:
            manager.wait(SECONDS)
        finally:
            manager.kill()


def test_the_unit(user: dict[str, str], key_file: Path, tmp_path: Path) -> None:
    checked = said(["systemd-analyze", "--user", "verify", "coldframe-agent.service"], **user)
    assert "coldframe-agent" not in checked.stdout + checked.stderr, checked
    # A key in the user's keyring, which a unit with another KeyringMode= would not see.
    kernel = Kernel()
    other = read_key(next(path for path in key_files() if path.name.startswith("rsa1024")))
    kernel.clear(USER)
    kernel.add_key("asymmetric", "of the user", pkcs8(other), USER)
    before = private_keys()
    done = said(["systemctl", "--user", "enable", "--now", "coldframe-agent"], **user)
    assert done.returncode == 0, done
    assert (
        Path(user["HOME"]) / ".config/systemd/user/default.target.wants/coldframe-agent.service"
    ).is_symlink()
    path = Path(user["XDG_RUNTIME_DIR"]) / "coldframe" / "agent"

    def told() -> str:
        status = said(["systemctl", "--user", "status", "--no-pager", "coldframe-agent"], **user)
        return status.stdout + (tmp_path / "manager.log").read_text(encoding="utf-8")

    wait_for(lambda: connects(path), told)
    line = snippet('export SSH_AUTH_SOCK="$XDG', "sh").strip()
    shell = f"set -e; {line}; ssh-add -q $KEY; ssh-add -l"
    copy = tmp_path / "id_rsa"
    shutil.copy(key_file, copy)
    copy.chmod(0o600)
    listed = did(["sh", "-c", shell], **user, KEY=str(copy))
    assert f"{copy} (RSA)" in listed
    assert "of the user (RSA)" in listed
    assert len(private_keys() - before) == 1
    # It ends when the user's manager or the user says so, and what was added to it ends with it.
    did(["systemctl", "--user", "stop", "coldframe-agent"], **user)
    wait_for(lambda: not connects(path), told)
    until_gone(before)
    did(["systemctl", "--user", "start", "coldframe-agent"], **user)
    wait_for(lambda: connects(path), told)
    kernel.clear(USER)
