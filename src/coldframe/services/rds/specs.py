"""What an engine is told of an instance, or of the data of a cluster, from the records alone."""

from coldframe.core.config import Settings
from coldframe.engines.database import InstanceSpec
from coldframe.services.rds import instance_classes
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.records import Instance


def of_instance(settings: Settings, instance: Instance) -> InstanceSpec:
    """Return what an engine is told of an instance."""
    size = instance_classes.named(instance.instance_class)
    local = settings.local_storage
    # Temporary tables of encrypted storage stay in it.
    scratch = local if local is not None and size.scratch and instance.encryption is None else None
    return InstanceSpec(
        name=instance.resource_id,
        version=instance.version,
        folder=settings.data_dir / "databases" / instance.resource_id,
        serial=instance.serial,
        memory=size.given,
        settings=instance.in_force,
        scratch=scratch,
        scratch_quota=size.scratch if scratch is not None else 0,
        untorn_writes=instance.optimized_writes,
        read_only=instance.read_only,
        member=bool(instance.cluster),
        acknowledged_by=instance.acknowledged_by,
        acknowledges=instance.acknowledges,
    )


def of_volume(settings: Settings, cluster: Cluster) -> InstanceSpec:
    """Return what an engine is told of the data of a cluster while no member has them in its hands."""
    return InstanceSpec(
        name=cluster.volume,
        version=cluster.version,
        folder=settings.data_dir / "databases" / cluster.volume,
        serial=cluster.volume_serial,
        member=True,
    )
