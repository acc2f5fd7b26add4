"""What an answer says of an instance otherwise because it is a member of a cluster."""

from typing import Any

from coldframe.core.records import Records
from coldframe.services.rds.clusters import lookup
from coldframe.services.rds.records import Instance

# What is the cluster's to say, and is said of its members, too.
_OF_CLUSTER = ("EnabledCloudwatchLogsExports",)


def is_green_writer(records: Records, row: Instance) -> bool:
    """Tell whether an instance is the writer of the green cluster of a Blue/Green deployment."""
    found = lookup.by_resource(records, row.cluster)
    return found is not None and bool(found.deployment) and found.writer == row.resource_id


def of_member(records: Records, row: Instance) -> dict[str, Any]:
    """Return what an answer says of an instance otherwise because it is a member of a cluster; nothing of others."""
    found = lookup.by_resource(records, row.cluster)
    if found is None:
        return {}
    return {
        "DBClusterIdentifier": found.identifier,
        "PromotionTier": lookup.tier(row),
        "BackupRetentionPeriod": found.retention,
        "PreferredBackupWindow": found.backup_window,
        "MultiAZ": False,
        "DeletionProtection": False,
        **{name: found.about[name] for name in _OF_CLUSTER if name in found.about},
    }
