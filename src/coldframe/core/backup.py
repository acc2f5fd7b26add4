"""A consistent copy of a running server's data directory; restoring is copying it back."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from coldframe.core import durable, process
from coldframe.core.database import SQLite
from coldframe.core.refusals import sentence
from coldframe.core.store import Store, StoreError
from coldframe.core.struct_types import whole
from coldframe.core.tables import BODY, Record

MANIFEST = "backup.json"
# Is there until a backup is whole, so that half of one looks like nothing else.
UNFINISHED = "backup.unfinished"
# What becomes of the manifest when a server is started on a backup, which is a data directory from then on.
IN_USE = "restored.json"
_ROUNDS = 4
_GB = 1e9
# Hears what is being done, and how much of it is done of how much.
Tell = Callable[[str, int, int], None]
# Copies what belongs to one part from the data directory into the (existing, empty) backup directory.
Contribution = Callable[[Path, Path], None]
R = TypeVar("R", bound=Record)


def unheard(text: str, done: int, total: int) -> None:
    """Hear a report that nobody asked for."""


class BackupError(Exception):
    """The backup cannot be made, or is not what was made."""


class Disturbed(Exception):
    """What is copied together had to be let go meanwhile: it is copied again."""


class Consistent(Protocol):
    """A part whose copy has to fit the copied records exactly; `records` is the copied database."""

    def held(self) -> AbstractContextManager[None]:
        """Let nothing that is copied change beyond what the records say, while they and it are copied."""

    def copy(self, records: Path, destination: Path) -> None:
        """Copy what the records name; raises BackupError, or Disturbed when all of it has to be done again."""

    def finish(self, records: Path, destination: Path) -> None:
        """Do what is left to do with the copy, for which nothing has to be held."""


class Manifest(msgspec.Struct):
    """What is in a backup: the digest of every file by its path."""

    made_at: float
    sha256: dict[str, str]


def backup(
    store: Store,
    data_directory: Path,
    destination: Path,
    contributions: Sequence[Contribution],
    made_at: float,
    tell: Tell = unheard,
    *,
    consistent: Sequence[Consistent] = (),
) -> None:
    """Copy the store, then what each part contributes, to a new directory; writing goes on meanwhile.

    The store is copied first, so that every file it speaks of is there when the parts copy theirs; it and the `consistent`
    parts are copied together. Raises BackupError, and leaves nothing behind then.
    """
    database = store.database
    if not isinstance(database, SQLite):
        raise BackupError(
            "the store is in PostgreSQL: back it up with pg_dump, or by archiving its write-ahead log"
        )
    _refuse(data_directory, destination)
    destination.mkdir(parents=True, exist_ok=True, mode=0o700)
    records = destination / database.path.relative_to(data_directory.absolute())
    try:
        durable.write(destination / UNFINISHED, b"")
        _copy_together(database.path, records, destination, consistent, tell)
        for number, contribute in enumerate(contributions, 1):
            tell("copying what the engines keep", number, len(contributions) + 1)
            contribute(data_directory, destination)
        for part in consistent:
            part.finish(records, destination)
        manifest = Manifest(made_at=made_at, sha256=_digests(destination, tell))
        # What others have written for us is on the disk before anything says that it is whole.
        durable.sync_tree(destination)
        durable.write(destination / MANIFEST, msgspec.json.encode(manifest))
        (destination / UNFINISHED).unlink()
        durable.sync_folder(destination)
        durable.sync_folder(destination.parent)
    except (OSError, sqlite3.Error, StoreError, process.ProgramFailed) as error:
        shutil.rmtree(destination, ignore_errors=True)
        raise BackupError(f"the backup to {destination} failed: {sentence(error)}") from error
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise


def refuse_without_room(destination: Path, room: int) -> None:
    """Refuse a destination whose disk has less than `room` bytes left; raises BackupError."""
    there = next(path for path in (destination, *destination.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if room > free:
        raise BackupError(
            f"the copy takes about {room / _GB:.2f} GB and {there} has {free / _GB:.2f} GB left: choose another disk"
        )


def refuse_unfinished(directory: Path) -> None:
    """Refuse to use what a backup that was ended in the midst has left; raises StoreError."""
    if (directory / UNFINISHED).exists():
        raise StoreError(
            f"{directory} is half of a backup that was ended in the midst: use another one, and delete this one"
        )


@contextmanager
def taken_into_use(directory: Path) -> Iterator[bool]:
    """Tell whether a data directory is a backup that no server has been started on; it is none when the block has ended."""
    first = (directory / MANIFEST).exists()
    yield first
    if first:
        (directory / MANIFEST).rename(directory / IN_USE)
        durable.sync_folder(directory)


def rows(records: Path, kind: type[R]) -> list[R]:
    """Return the rows of a class in a copied database, of all accounts and regions; it is read as it is."""
    about = kind.__record__
    # A store that opens it would leave a journal beside it.
    copied = sqlite3.connect(f"{records.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        if not copied.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (about.name,)).fetchone():
            return []
        found = copied.execute(f'SELECT "{about.table.c[BODY].name}" FROM "{about.name}"')  # noqa: S608 - our own names
        return [about.decode(body) for (body,) in found]
    finally:
        copied.close()


def linked_tree(source: Path, target: Path, *, link: bool = True) -> None:
    """Copy a folder with owners and modes, and link its files where the disk allows it, if they never change."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    ways = [["cp", "-al"]] if link and source.stat().st_dev == target.parent.stat().st_dev else []
    for way in (*ways, ["cp", "-a", "--reflink=auto"]):
        try:
            process.run([*way, source, target], timeout=12 * 3600)
        except process.ProgramFailed as error:
            shutil.rmtree(target, ignore_errors=True)
            failed = error
        else:
            return
    raise BackupError(f"{source} could not be copied: {failed}")


def copy_tree(name: str) -> Contribution:
    """A contribution that copies one file or directory of the data directory, if it is there."""

    def contribute(data_directory: Path, destination: Path) -> None:
        source = data_directory / name
        if source.is_dir():
            shutil.copytree(source, destination / name, symlinks=True)
        elif source.exists():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, destination / name)

    return contribute


def copy_database(name: str) -> Contribution:
    """A contribution that copies a SQLite file of the data directory, which may be in use, if it is there."""

    def contribute(data_directory: Path, destination: Path) -> None:
        if (data_directory / name).exists():
            _copy_database((data_directory / name).absolute(), destination / name)

    return contribute


def verify(directory: Path, tell: Tell = unheard) -> Manifest:
    """Check every file of a backup against its manifest, and the store's own structure; raises BackupError."""
    try:
        if (directory / IN_USE).exists():
            raise BackupError(
                f"a server was started on {directory}: it is a data directory since, and no backup"
            )
        manifest = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=whole(Manifest))
    except (OSError, msgspec.DecodeError) as error:
        raise BackupError(f"{directory} is no whole backup: {sentence(error)}") from error
    found = _digests(directory, tell)
    for name in sorted(found.keys() | manifest.sha256.keys()):
        if name not in found:
            raise BackupError(f"{name} is missing from {directory}")
        if name not in manifest.sha256:
            raise BackupError(f"{name} in {directory} is no part of the backup")
        if found[name] != manifest.sha256[name]:
            raise BackupError(f"{name} in {directory} has changed since the backup was made")
    return manifest


def _refuse(data_directory: Path, destination: Path) -> None:
    """Refuse a destination that cannot be used; what an earlier attempt left there, which was ended, is removed."""
    if destination.exists() and not destination.is_dir():
        raise BackupError(f"{destination} is no directory")
    if (destination / UNFINISHED).exists():
        for path in destination.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if destination.exists() and any(destination.iterdir()):
        raise BackupError(f"{destination} is not empty")
    if destination.resolve().is_relative_to(data_directory.resolve()):
        raise BackupError(f"{destination} lies within {data_directory}, of which it is to be a copy")


def _copy_together(
    source: Path, records: Path, destination: Path, parts: Sequence[Consistent], tell: Tell
) -> None:
    """Copy the database and the parts that have to fit it, again where they were disturbed."""
    for left in reversed(range(_ROUNDS)):
        try:
            with ExitStack() as stack:
                for part in parts:
                    stack.enter_context(part.held())
                tell("copying the records", 0, 0)
                _copy_database(source, records)
                for part in parts:
                    part.copy(records, destination)
        except Disturbed as problem:
            if not left:
                raise BackupError(f"it could not be copied in {_ROUNDS} attempts: {problem}") from problem
            for path in destination.iterdir():
                if path.name != UNFINISHED:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        else:
            return


def _copy_database(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    origin = sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=30)
    copy = sqlite3.connect(target)
    try:
        # In one go: in portions, every write of the running server would begin the copy again.
        origin.backup(copy)
        # A journal beside the copy could be forgotten when it is copied back.
        copy.execute("PRAGMA journal_mode=DELETE")
        (answer,) = copy.execute("PRAGMA integrity_check").fetchone()
        if answer != "ok":
            raise BackupError(f"the copy of {source} is damaged: {answer}")
    finally:
        copy.close()
        origin.close()
    with target.open("rb") as copied:
        os.fsync(copied.fileno())


def _digests(directory: Path, tell: Tell) -> dict[str, str]:
    apart = {directory / MANIFEST, directory / UNFINISHED}
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path not in apart]
    digests = {}
    for number, path in enumerate(files):
        tell("reading the copy", number, len(files))
        with path.open("rb") as content:
            digests[str(path.relative_to(directory))] = hashlib.file_digest(content, "sha256").hexdigest()
    return digests
