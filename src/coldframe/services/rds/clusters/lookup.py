"""Finding clusters and their members: by what a request names, by resource id, the writer, the readers."""

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.rds import arns, instance_classes
from coldframe.services.rds import lookup as instances
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.faults import bad_combination
from coldframe.services.rds.records import Instance, ParameterGroup

# Members that a planned failover, a reader endpoint or a copy can use.
USABLE = frozenset({"available", "backing-up"})


def cluster_named(call: Call, name: str) -> Cluster:
    """Return the cluster of an identifier, whatever its case, or of an ARN; raises DBClusterNotFoundFault."""
    if name.startswith("arn:"):
        arn, kind, identifier = arns.taken_apart(name, "DBClusterIdentifier")
        if kind != "cluster" or (arn.account, arn.region) != (call.account, call.region):
            raise ServiceFault("DBClusterNotFoundFault", f"DBCluster {name} not found.")
        return call.records.get(Cluster, identifier)
    return call.records.get(Cluster, name.lower())


def source_named(call: Call, name: str) -> Cluster:
    """Return the cluster that a request begins from; raises DBClusterNotFoundFault in the words of those requests."""
    try:
        return cluster_named(call, name)
    except ServiceFault:
        raise ServiceFault(
            "DBClusterNotFoundFault",
            f"The source cluster could not be found or cannot be accessed: {name}",
        ) from None


def by_resource(records: Records, resource_id: str) -> Cluster | None:
    """Return the cluster that has this resource id, whatever it is called now; None when there is none."""
    found = records.list(Cluster, where={"resource_id": resource_id}) if resource_id else []
    return found[0] if found else None


def expect(records: Records, resource_id: str) -> Cluster:
    """Return the cluster of a resource id, for a job; raises DBClusterNotFoundFault when it is gone."""
    found = by_resource(records, resource_id)
    if found is None:
        raise ServiceFault("DBClusterNotFoundFault", f"DBCluster with resource id {resource_id} not found.")
    return found


def members(records: Records, cluster: Cluster) -> list[Instance]:
    """Return the members of a cluster, the writer first."""
    found = records.list(Instance, where={"cluster": cluster.resource_id})
    return sorted(found, key=lambda row: (row.resource_id != cluster.writer, row.identifier))


def writer(records: Records, cluster: Cluster) -> Instance | None:
    """Return the member that takes writes; None while there is none."""
    return instances.by_resource(records, cluster.writer) if cluster.writer else None


def readers(records: Records, cluster: Cluster) -> list[Instance]:
    """Return the other members, by promotion tier, larger classes first, as AWS chooses among them."""
    found = [row for row in members(records, cluster) if row.resource_id != cluster.writer]
    return sorted(
        found,
        key=lambda row: (tier(row), -instance_classes.named(row.instance_class).memory, row.identifier),
    )


def tier(row: Instance) -> int:
    """Return the promotion tier of a member."""
    return int(row.about.get("PromotionTier", 1))


def available(cluster: Cluster, *others: str) -> Cluster:
    """Return the cluster if it is available (or in one of the other states); raises InvalidDBClusterStateFault."""
    if cluster.status != "available" and cluster.status not in others:
        raise wrong_state(f"DBCluster {cluster.identifier} is not in available state.")
    return cluster


def wrong_state(message: str) -> ServiceFault:
    """Return InvalidDBClusterState: the cluster cannot do this as it is now."""
    return ServiceFault("InvalidDBClusterStateFault", message)


def not_in_state(cluster: Cluster, expected: str) -> ServiceFault:
    """Return InvalidDBClusterState: the cluster is in another state than one of those, which are parted by commas."""
    return wrong_state(
        f"DbCluster {cluster.identifier} is in {cluster.status} state but expected it to be one of {expected}."
    )


def parameter_group(records: Records, name: str | None, family: str) -> str:
    """Return the name of a cluster's parameter group; raises InvalidParameterCombination for another family's."""
    if not name or name.lower() == f"default.{family}":
        return f"default.{family}"
    found = records.find(ParameterGroup, "cluster", name.lower())
    if found is None:
        raise ServiceFault(
            "DBClusterParameterGroupNotFoundFault", f"DBClusterParameterGroup not found: {name}"
        )
    if found.family != family:
        raise bad_combination(
            f"The Parameter Group {found.name} with DBParameterGroupFamily {found.family} can't be used for this"
            f" cluster. Please use a Parameter Group with DBParameterGroupFamily {family}"
        )
    return found.name


def group_of(records: Records, cluster: Cluster, family: str) -> ParameterGroup:
    """Return the parameter group of a cluster."""
    found = records.find(ParameterGroup, "cluster", cluster.parameter_group)
    return (
        found if found is not None and found.family == family else instances.default_group(family, "cluster")
    )
