"""A consistent copy of a running server's data directory; restoring is copying it back."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from coldframe.core.database import SQLite
from coldframe.core.store import Store, StoreError

MANIFEST = "backup.json"
# Hears what is being done, and how much of it is done of how much.
Tell = Callable[[str, int, int], None]
# Copies what belongs to one part from the data directory into the (existing, empty) backup directory.
Contribution = Callable[[Path, Path], None]


def unheard(text: str, done: int, total: int) -> None:
    """Hear a report that nobody asked for."""


class BackupError(Exception):
    """The backup cannot be made, or is not what was made."""


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
) -> None:
    """Copy the store, then what each part contributes, to a new directory; writing goes on meanwhile.

    The store is copied first, so that every file it speaks of is there when the parts copy theirs.
    Raises BackupError, and leaves nothing behind then.
    """
    database = store.database
    if not isinstance(database, SQLite):
        raise BackupError(
            "the store is in PostgreSQL: back it up with pg_dump, or by archiving its write-ahead log"
        )
    if destination.exists() and any(destination.iterdir()):
        raise BackupError(f"{destination} is not empty")
    if destination.resolve().is_relative_to(data_directory.resolve()):
        raise BackupError(f"{destination} lies within {data_directory}, of which it is to be a copy")
    destination.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        tell("copying the records", 0, len(contributions) + 1)
        _copy_database(database.path, destination / database.path.relative_to(data_directory.absolute()))
        for number, contribute in enumerate(contributions, 1):
            tell("copying what the engines keep", number, len(contributions) + 1)
            contribute(data_directory, destination)
        manifest = Manifest(made_at=made_at, sha256=_digests(destination, tell))
        _write(destination / MANIFEST, msgspec.json.encode(manifest))
    except BackupError:
        shutil.rmtree(destination, ignore_errors=True)
        raise
    except (OSError, sqlite3.Error, StoreError) as error:
        shutil.rmtree(destination, ignore_errors=True)
        raise BackupError(f"the backup to {destination} failed: {error}") from error


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
        manifest = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise BackupError(f"{directory} is no whole backup: {error}") from error
    found = _digests(directory, tell)
    for name in sorted(found.keys() | manifest.sha256.keys()):
        if name not in found:
            raise BackupError(f"{name} is missing from {directory}")
        if name not in manifest.sha256:
            raise BackupError(f"{name} in {directory} is no part of the backup")
        if found[name] != manifest.sha256[name]:
            raise BackupError(f"{name} in {directory} has changed since the backup was made")
    return manifest


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
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path != directory / MANIFEST]
    digests = {}
    for number, path in enumerate(files):
        tell("reading the copy", number, len(files))
        with path.open("rb") as content:
            digests[str(path.relative_to(directory))] = hashlib.file_digest(content, "sha256").hexdigest()
    return digests


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
