"""What a backup of this server's data directory is made of."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from coldframe.core.backup import BackupError, Tell, backup, copy_database, copy_tree, unheard
from coldframe.core.config import Settings
from coldframe.core.sealed_master import NAME
from coldframe.core.store import Store
from coldframe.core.tables import BODY, Record
from coldframe.engines.logstore import backup as log_store
from coldframe.engines.metricstore import backup as metric_store
from coldframe.engines.objectstore import backup as object_store
from coldframe.services.rds.records import Instance
from coldframe.services.s3.records import UploadedPart, Version

_FILES = ("master.key", NAME, "root-credentials.json", "tls", "topics/signing.key", "topics/signing.pem")
# Of RDS its snapshots; instances are files of other programs that change while they are copied.
_FOLDERS = ("databases/ca", "databases/snapshots")
_DATABASES = ("queues/messages.sqlite3", "topics/outbox.sqlite3", "streams/records.sqlite3")


def back_up(data_dir: Path, destination: Path, tell: Tell = unheard, *, store_url: str = "") -> list[str]:
    """Copy a data directory that a server may be using, telling how far it is; raises BackupError.

    Returns the DB instances, whose data is not in the copy: their snapshots are.
    """
    if not (data_dir / "master.key").exists() and not (data_dir / NAME).exists():
        raise BackupError(f"{data_dir} is no data directory: it has no master.key")
    settings = Settings(data_dir=data_dir, store_url=store_url)
    store = Store.open(settings.database_url, exclusive=False)
    try:
        contributions = [*map(copy_tree, _FILES + _FOLDERS), *map(copy_database, _DATABASES)]
        contributions += [_copy_logs, _copy_metrics, _copy_objects]
        backup(store, data_dir, destination, contributions, time.time(), tell)
        with store.read() as transaction:
            instances = transaction.records("", "").everywhere(Instance)
        return sorted(instance.identifier for _, _, instance in instances)
    finally:
        store.close()


def _copy_logs(data_dir: Path, destination: Path) -> None:
    if not (data_dir / "logs").exists():
        return
    try:
        log_store.copy(data_dir / "logs", destination / "logs")
    except log_store.BackupFailed as error:
        raise BackupError(str(error)) from error


def _copy_objects(data_dir: Path, destination: Path) -> None:
    """Copy the objects that the copied store, and not the running one, names."""
    if not (data_dir / "objects").exists():
        return
    database = Path(Settings(data_dir=destination).database_url.removeprefix("sqlite:///"))
    # Read as it is: a store that opens it would leave a journal beside it.
    copied = sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        named = {
            blob for (text,) in _bodies(copied, Version) for blob, _ in Version.__record__.decode(text).blobs
        }
        named |= {UploadedPart.__record__.decode(text).blob for (text,) in _bodies(copied, UploadedPart)}
    finally:
        copied.close()
    try:
        object_store.copy(data_dir / "objects", destination / "objects", named)
    except object_store.BackupFailed as error:
        raise BackupError(str(error)) from error


def _bodies(database: sqlite3.Connection, kind: type[Record]) -> Iterator[tuple[str]]:
    columns = kind.__record__.table.c
    yield from database.execute(f'SELECT "{columns[BODY].name}" FROM "{kind.__record__.name}"')  # noqa: S608 - our own names


def _copy_metrics(data_dir: Path, destination: Path) -> None:
    if (data_dir / "metrics").exists():
        metric_store.copy(data_dir / "metrics", destination / "metrics")
