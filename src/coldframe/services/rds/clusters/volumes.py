"""The data of a cluster while no member has it in its hands."""

from coldframe.engines.database import InstanceSpec
from coldframe.services.rds import specs
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases


def volume_of(databases: Databases, cluster: Cluster) -> InstanceSpec:
    """Return what an engine is told of the data of a cluster."""
    return specs.of_volume(databases.settings, cluster)
