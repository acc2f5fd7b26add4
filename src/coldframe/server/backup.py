"""What a backup of this server's data directory is made of."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

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
from coldframe.core.sealed_master import NAME
from coldframe.core.store import Store
from coldframe.engines.logstore import backup as log_store
from coldframe.engines.metricstore import backup as metric_store
from coldframe.engines.objectstore import backup as object_store
from coldframe.services.rds.whole_copies import WholeCopiesOfDatabases, absent
from coldframe.services.rds.whole_copies import check as check_databases
from coldframe.services.s3.records import UploadedPart, Version

_FILES = ("master.key", NAME, "root-credentials.json", "tls", "topics/signing.key", "topics/signing.pem")
_DATABASES = ("queues/messages.sqlite3", "topics/outbox.sqlite3", "streams/records.sqlite3")
# Made again by whoever needs it, or of processes that are none of the copy's.
_LEFT_OUT = ("cache", "databases/endpoints")
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
        databases = WholeCopiesOfDatabases(store, settings, tell)
        refuse_without_room(destination, _room(data_dir, destination))
        together: list[Consistent] = [_Objects(store, data_dir, destination), databases]
        backup(store, data_dir, destination, contributions, time.time(), tell, consistent=together)
    finally:
        store.close()


def check(directory: Path, tell: Tell = unheard) -> tuple[Manifest, list[str]]:
    """Check a backup: every file by its digest, every database by what its engine can see; raises BackupError.

    Returns its manifest, and the instances whose data it does not have because an older version made it.
    """
    manifest = verify(directory, tell)
    settings = Settings(data_dir=directory.absolute())
    check_databases(_records(directory), directory.absolute(), settings.cache, tell)
    return manifest, absent(_records(directory), directory)


def _room(data_dir: Path, destination: Path) -> int:
    """Return about how many bytes a copy takes."""
    there = next(path for path in (destination, *destination.parents) if path.exists())
    linked = _LINKED if there.stat().st_dev == data_dir.stat().st_dev else ()
    total = 0
    for folder, folders, files in os.walk(data_dir):
        inside = Path(folder).relative_to(data_dir)
        folders[:] = [name for name in folders if str(inside / name) not in (*_LEFT_OUT, *linked)]
        for name in files:
            # What is gone by now takes none.
            with contextlib.suppress(FileNotFoundError):
                total += (Path(folder) / name).lstat().st_blocks * 512
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
