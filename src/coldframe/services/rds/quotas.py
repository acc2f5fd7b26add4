"""How many of everything an account may have, as DescribeAccountAttributes tells, and the faults of what would be too many.

Source: Amazon RDS User Guide, Quotas in Amazon RDS; the names are those of AccountQuota.
"""

import msgspec

from coldframe.core.faults import ServiceFault


class Quota(msgspec.Struct, frozen=True):
    """How many there may be, the fault that refuses one more, and its words."""

    most: int
    fault: str = ""
    words: str = ""


# In the order in which RDS lists them.
QUOTAS = {
    "DBInstances": Quota(40, "InstanceQuotaExceededFault", "DB instances"),
    "ReservedDBInstances": Quota(0),
    "AllocatedStorage": Quota(100_000, "StorageQuotaExceededFault", "GiB of storage"),
    "DBSecurityGroups": Quota(0),
    "AuthorizationsPerDBSecurityGroup": Quota(0),
    "DBParameterGroups": Quota(50, "DBParameterGroupQuotaExceededFault", "DB parameter groups"),
    "ManualSnapshots": Quota(100, "SnapshotQuotaExceededFault", "manual snapshots"),
    "EventSubscriptions": Quota(20, "EventSubscriptionQuotaExceededFault", "event subscriptions"),
    "DBSubnetGroups": Quota(50, "DBSubnetGroupQuotaExceededFault", "DB subnet groups"),
    "OptionGroups": Quota(20, "OptionGroupQuotaExceededFault", "option groups"),
    "SubnetsPerDBSubnetGroup": Quota(20, "DBSubnetQuotaExceededFault", "subnets in a DB subnet group"),
    "ReadReplicasPerMaster": Quota(15, "InstanceQuotaExceededFault", "read replicas of a DB instance"),
    "DBClusters": Quota(40, "DBClusterQuotaExceededFault", "DB clusters"),
    "DBClusterParameterGroups": Quota(
        50, "DBParameterGroupQuotaExceededFault", "DB cluster parameter groups"
    ),
    "DBClusterRoles": Quota(0),
    "DBInstanceRoles": Quota(0),
    "ManualClusterSnapshots": Quota(100, "SnapshotQuotaExceededFault", "manual cluster snapshots"),
    "CustomEndpointsPerDBCluster": Quota(
        5, "DBClusterEndpointQuotaExceededFault", "custom endpoints of a DB cluster"
    ),
}


def within(name: str, present: int, more: int = 1) -> None:
    """Refuse what would be too many: `more` of what there are `present` of; raises the quota's fault."""
    quota = QUOTAS[name]
    if present + more > quota.most:
        raise ServiceFault(quota.fault, f"Cannot create more than {quota.most} {quota.words}")
