"""The jobs of RDS, and the work that is done again and again: watching, windows, backups, figures."""

from coldframe.services.rds.blue_green.provisioning import provision_deployment
from coldframe.services.rds.blue_green.removal import delete_deployment
from coldframe.services.rds.blue_green.switchover import switch_over
from coldframe.services.rds.clusters.creating import create_cluster, create_member
from coldframe.services.rds.clusters.custom_endpoints import change_cluster_endpoint, delete_cluster_endpoint
from coldframe.services.rds.clusters.deleting import delete_cluster, delete_member
from coldframe.services.rds.clusters.failover import fail_over, recover_cluster
from coldframe.services.rds.clusters.rejoining import rejoin_member
from coldframe.services.rds.clusters.restoring import restore_snapshot as restore_cluster_snapshot
from coldframe.services.rds.clusters.restoring import restore_to_moment as restore_cluster_to_moment
from coldframe.services.rds.clusters.snapshotting import archive_cluster
from coldframe.services.rds.clusters.snapshotting import copy_snapshot as copy_cluster_snapshot
from coldframe.services.rds.clusters.snapshotting import make_snapshot as make_cluster_snapshot
from coldframe.services.rds.clusters.states import (
    change_cluster,
    reboot_cluster,
    reboot_member,
    start_cluster,
    stop_cluster,
)
from coldframe.services.rds.crashes import revive_instance
from coldframe.services.rds.creating import create_instance
from coldframe.services.rds.deleting import delete_archive, delete_instance
from coldframe.services.rds.messenger import announce
from coldframe.services.rds.modifying import (
    apply_parameters,
    apply_pending,
    apply_read_only,
    reboot_instance,
    reopen_endpoint,
    start_instance,
    stop_instance,
)
from coldframe.services.rds.replicating import create_replica, promote_replica
from coldframe.services.rds.restoring import restore_snapshot, restore_to_moment
from coldframe.services.rds.snapshot_upgrades import upgrade_snapshot
from coldframe.services.rds.snapshotting import copy_snapshot, delete_snapshot, make_snapshot
from coldframe.services.rds.supervision import archive_instance, periodic
from coldframe.services.rds.upgrading import upgrade_instance

__all__ = [
    "announce",
    "apply_parameters",
    "apply_pending",
    "apply_read_only",
    "archive_cluster",
    "archive_instance",
    "change_cluster",
    "change_cluster_endpoint",
    "copy_cluster_snapshot",
    "copy_snapshot",
    "create_cluster",
    "create_instance",
    "create_member",
    "create_replica",
    "delete_archive",
    "delete_cluster",
    "delete_cluster_endpoint",
    "delete_deployment",
    "delete_instance",
    "delete_member",
    "delete_snapshot",
    "fail_over",
    "make_cluster_snapshot",
    "make_snapshot",
    "periodic",
    "promote_replica",
    "provision_deployment",
    "reboot_cluster",
    "reboot_instance",
    "reboot_member",
    "recover_cluster",
    "rejoin_member",
    "reopen_endpoint",
    "restore_cluster_snapshot",
    "restore_cluster_to_moment",
    "restore_snapshot",
    "restore_to_moment",
    "revive_instance",
    "start_cluster",
    "start_instance",
    "stop_cluster",
    "stop_instance",
    "switch_over",
    "upgrade_instance",
    "upgrade_snapshot",
]
