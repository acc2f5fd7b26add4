"""All keys of encrypted storage that records have, by the names that the kernel gives them."""

from typing import Any

from coldframe.core.records import Records
from coldframe.services.rds.records import (
    AutomatedBackup,
    Cluster,
    ClusterBackup,
    ClusterSnapshot,
    ExportTask,
    Instance,
    Snapshot,
)
from coldframe.services.rds.wrapped_keys import StorageKey

_KINDS: tuple[type[Any], ...] = (
    Instance,
    Snapshot,
    AutomatedBackup,
    Cluster,
    ClusterSnapshot,
    ExportTask,
)


def known_keys(records: Records) -> dict[str, StorageKey]:
    """Return the keys of all accounts and regions."""
    rows = [row for kind in _KINDS for _, _, row in records.everywhere(kind)]
    rows += [row.cluster for _, _, row in records.everywhere(ClusterBackup)]
    return {row.encryption.name: row.encryption for row in rows if row.encryption is not None}
