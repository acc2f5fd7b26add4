"""The jobs of RDS, and the work that is done again and again: watching, windows, backups, figures."""

from coldframe.services.rds.blue_green.provisioning import provision_deployment
from coldframe.services.rds.blue_green.removal import delete_deployment
from coldframe.services.rds.blue_green.switchover import switch_over
from coldframe.services.rds.creating import create_instance
from coldframe.services.rds.deleting import delete_instance
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
from coldframe.services.rds.supervision import archive_instance, periodic, revive_instance
from coldframe.services.rds.upgrading import upgrade_instance

__all__ = [
    "announce",
    "apply_parameters",
    "apply_pending",
    "apply_read_only",
    "archive_instance",
    "copy_snapshot",
    "create_instance",
    "create_replica",
    "delete_deployment",
    "delete_instance",
    "delete_snapshot",
    "make_snapshot",
    "periodic",
    "promote_replica",
    "provision_deployment",
    "reboot_instance",
    "reopen_endpoint",
    "restore_snapshot",
    "restore_to_moment",
    "revive_instance",
    "start_instance",
    "stop_instance",
    "switch_over",
    "upgrade_instance",
    "upgrade_snapshot",
]
