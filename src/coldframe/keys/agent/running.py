"""The agent as a process: beside a shell, on a terminal, or around a program, with keyrings of its own."""

import logging
import os
import secrets
import signal
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

from coldframe.core import process
from coldframe.engines.keyring import PROCESS, SESSION, Kernel, KeyringError, KeyService
from coldframe.keys.agent.agent import Agent
from coldframe.keys.agent.confirming import ask_on_screen
from coldframe.keys.agent.door import Door
from coldframe.keys.agent.expiry import Expiry
from coldframe.keys.agent.identities import Identities
from coldframe.keys.agent.stored import in_child
from coldframe.keys.loading import Loaded, OpenFile, load
from coldframe.keys.lockdown import lock_down
from coldframe.keys.rings import Keyring

LOG = logging.getLogger("coldframe.keys.agent")


class NoSuchAgent(Exception):
    """No agent runs under this process id."""


def default_path() -> Path:
    """Return a path for a new socket: in the user's runtime folder, else in a new folder that others cannot enter."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "coldframe" / f"agent.{os.getpid()}"
    return Path(tempfile.mkdtemp(prefix="coldframe-agent-")) / f"agent.{os.getpid()}"


def serve(path: Path, ready: Callable[[], None] = lambda: None) -> int:
    """Serve in this process until SIGINT, SIGTERM or SIGHUP; the keys that were added end with it."""
    logging.basicConfig(level=logging.WARNING, format="coldframe keys agent: %(message)s")
    lock_down()
    service = Kernel()
    door = Door(_agent(service), path)

    def stop(number: int, frame: FrameType | None) -> None:
        door.close()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    thread = threading.Thread(target=door.serve, name="agent-door")
    thread.start()
    ready()
    thread.join()
    return 0


def start(path: Path) -> int:
    """Start an agent that outlives this process; returns its process id once it answers. Raises ChildProcessError."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.setsid()
        _detach(writing)
        code = 1
        try:
            code = serve(path, partial(_say_ready, writing))
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as waiting:
        if waiting.read(1) != b"+":
            os.waitpid(pid, 0)
            raise ChildProcessError(f"the agent did not start; run it with -D to see why ({path})")
    return pid


def with_program(path: Path, words: list[str]) -> int:
    """Run a program with an agent around it, and return the program's exit code."""
    pid = start(path)
    try:
        environment = {**os.environ, "SSH_AUTH_SOCK": str(path), "SSH_AGENT_PID": str(pid)}
        return process.run_attached(words, environment=environment)
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def end(pid: str) -> int:
    """End the agent of this process id and return it; raises NoSuchAgent."""
    if not pid.isdecimal():
        raise NoSuchAgent("SSH_AGENT_PID names no agent: it is not set, or no number")
    try:
        os.kill(int(pid), signal.SIGTERM)
    except (ProcessLookupError, PermissionError) as error:
        raise NoSuchAgent(f"no agent of yours runs under process id {pid}") from error
    return int(pid)


def _agent(service: KeyService) -> Agent:
    """Make an agent with a session keyring of its own, from which the keys of the session it was started in are seen."""
    before = service.keyring_id(SESSION)
    try:
        # Who joins another session no longer possesses what only the old one led to, unless this keyring leads to it.
        service.link(before, PROCESS)
        service.join_session(None)
        service.link(before, SESSION)
        service.unlink(before, PROCESS)
    except KeyringError as refusal:
        service.join_session(None)
        LOG.warning("the keys of the session are not offered: %s", refusal)
    ring = Keyring(SESSION, service).add_keyring("coldframe:agent")
    identities, expiry = Identities(service, service.keyring_id(SESSION)), Expiry(service, ring.serial)
    return Agent(identities, partial(_load, ring), in_child, ask_on_screen, expiry)


def _load(ring: Keyring, arriving: OpenFile) -> Loaded:
    return load(arriving, f"coldframe:agent:{secrets.token_hex(8)}", ring, stored=True)


def _say_ready(writing: int) -> None:
    os.write(writing, b"+")
    os.close(writing)


def _detach(kept: int) -> None:
    """Let go of the terminal, and of everything that the shell had open."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names, not paths
        number = int(name)
        if number > 2 and number != kept:
            try:
                os.close(number)
            except OSError:
                continue  # the descriptor of the listing itself
