"""A switchover in a process of its own, which can be killed after any of its steps; its journal is one synced file.

Run: python -m tests.engines.databases.switchover_job ENGINE CHANGE JOURNAL [LAST_STEP].
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from coldframe.engines import switchover
from coldframe.engines.database import InstanceSpec
from coldframe.engines.endpoint import EndpointSpec
from coldframe.engines.switchover import Switchover
from tests.engines.databases.kits import KITS, Kit

STEPS = ("arm", "hold", "fence", "catch_up", "COMMIT", "reassert", "promote", "writable", "release")


class Change(msgspec.Struct):
    """What the process is told."""

    endpoint: EndpointSpec
    blue: InstanceSpec
    green: InstanceSpec


def _decoded(kind: type, value: Any) -> Any:
    return kind(value) if kind is Path else value


def written(change: Switchover) -> bytes:
    """Write down who takes part."""
    told = Change(change.endpoint, change.blue, change.green)
    return msgspec.json.encode(told, enc_hook=str)


def read(kit: Kit, told: bytes) -> Switchover:
    """Read who takes part."""
    change = msgspec.json.decode(told, type=Change, dec_hook=_decoded)
    return Switchover(kit.engine, kit.endpoints, change.endpoint, change.blue, change.green, deadline=120)


def run(change: Switchover, journal: Path, last: str = "") -> dict[str, float]:
    """Take all steps and return how many seconds each took; the process kills itself after the one that is named `last`."""
    position, took = "", {}
    for step in STEPS:
        began = time.monotonic()
        if step == "fence":
            position = switchover.fence(change)
        elif step == "catch_up":
            switchover.catch_up(change, position, patience=30)
        elif step == "COMMIT":
            commit(journal, position)
        elif step == "reassert":
            switchover.reassert(change, position)
        else:
            getattr(switchover, step)(change)
        took[step] = time.monotonic() - began
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)
    return took


def commit(journal: Path, position: str) -> None:
    """Write the decision down durably."""
    with journal.open("w") as file:
        file.write(position)
        file.flush()
        os.fsync(file.fileno())


def recover(change: Switchover, journal: Path) -> bool:
    """End what a process that died has left; returns whether the copy is the primary now."""
    if not journal.exists():
        switchover.roll_back(change)
        return False
    switchover.reassert(change, journal.read_text())
    switchover.promote(change)
    switchover.writable(change)
    switchover.release(change)
    return True


def main() -> None:
    """Run the job that the arguments describe."""
    kit = KITS[sys.argv[1]]()
    change = read(kit, Path(sys.argv[2]).read_bytes())
    run(change, Path(sys.argv[3]), *sys.argv[4:])


if __name__ == "__main__":
    main()
