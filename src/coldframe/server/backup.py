"""What a backup of this server's data directory is made of."""

import time
from pathlib import Path

from coldframe.core.backup import BackupError, backup, copy_tree
from coldframe.core.config import Settings
from coldframe.core.store import Store
from coldframe.engines.logstore import backup as log_store
from coldframe.engines.metricstore import backup as metric_store

_FILES = ("master.key", "root-credentials.json", "tls")


def back_up(data_dir: Path, destination: Path, *, store_url: str = "") -> None:
    """Copy a data directory that a server may be using; raises BackupError."""
    if not (data_dir / "master.key").exists():
        raise BackupError(f"{data_dir} is no data directory: it has no master.key")
    settings = Settings(data_dir=data_dir, store_url=store_url)
    store = Store.open(settings.database_url, exclusive=False)
    try:
        contributions = [*map(copy_tree, _FILES), _copy_logs, _copy_metrics]
        backup(store, data_dir, destination, contributions, time.time())
    finally:
        store.close()


def _copy_logs(data_dir: Path, destination: Path) -> None:
    if not (data_dir / "logs").exists():
        return
    try:
        log_store.copy(data_dir / "logs", destination / "logs")
    except log_store.BackupFailed as error:
        raise BackupError(str(error)) from error


def _copy_metrics(data_dir: Path, destination: Path) -> None:
    if (data_dir / "metrics").exists():
        metric_store.copy(data_dir / "metrics", destination / "metrics")
