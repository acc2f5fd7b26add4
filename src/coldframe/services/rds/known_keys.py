"""All keys of encrypted storage that records have, by the names that the kernel gives them."""

from coldframe.core.records import Records
from coldframe.services.rds.records import (
    AutomatedBackup,
    Cluster,
    ClusterBackup,
    ClusterSnapshot,
    Instance,
    Snapshot,
)
from coldframe.services.rds.wrapped_keys import StorageKey


def known_keys(records: Records) -> dict[str, StorageKey]:
    """Return the keys of all accounts and regions."""
    rows: list[Instance | Snapshot | AutomatedBackup | Cluster | ClusterSnapshot] = [
        row
        for kind in (Instance, Snapshot, AutomatedBackup, Cluster, ClusterSnapshot)
        for _, _, row in records.everywhere(kind)
    ]
    rows += [row.cluster for _, _, row in records.everywhere(ClusterBackup)]
    return {row.encryption.name: row.encryption for row in rows if row.encryption is not None}
