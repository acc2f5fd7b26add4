"""What this installation never has any of: described as empty lists, and not found where one is named.

Tools that look over an account, and providers that read a cluster, ask for these lists whether or not they are used.
"""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import lookup, pages
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.records import Snapshot

_NO_PROXY = (
    "The specified proxy name {} doesn't correspond to a proxy owned by your Amazon Web Services account in the"
    " specified Amazon Web Services Region."
)


def describe_db_capacity_reservations(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no reservations: nothing is charged here."""
    name = request.get("DBCapacityReservationIdentifier")
    _refuse(name, "DBCapacityReservationNotFoundFault", "DB capacity reservation {} not found.")
    return _none(call, request, "DBCapacityReservations")


def describe_db_cluster_backtracks(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no backtracks of a cluster: they are Aurora MySQL's."""
    clusters.cluster_named(call, request["DBClusterIdentifier"])
    name = request.get("BacktrackIdentifier")
    _refuse(name, "DBClusterBacktrackNotFoundFault", "Backtrack {} not found.")
    return _none(call, request, "DBClusterBacktracks")


def describe_db_proxies(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no proxies: every instance has an endpoint that does their work."""
    _refuse(request.get("DBProxyName"), "DBProxyNotFoundFault", _NO_PROXY)
    return _none(call, request, "DBProxies")


def describe_db_proxy_endpoints(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no endpoints of proxies."""
    _refuse(request.get("DBProxyName"), "DBProxyNotFoundFault", _NO_PROXY)
    name = request.get("DBProxyEndpointName")
    _refuse(name, "DBProxyEndpointNotFoundFault", "DB proxy endpoint {} not found.")
    return _none(call, request, "DBProxyEndpoints")


def describe_db_proxy_target_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Find no proxy whose target groups could be described."""
    _refuse(request["DBProxyName"], "DBProxyNotFoundFault", _NO_PROXY)
    return _none(call, request, "TargetGroups")


def describe_db_proxy_targets(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Find no proxy whose targets could be described."""
    _refuse(request["DBProxyName"], "DBProxyNotFoundFault", _NO_PROXY)
    return _none(call, request, "Targets")


def describe_db_recommendations(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no recommendations: nothing here gives any."""
    return _none(call, request, "DBRecommendations")


def describe_db_security_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no DB security groups: they were EC2-Classic's."""
    name = request.get("DBSecurityGroupName")
    _refuse(name, "DBSecurityGroupNotFoundFault", "DBSecurityGroup not found: {}")
    return _none(call, request, "DBSecurityGroups")


def describe_db_shard_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no shard groups: they are Aurora's."""
    name = request.get("DBShardGroupIdentifier")
    _refuse(name, "DBShardGroupNotFoundFault", "DBShardGroup {} not found.")
    return _none(call, request, "DBShardGroups")


def describe_db_snapshot_tenant_databases(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no tenant databases of a snapshot: they are Oracle's."""
    if name := request.get("DBSnapshotIdentifier"):
        call.records.get(Snapshot, name.lower())
    return _none(call, request, "DBSnapshotTenantDatabases")


def describe_global_clusters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no global clusters: there is one machine."""
    name = request.get("GlobalClusterIdentifier")
    _refuse(name, "GlobalClusterNotFoundFault", "Global cluster {} not found.")
    return _none(call, request, "GlobalClusters")


def describe_integrations(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no integrations: there is no warehouse here."""
    name = request.get("IntegrationIdentifier")
    _refuse(name, "IntegrationNotFoundFault", "Integration {} not found.")
    return _none(call, request, "Integrations")


def describe_reserved_db_instances(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no reserved instances: nothing is charged here."""
    name = request.get("ReservedDBInstanceId")
    _refuse(name, "ReservedDBInstanceNotFoundFault", "Reserved DB Instance {} not found.")
    return _none(call, request, "ReservedDBInstances")


def describe_reserved_db_instances_offerings(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no offerings of reserved instances: nothing is charged here."""
    name = request.get("ReservedDBInstancesOfferingId")
    _refuse(name, "ReservedDBInstancesOfferingNotFoundFault", "Offering {} not found.")
    return _none(call, request, "ReservedDBInstancesOfferings")


def describe_tenant_databases(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return no tenant databases: they are Oracle's."""
    if name := request.get("DBInstanceIdentifier"):
        lookup.instance_named(call, name)
    return _none(call, request, "TenantDatabases")


def _refuse(name: str | None, fault: str, text: str) -> None:
    if name:
        raise ServiceFault(fault, text.format(name))


def _none(call: Call, request: dict[str, Any], member: str) -> dict[str, Any]:
    page, _ = pages.page(call, request, [], lambda row: row)
    return {member: page}
