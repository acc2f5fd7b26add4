"""What a backup of this server's data directory is made of."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from coldframe.core.backup import (
    BackupError,
    Consistent,
    Disturbed,
    Manifest,
    Tell,
    backup,
    copy_database,
    copy_tree,
    refuse_without_room,
    rows,
    unheard,
    verify,
)
from coldframe.core.config import Settings
from coldframe.core.database import SQLite
from coldframe.core.seal import Seal, SealBroken, load_master_key
from coldframe.core.sealed_master import NAME
from coldframe.core.store import Store
from coldframe.engines.logstore import backup as log_store
from coldframe.engines.metricstore import backup as metric_store
from coldframe.engines.objectstore import backup as object_store
from coldframe.services.rds.sealed_trees import private_key
from coldframe.services.rds.staged_copies import HOME, encrypted_in, staged_copies
from coldframe.services.rds.whole_copies import WholeCopiesOfDatabases, absent
from coldframe.services.rds.whole_copies import check as check_databases
from coldframe.services.s3.records import UploadedPart, Version

_FILES = ("master.key", NAME, "root-credentials.json", "tls", "topics/signing.key", "topics/signing.pem")
_DATABASES = ("queues/messages.sqlite3", "topics/outbox.sqlite3", "streams/records.sqlite3")
# Made again by whoever needs it, or of processes that are none of the copy's.
_LEFT_OUT = ("cache", "databases/endpoints", f"databases/{HOME}")
# Never changed once they are there, so that a copy on the same disk takes no room.
_LINKED = ("logs/segments", "objects", "databases/snapshots", "databases/archive")


def back_up(data_dir: Path, destination: Path, tell: Tell = unheard, *, store_url: str = "") -> None:
    """Copy a data directory that a server may be using, telling how far it is; raises BackupError."""
    if not (data_dir / "master.key").exists() and not (data_dir / NAME).exists():
        raise BackupError(f"{data_dir} is no data directory: it has no master.key")
    settings = Settings(data_dir=data_dir, store_url=store_url)
    store = Store.open(settings.database_url, exclusive=False)
    try:
        contributions = [*map(copy_tree, _FILES), *map(copy_database, _DATABASES)]
        contributions += [_copy_logs, _copy_query_results, _copy_metrics]
        with staged_copies(data_dir / "databases", served=_served(store)) as staged:
            databases = WholeCopiesOfDatabases(store, settings, staged, tell)
            refuse_without_room(destination, _room(data_dir, destination))
            _refuse_without_room_to_stage(data_dir)
            together: list[Consistent] = [_Objects(store, data_dir, destination), databases]
            backup(store, data_dir, destination, contributions, time.time(), tell, consistent=together)
    finally:
        store.close()


def check(directory: Path, tell: Tell = unheard) -> tuple[Manifest, list[str]]:
    """Check a backup: every file by its digest, every database by what its engine can see; raises BackupError.

    Returns its manifest, and the databases and snapshots whose data it does not have (services/rds/whole_copies.py).
    """
    manifest = verify(directory, tell)
    settings = Settings(data_dir=directory.absolute())
    check_databases(_records(directory), directory.absolute(), settings.cache, tell, _opener(directory))
    return manifest, absent(_records(directory), directory)


def _served(store: Store) -> bool:
    return isinstance(store.database, SQLite) and store.database.served()


def _opener(directory: Path) -> X25519PrivateKey | None:
    """Return what opens the sealed files of a backup, None where its master key is itself under a passphrase."""
    path = directory / "master.key"
    try:
        return private_key(Seal(load_master_key(path))) if path.exists() else None
    except (PermissionError, SealBroken) as error:
        raise BackupError(str(error)) from error


def _room(data_dir: Path, destination: Path) -> int:
    """Return about how many bytes a copy takes."""
    there = next(path for path in (destination, *destination.parents) if path.exists())
    linked = _LINKED if there.stat().st_dev == data_dir.stat().st_dev else ()
    left = {data_dir / name for name in (*_LEFT_OUT, *linked)}
    # What is encrypted is no link in the copy, but sealed.
    return _size(data_dir, left) + sum(
        _size(path) for name in linked for path in encrypted_in(data_dir / name)
    )


def _refuse_without_room_to_stage(data_dir: Path) -> None:
    """Refuse when the disk of the databases has no room for one more copy of those that are encrypted; raises BackupError."""
    room = sum(_size(path) for path in encrypted_in(data_dir / "databases"))
    free = shutil.disk_usage(data_dir).free
    if room > free:
        raise BackupError(
            f"encrypted databases are copied beside where they lie before they are sealed, which takes about {room / 1e9:.2f} GB,"
            f" and {data_dir} has {free / 1e9:.2f} GB left: make room there"
        )


def _size(folder: Path, left: AbstractSet[Path] = frozenset()) -> int:
    """Return the bytes that the files of a folder take, without those in the folders `left` out."""
    total = 0
    for inside, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(inside, name) not in left]
        for name in files:
            # What is gone by now takes none.
            with contextlib.suppress(FileNotFoundError):
                total += Path(inside, name).lstat().st_blocks * 512
    return total


def _records(directory: Path) -> Path:
    return Path(Settings(data_dir=directory.absolute()).database_url.removeprefix("sqlite:///"))


def _copy_query_results(data_dir: Path, destination: Path) -> None:
    """Copy the results of queries that are kept; one that is thrown away meanwhile is nobody's loss."""
    source = data_dir / "logs-queries"
    for path in sorted(source.iterdir()) if source.exists() else ():
        (destination / source.name).mkdir(mode=0o700, exist_ok=True)
        try:
            shutil.copy2(path, destination / source.name / path.name)
        except FileNotFoundError:
            (destination / source.name / path.name).unlink(missing_ok=True)


def _copy_logs(data_dir: Path, destination: Path) -> None:
    if not (data_dir / "logs").exists():
        return
    try:
        log_store.copy(data_dir / "logs", destination / "logs")
    except log_store.BackupFailed as error:
        raise BackupError(str(error)) from error


class _Objects:
    """The objects that the copied records name: those that are there now are copied before the records, so that whoever
    deletes one meanwhile takes it from nobody.
    """

    def __init__(self, store: Store, data_dir: Path, destination: Path) -> None:
        self._store, self._source, self._target = store, data_dir / "objects", destination / "objects"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Copy what the running store names."""
        if self._source.exists():
            with self._store.read() as transaction:
                records = transaction.records("", "")
                versions = [row for _, _, row in records.everywhere(Version)]
                parts = [row for _, _, row in records.everywhere(UploadedPart)]
            object_store.copy(self._source, self._target, _blobs(versions, parts))
        yield

    def copy(self, records: Path, destination: Path) -> None:
        """Copy what came between the two; raises Disturbed where it has gone again."""
        named = _blobs(rows(records, Version), rows(records, UploadedPart))
        gone = object_store.copy(self._source, self._target, named) if self._source.exists() else 0
        if gone:
            raise Disturbed(f"{gone} objects were deleted or replaced as soon as they were there")

    def finish(self, records: Path, destination: Path) -> None:
        """Throw away what was deleted before the records were copied."""
        object_store.keep(self._target, _blobs(rows(records, Version), rows(records, UploadedPart)))


def _blobs(versions: list[Version], parts: list[UploadedPart]) -> set[str]:
    return {blob for row in versions for blob, _ in row.blobs} | {part.blob for part in parts}


def _copy_metrics(data_dir: Path, destination: Path) -> None:
    if (data_dir / "metrics").exists():
        metric_store.copy(data_dir / "metrics", destination / "metrics")
