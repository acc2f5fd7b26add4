"""Where an instance keeps what, and what is remembered of it between two runs of the server."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from coldframe.core import process
from coldframe.core.durable import sync_folder
from coldframe.core.struct_types import whole
from coldframe.engines.database import DatabaseError, InstanceSpec, Running
from coldframe.engines.postgresql import programs

# The last state that waited for the disk. What came after it did not: a power cut may leave nothing of that, or an empty file.
_DURABLE = "state.durable"
SOCKET_NAME = ".s.PGSQL.5432"
# The system's limit for the address of a unix socket, with its closing zero.
_LONGEST_SOCKET = 107

# open: everybody writes. soft: sessions begin read-only, as on a green database whose replication has to write.
# fenced: nobody but the administrator and replication comes in. sealed: in recovery without a source, so that
# nobody writes at all. standby: in recovery, following a source.
Mode = Literal["open", "soft", "fenced", "sealed", "standby"]


class Source(msgspec.Struct, frozen=True):
    """What an instance follows, and how; of a logical copy the timeline of the source, too, 0 where it is not known."""

    place: str
    kind: Literal["physical", "logical"]
    slot: str
    line: int = 0

    @property
    def folder(self) -> Path:
        """Return the source's folder."""
        return Path(self.place)


class State(msgspec.Struct):
    """What is remembered of an instance.

    `copying` says that it is not yet a whole copy of its source, and `pending` are statements for its first start.
    `at` is the folder in which it ran last, and
    `stands` is where users' transactions ended when they were fenced off; `left` are slots of followers that followed it
    to then and do no longer.
    """

    pid: int = 0
    birth: str = ""
    wanted: bool = False
    read_only: bool = False
    mode: Mode = "open"
    source: Source | None = None
    copying: bool = False
    stands: str = ""
    left: list[str] = []
    pending: list[str] = []
    at: str = ""


def data(spec: InstanceSpec) -> Path:
    """Return the data directory."""
    return spec.folder / "data"


def socket_folder(folder: Path) -> Path:
    """Return the folder of the socket, which the instance's user and ours alone may enter."""
    return folder / "s"


def socket(spec: InstanceSpec) -> Path:
    """Return the socket; raises DatabaseError when its path is longer than a socket's may be."""
    path = socket_folder(spec.folder) / SOCKET_NAME
    if len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise DatabaseError(
            f"the folder {spec.folder} is too deep for a socket in it",
            "keep the data in a folder with a shorter path",
        )
    return path


def logs(spec: InstanceSpec) -> Path:
    """Return the folder whose files users may read."""
    return spec.folder / "log"


def output(spec: InstanceSpec) -> Path:
    """Return the file that has what is said before the log is open."""
    return spec.folder / "start.log"


def state(spec: InstanceSpec) -> State:
    """Return what is remembered."""
    return read_state(spec.folder)


def remember(spec: InstanceSpec, known: State, *, durable: bool = True) -> None:
    """Keep what is remembered; what may not be forgotten when the machine fails, before anybody acts on it."""
    write_state(spec.folder, known, durable=durable)


def read_state(place: Path) -> State:
    """Return what is remembered of the instance in a folder."""
    try:
        known = msgspec.json.decode((place / "state.json").read_bytes(), type=whole(State))
    except OSError as problem:
        # Without the key of encrypted storage nothing of it can be read, and nothing of it runs.
        if problem.errno in {errno.ENOENT, errno.ENOKEY}:
            return State()
        raise
    except msgspec.DecodeError:
        # Written without waiting for the disk when the power failed.
        known = msgspec.json.decode((place / _DURABLE).read_bytes(), type=whole(State))
    if known.source is not None and known.source.folder.parent != place.parent:
        # The folder is a copy, or has moved: its source came along, and whoever is where it was is somebody else.
        beside = place.parent / known.source.folder.name
        if beside.exists():
            known.source = msgspec.structs.replace(known.source, place=str(beside))
    return known


def write_state(place: Path, known: State, *, durable: bool) -> None:
    """Keep what is remembered of the instance in a folder; nothing when the instance is gone."""
    if not place.exists():
        return
    kept = place / "state.json"
    fresh = kept.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(known))
        if durable:
            file.flush()
            os.fsync(file.fileno())
    if durable:
        linked = kept.with_suffix(".link")
        linked.unlink(missing_ok=True)
        linked.hardlink_to(fresh)
        linked.replace(place / _DURABLE)
    fresh.replace(kept)
    if durable:
        sync_folder(place)


def change(spec: InstanceSpec, edit: Callable[[State], None], *, durable: bool = True) -> State:
    """Change what is remembered; answers it."""
    known = state(spec)
    edit(known)
    remember(spec, known, durable=durable)
    return known


def running(spec: InstanceSpec, known: State | None = None) -> Running | None:
    """Return the process that was started last, if it still runs and is the same."""
    known = known or state(spec)
    if not known.pid or process.birth(known.pid) != known.birth:
        return None
    return Running(known.pid, socket(spec))


def prepare(spec: InstanceSpec) -> None:
    """Make the folders."""
    socket(spec)
    spec.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs(spec).mkdir(exist_ok=True)
    for folder in (socket_folder(spec.folder), logs(spec) / "error"):
        folder.mkdir(mode=0o700, exist_ok=True)
        programs.own(folder)
