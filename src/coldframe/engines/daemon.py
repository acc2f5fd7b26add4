"""A process that outlives us: started, found again by id and birth, stopped; a file beside it says that it should run."""

import errno
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from coldframe.core import durable, process
from coldframe.core.process import Account
from coldframe.core.struct_types import whole

# How often a process that shall end is looked at, in seconds.
_LOOK = 0.01
# A process that was killed and is still there after so many seconds waits for a disk.
_KILLED = 5.0


class StillRuns(Exception):
    """A process did not end in the time that it had."""


class _Record(msgspec.Struct):
    pid: int
    birth: str


def start(
    arguments: Sequence[str | Path],
    record: Path,
    *,
    folder: Path,
    output: Path,
    environment: Mapping[str, str],
    account: Account,
    given: bytes = b"",
) -> int:
    """Start a process and write down that it runs; returns its id.

    The words of the program that `find` looks for should be among `arguments`, in case we end before it is written.
    """
    pid = process.start(
        arguments, environment=environment, folder=folder, output=output, account=account, given=given
    )
    _write(record, pid)
    return pid


def adopt(record: Path, pid: int) -> None:
    """Write down a process that runs already."""
    _write(record, pid)


def running(record: Path) -> int | None:
    """Return the id of the process that was started, if it still runs and is the same."""
    known = _read(record)
    return known.pid if known is not None and process.birth(known.pid) == known.birth else None


def state(record: Path) -> Literal["stopped", "running", "crashed"]:
    """Tell whether it runs, was stopped, or ended by itself."""
    known = _read(record)
    if known is None:
        return "stopped"
    return "running" if process.birth(known.pid) == known.birth else "crashed"


def stop(record: Path, *, with_signal: signal.Signals = signal.SIGTERM, patience: float = 60) -> None:
    """End the process and return when it runs no more; raises StillRuns when it still did after `patience` seconds."""
    known = _read(record)
    if known is None:
        return
    waited = 0.0
    never = threading.Event()
    process.send(known.pid, known.birth, with_signal)
    while process.birth(known.pid) == known.birth:
        if waited > _KILLED and process.condition(known.pid) == "K":
            # It waits for a disk that does not answer, and will not run again when that does.
            break
        if waited >= patience:
            raise StillRuns(f"process {known.pid} did not end within {patience:g} s of {with_signal.name}")
        never.wait(_LOOK)
        waited += _LOOK
    record.unlink(missing_ok=True)


def _read(record: Path) -> _Record | None:
    try:
        return msgspec.json.decode(record.read_bytes(), type=whole(_Record))
    except OSError as problem:
        # Without the key of encrypted storage nothing of it can be read, and nothing of it runs.
        if problem.errno in {errno.ENOENT, errno.ENOKEY}:
            return None
        raise


def _write(record: Path, pid: int) -> None:
    born = process.birth(pid)
    # A process that is gone already has no birth; the record then says that it ended by itself.
    durable.write(record, msgspec.json.encode(_Record(pid, born or "")))
