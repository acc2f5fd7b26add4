"""An agent of the test's own over a fake kernel, and keys of every kind as files."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldframe.engines.keyring import SESSION
from coldframe.engines.keyring.fake import FakeKernel, FakeProcess
from coldframe.keys.agent.agent import Agent
from coldframe.keys.agent.door import Door
from coldframe.keys.agent.expiry import Expiry
from coldframe.keys.agent.identities import Identities
from coldframe.keys.agent.stored import sign
from coldframe.keys.loading import OpenFile, load, loaded_here
from coldframe.keys.rings import Keyring

KINDS = {"rsa": ("-b", "2048"), "ed25519": (), "ecdsa": ("-b", "384")}


class Time:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Running:
    """An agent that answers on `path`; `answers` is what the person at its screen says."""

    def __init__(self, folder: Path) -> None:
        self.clock = Time()
        self.service: FakeProcess = FakeKernel(clock=self.clock).process()
        self.service.join_session()
        self.ring = Keyring(SESSION, self.service).add_keyring("coldframe:agent")
        self.asked: list[str] = []
        self.answers = True
        identities = Identities(self.service, self.service.keyring_id(SESSION))
        self.agent = Agent(
            identities,
            self._load,
            lambda serial, data: sign(self.service, serial, data),
            self._confirm,
            Expiry(self.service, self.ring.serial),
        )
        self.path = folder / "run" / "socket"
        self.door = Door(self.agent, self.path)
        self._thread = threading.Thread(target=self.door.serve)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self.door.close()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def ssh_add(self, *words: object, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run the real ssh-add against it."""
        return subprocess.run(
            ["ssh-add", *map(str, words)],
            env={"SSH_AUTH_SOCK": str(self.path), "PATH": "/usr/bin:/bin"},
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _load(self, arriving: OpenFile):
        name = f"coldframe:agent:{len(self.service.kernel.keys)}"
        return load(arriving, name, self.ring, stored=True, convert=loaded_here(self.service))

    def _confirm(self, question: str) -> bool:
        self.asked.append(question)
        return self.answers


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Running]:
    """A running agent."""
    running = Running(tmp_path)
    yield running
    running.close()


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A private key file of each kind, and `ca`, with their public ones beside them."""
    folder = tmp_path_factory.mktemp("ssh-keys")
    found = {}
    for kind, options in KINDS.items():
        found[kind] = make_key(folder / kind, kind, *options)
    found["ca"] = make_key(folder / "ca", "ed25519")
    return found


def make_key(path: Path, kind: str, *options: str) -> Path:
    """Make a key with ssh-keygen."""
    command = ["ssh-keygen", "-q", "-t", kind, *options, "-N", "", "-C", f"my {kind}", "-f", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def public(path: Path) -> Path:
    """The file of the public key beside a private one."""
    return path.with_name(path.name + ".pub")
