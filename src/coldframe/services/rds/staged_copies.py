"""Where copies of encrypted folders lie until a backup has them sealed: beside the databases, encrypted under the same keys."""

import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from coldframe.core import durable, process
from coldframe.core.backup import BackupError
from coldframe.core.struct_types import whole
from coldframe.engines.encrypted_folders import EncryptedFolderError, key_of, unlocked
from coldframe.engines.encrypted_folders.alike import make_alike
from coldframe.services.rds import sealed_trees
from coldframe.services.rds.sealed_trees import TreeBroken

# The folder, below that of the databases, in which every backup has one of its own while it runs.
HOME = "staged"
# In that: a backup wants what is encrypted to be open; a server has opened it, and could not for these reasons.
WANTED, ANSWERED = "wanted", "answered"
_COPIES = "copies"
_HOURS, _PATIENCE, _MOMENT, _LOOK = 12 * 3600.0, 120.0, 10.0, 0.05


class Answer(msgspec.Struct):
    """What a server says that has opened what is encrypted: why KMS did not give some keys, by their names; what failed."""

    closed: dict[str, str] = {}
    failed: str = ""


class StagedCopies:
    """The copies of one backup; `root` is the folder of the databases, and a copy is called as its place below that is."""

    def __init__(self, root: Path, folder: Path, closed: Mapping[str, str], *, served: bool) -> None:
        self._root, self._folder, self._closed, self._served = root, folder, closed, served
        self._names: list[str] = []

    def closed(self, name: str) -> bool:
        """Tell whether KMS does not give the key of an encrypted folder: then nobody can have what is in it."""
        return key_of(self._root / name) in self._closed

    def empty(self) -> None:
        """Throw away what is there."""
        for path in self._folder.iterdir():
            durable.remove_tree(path)
        self._names = []

    def begin(self, name: str) -> Path:
        """Make the empty folder of a copy, encrypted as the original is; raises BackupError."""
        place = self.at(name)
        if self._served:
            # One that was made since the backup began is opened a moment later.
            _wait(lambda: _is_open(self._root / name), _MOMENT)
        try:
            make_alike(place, self._root / name)
        except EncryptedFolderError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise BackupError(f"{error}{hint}") from error
        self._names.append(name)
        return place

    def link(self, name: str) -> None:
        """Copy a folder whose files never change, by links; raises BackupError."""
        place, source = self.begin(name), self._root / name
        try:
            process.run(["cp", "-al", f"{source}/.", place], timeout=_HOURS)
        except process.ProgramFailed as error:
            raise BackupError(f"{source} could not be copied: {error}") from error

    def at(self, name: str) -> Path:
        """Return where a copy lies."""
        return self._folder / name

    def has(self, name: str) -> bool:
        """Tell whether a copy is here."""
        return name in self._names

    @property
    def names(self) -> list[str]:
        """What is here."""
        return list(self._names)

    def seal(self, name: str, destination: Path) -> None:
        """Write a copy to a sealed file below `destination`, and remove it here; raises BackupError, OSError."""
        file = sealed_trees.sealed_file(destination / name)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            public, place = sealed_trees.public_key(self._root), sealed_trees.place_of(name)
            sealed_trees.seal_tree(self.at(name), file, public, place, under=key_of(self.at(name)) or "")
        except TreeBroken as error:
            raise BackupError(str(error)) from error
        durable.remove_tree(self.at(name))
        self._names.remove(name)


@contextmanager
def staged_copies(root: Path, *, served: bool) -> Iterator[StagedCopies]:
    """Give a folder of its own for the copies of one backup, and remove it afterwards; what a killed backup left goes first.

    A server that runs (`served`) opens what is encrypted meanwhile (open_for_backups.py). Raises BackupError.
    """
    home = root / HOME
    durable.make_folder(home)
    whole = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Nobody looks for what was left between the making of a folder and its lock.
        fcntl.flock(whole, fcntl.LOCK_EX)
        for left in home.iterdir():
            if not in_use(left):
                durable.remove_tree(left)
        folder = Path(tempfile.mkdtemp(dir=home))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        os.close(whole)
    try:
        (folder / _COPIES).mkdir(mode=0o700)
        closed = _opened_by_server(folder) if served and _any(root) else {}
        yield StagedCopies(root, folder / _COPIES, closed, served=served)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def in_use(folder: Path) -> bool:
    """Tell whether the backup that made a folder of copies still runs."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def encrypted(folder: Path) -> bool:
    """Tell whether a folder is there and encrypted."""
    try:
        return key_of(folder) is not None
    except FileNotFoundError:
        return False


def encrypted_in(folder: Path) -> list[Path]:
    """Return what is encrypted of what lies in a folder, if it is there."""
    return (
        [path for path in sorted(folder.iterdir()) if path.is_dir() and encrypted(path)]
        if folder.exists()
        else []
    )


def _is_open(folder: Path) -> bool:
    name = key_of(folder)
    return name is None or unlocked(folder, name)


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition for so long; returns what it is in the end."""
    deadline, never = time.monotonic() + seconds, threading.Event()
    while not (found := condition()) and time.monotonic() < deadline:
        never.wait(_LOOK)
    return found


def _any(root: Path) -> bool:
    return any(encrypted_in(root / below) for below in ("", "snapshots", "archive"))


def _opened_by_server(folder: Path) -> dict[str, str]:
    """Have the server open what is encrypted; returns why it could not, by the names of keys. Raises BackupError."""
    durable.write(folder / WANTED, b"")
    if not _wait((folder / ANSWERED).exists, _PATIENCE):
        raise BackupError(
            "the server did not open the encrypted databases in time: see its log, and try again"
        )
    answer = msgspec.json.decode((folder / ANSWERED).read_bytes(), type=whole(Answer))
    if answer.failed:
        raise BackupError(f"the server could not open what is encrypted: {answer.failed}")
    return answer.closed
