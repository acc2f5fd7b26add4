"""What goes wrong in the midst of a switchover: planned from a seed, before anything runs, and brought about at a step."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from coldframe.engines import switchover
from coldframe.engines.database import DatabaseError
from coldframe.engines.endpoint import EndpointFailed
from coldframe.engines.switchover import Switchover
from tests.engines.databases import switchover_job
from tests.engines.databases.kits import MASTER, until

# The job's own process, a database, the endpoint, a disk without room, a copy that is too late.
KINDS = ("server", "blue", "green", "endpoint", "blue's disk", "green's disk", "timeout")
_LONGEST_DELAY = 0.02
_PATIENCE = 300
_TROUBLE = (DatabaseError, EndpointFailed, OSError)


@dataclass(frozen=True)
class Mishap:
    """One mishap: it happens `delay` seconds after the job has come to a step and before it takes it."""

    round: int
    kind: str
    step: str
    delay: float

    def __str__(self) -> str:
        return f"{self.kind} at {self.step} after {self.delay * 1000:.1f} ms"


def planned(seed: int, rounds: int, *, disks: bool) -> dict[int, Mishap]:
    """Return the mishap of every second round; the same for the same seed, whatever happens then."""
    chance, found = random.Random(seed), {}
    for number in range(2, rounds + 1, 2):
        kind, step = chance.choice(KINDS), chance.choice(switchover_job.STEPS)
        delay = chance.uniform(0, _LONGEST_DELAY)
        if kind.endswith("disk") and not disks:
            kind = kind.removesuffix("'s disk")
        if kind == "timeout":
            # It must fall behind while it still can: before the source is fenced.
            step = "hold"
        found[number] = Mishap(number, kind, step, delay)
    return found


class Disk:
    """A file system of an instance's own, in memory, that can be filled to its last byte."""

    def __init__(self, folder: Path, size: str = "600m") -> None:
        self.folder, self.ballast = folder, folder / "ballast"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder], check=True)

    def fill(self) -> None:
        """Leave no room."""
        with self.ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self) -> None:
        """Give the room back."""
        self.ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", self.folder], check=False)


def switch(kit, change: Switchover, journal: Path, mishap: Mishap, disks: dict[str, Disk]) -> bool:
    """Switch over with a mishap, put right what it left, and return whether the copy is the primary now."""
    if mishap.kind == "server":
        told = journal.with_suffix(".json")
        told.write_bytes(switchover_job.written(change))
        command = [sys.executable, "-m", "tests.engines.databases.switchover_job", kit.name]
        subprocess.run([*command, told, journal, mishap.step], check=False, capture_output=True)
    else:
        with contextlib.suppress(*_TROUBLE):
            _run(kit, change, journal, mishap, disks)
            return True
    return _recovered(change, journal, disks)


def _run(kit, change: Switchover, journal: Path, mishap: Mishap, disks: dict[str, Disk]) -> None:
    position = ""
    with contextlib.ExitStack() as stack:
        for step in switchover_job.STEPS:
            if step == mishap.step:
                time.sleep(mishap.delay)
                if mishap.kind == "timeout":
                    _keep_from_applying(kit, change, stack)
                else:
                    _act(change, mishap.kind, disks)
            if step == "fence":
                position = switchover.fence(change)
            elif step == "catch_up":
                switchover.catch_up(change, position, patience=0.2 if mishap.kind == "timeout" else 30.0)
            elif step == "COMMIT":
                switchover_job.commit(journal, position)
            elif step == "reassert":
                switchover.reassert(change, position)
            else:
                getattr(switchover, step)(change)


def _keep_from_applying(kit, change: Switchover, stack: contextlib.ExitStack) -> None:
    """Keep the copy from applying until it is behind, and from then on."""
    session = stack.enter_context(
        contextlib.closing(kit.session(change.engine.reattach(change.green).socket, MASTER))
    )
    cursor = stack.enter_context(session.cursor())
    cursor.execute(kit.apply_nothing)
    until(lambda: change.engine.copies.following(change.blue, change.green).behind, what="it falls behind")


def _act(change: Switchover, kind: str, disks: dict[str, Disk]) -> None:
    if kind == "endpoint":
        found = change.endpoints.status(change.endpoint)
        if found is not None:
            os.kill(found.pid, signal.SIGKILL)
    elif kind.endswith("disk"):
        disks[kind.removesuffix("'s disk")].fill()
    else:
        running = change.engine.reattach(change.blue if kind == "blue" else change.green)
        if running is not None:
            os.kill(running.pid, signal.SIGKILL)


def _recovered(change: Switchover, journal: Path, disks: dict[str, Disk]) -> bool:
    """Recover until it succeeds, as the job does; an operator makes room once it has failed."""
    began = time.monotonic()
    while True:
        try:
            return switchover_job.recover(change, journal)
        except _TROUBLE:
            if time.monotonic() - began > _PATIENCE:
                raise
            for disk in disks.values():
                disk.free()
            time.sleep(0.2)


def told(mishap: Mishap | None) -> dict[str, object]:
    """Return a mishap for a report."""
    return asdict(mishap) if mishap is not None else {}
