"""The lines that the documentation gives for a shell's start file do what it says, in the shells that are here."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[3] / "docs" / "keys.md"
SHELLS = [name for name in ("sh", "bash", "dash", "zsh") if shutil.which(name)]


def snippet(beginning: str, language: str) -> str:
    """Return the block of code in the document that begins so."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.S | re.M)
    (found,) = [block for block in blocks if block.startswith(beginning)]
    return found


@pytest.fixture
def home():
    """A home directory with a path short enough for a socket, and without .ssh; agents that were started there end."""
    folder = Path("/tmp") / f"coldframe-home-{os.getpid()}"
    folder.mkdir(mode=0o700)
    yield folder
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in command.read_bytes():
                os.kill(int(command.parent.name), signal.SIGTERM)
    shutil.rmtree(folder)


@pytest.mark.parametrize("shell", SHELLS)
def test_one_agent_for_all_logins_without_systemd(home, shell):
    start = home / "start"
    start.write_text(snippet('export SSH_AUTH_SOCK="$HOME/.ssh/agent"', "sh"), encoding="utf-8")
    environment = {"HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = f'. {start}; echo "socket $SSH_AUTH_SOCK"; ssh-add -l; echo "ends with $?"'

    def login():
        return subprocess.run(
            [shell, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
        )

    def agents():
        found = []
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = command.read_bytes().split(b"\0")
                if str(home / ".ssh" / "agent").encode() in words and b"agent" in words:
                    found.append(command.parent.name)
        return found

    first = login()
    told = f"socket {home}/.ssh/agent\nThe agent has no identities.\nends with 1\n"
    assert first.stdout == told, first
    assert first.stderr == ""
    running = agents()
    assert len(running) == 1
    # The second login finds the agent of the first, and says nothing either.
    second = login()
    assert (second.stdout, second.stderr) == (told, "")
    assert agents() == running
