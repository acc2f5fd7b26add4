"""The members of a deployment: pairs of blue and green instances, and of clusters where it is one of a cluster."""

from typing import Literal

import msgspec

from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.rds import lookup
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.clusters.records import Cluster, ClusterEndpoint
from coldframe.services.rds.records import Deployment, Instance, Member

# What is left to do with a deployment whose replication is degraded.
WAY_OUT = "Switchover isn't available. Delete the blue/green deployment with its green databases, and create it again"
Role = Literal["primary", "replica"]
Side = Literal["blue", "green"]


# Statuses in which a deployment has nothing more to do with its instances.
OVER = frozenset({"SWITCHOVER_COMPLETED", "DELETING"})


class Pair(msgspec.Struct, frozen=True):
    """A pair of instances as they are now."""

    blue: Instance
    green: Instance
    role: Role = "replica"

    def of(self, side: Side) -> Instance:
        """Return the instance of a side."""
        return self.blue if side == "blue" else self.green


class ClusterPair(msgspec.Struct, frozen=True):
    """The pair of clusters of a deployment as they are now."""

    blue: Cluster
    green: Cluster

    def of(self, side: Side) -> Cluster:
        """Return the cluster of a side."""
        return self.blue if side == "blue" else self.green


class Sides(msgspec.Struct, frozen=True):
    """A deployment as it is now: its pairs, those with a missing half left out, and the two instances that replicate.

    These two are a pair, but in a deployment of a cluster, whose blue writer may have become another one since: they are
    the writers. A pair's role is that of its green half.
    """

    pairs: list[Pair]
    primary: Pair
    clusters: ClusterPair | None = None


def sides(records: Records, deployment: str) -> Sides:
    """Return a deployment as it is now, primaries first.

    Raises DBInstanceNotFoundFault when one of the primaries is gone, DBClusterNotFoundFault for a cluster.
    """
    row = records.get(Deployment, deployment)
    both = cluster_pair(records, row)
    if both is not None:
        return _of_clusters(records, row, both)
    found = []
    for member in sorted(row.members, key=lambda each: each.role):
        look = lookup.expect if member.role == "primary" else lookup.by_resource
        blue, green = look(records, member.source), look(records, member.target)
        if blue is not None and green is not None:
            found.append(Pair(blue, green, member.role))
    return Sides(found, next(pair for pair in found if pair.role == "primary"))


def cluster_pair(records: Records, row: Deployment) -> ClusterPair | None:
    """Return the clusters of a deployment, None for one of instances; raises DBClusterNotFoundFault when one is gone."""
    member = cluster_member(row)
    if member is None:
        return None
    return ClusterPair(clusters.expect(records, member.source), clusters.expect(records, member.target))


def cluster_member(row: Deployment) -> Member | None:
    """Return the member that is the pair of clusters; None for a deployment of instances."""
    return next((member for member in row.members if member.kind == "cluster"), None)


def instances_of(row: Deployment) -> list[Member]:
    """Return the members that are pairs of instances."""
    return [member for member in row.members if member.kind == "db"]


def endpoint_of(records: Records, resource_id: str) -> ClusterEndpoint | None:
    """Return the custom endpoint of a resource id, whatever it is called now; None when there is none."""
    return next((row for row in records.list(ClusterEndpoint) if row.resource_id == resource_id), None)


def _of_clusters(records: Records, row: Deployment, both: ClusterPair) -> Sides:
    writers = []
    for cluster in (both.blue, both.green):
        writer = clusters.writer(records, cluster)
        if writer is None:
            raise ServiceFault(
                "InvalidBlueGreenDeploymentStateFault", f"DB cluster {cluster.identifier} has no writer."
            )
        writers.append(writer)
    found = []
    for member in instances_of(row):
        blue, green = lookup.by_resource(records, member.source), lookup.by_resource(records, member.target)
        if blue is not None and green is not None:
            role: Role = "primary" if green.resource_id == both.green.writer else "replica"
            found.append(Pair(blue, green, role))
    found.sort(key=lambda pair: pair.role)
    return Sides(found, Pair(writers[0], writers[1], "primary"), both)


def deployment_of(records: Records, resource_id: str) -> Deployment | None:
    """Return the deployment that an instance or a cluster is a member of, if it is not over."""
    for row in records.list(Deployment):
        if row.status not in OVER and any(
            resource_id in {member.source, member.target} for member in row.members
        ):
            return row
    return None


def is_green_primary(records: Records, instance: Instance) -> bool:
    """Tell whether an instance is the primary of a green side, which may have read replicas of its own."""
    row = deployment_of(records, instance.resource_id)
    return row is not None and any(
        member.role == "primary" and member.target == instance.resource_id for member in row.members
    )
