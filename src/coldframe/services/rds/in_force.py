"""Which settings an instance runs with, which its parameter group would have it run with, and what waits for a reboot."""

from collections.abc import Iterable

from coldframe.core.records import Records
from coldframe.services.rds import engine_names, instance_classes, lookup, parameters
from coldframe.services.rds.clusters import lookup as clusters
from coldframe.services.rds.parameters.formulas import Figures
from coldframe.services.rds.records import Instance, ParameterGroup


def wanted(records: Records, instance: Instance) -> dict[str, str]:
    """Return the settings that a start gives the instance: its group's values and RDS's defaults, formulas reckoned."""
    return _reckoned(instance, group_of(records, instance), _of_cluster(records, instance))


def immediate(records: Records, instance: Instance, names: Iterable[str]) -> dict[str, str]:
    """Return the settings in force once those of the group that are named have been applied."""
    group = wanted(records, instance)
    changed = dict(instance.in_force)
    for name in names:
        if name in group:
            changed[name] = group[name]
        else:
            changed.pop(name, None)
    return changed


def apply_status(records: Records, instance: Instance) -> str:
    """Return how far the group is applied: in-sync, or pending-reboot."""
    if instance.status == "creating" or wanted(records, instance) == instance.in_force:
        return "in-sync"
    return "pending-reboot"


def group_of(records: Records, instance: Instance) -> ParameterGroup:
    """Return the parameter group of an instance, which is its family's default one if its own is of another family."""
    family = engine_names.named(instance.engine).family(instance.version)
    group = lookup.parameter_group(records, instance.parameter_group, family)
    return group if group.family == family else lookup.default_group(family)


def own_value(records: Records, instance: Instance, name: str) -> str:
    """Return a parameter of RDS's own (rds.optimized_writes) as the group has it, or that of its cluster, else its default."""
    group = group_of(records, instance)
    if name in group.values:
        return group.values[name][0]
    if shared := _of_cluster(records, instance).get(name):
        return shared
    row = parameters.table(group.family).get(name)
    return (row.default if row is not None else None) or ""


def _of_cluster(records: Records, instance: Instance) -> dict[str, str]:
    """Return what the parameter group of the cluster says for all its members; that of an instance overrides it."""
    cluster = clusters.by_resource(records, instance.cluster)
    if cluster is None:
        return {}
    family = engine_names.named(instance.engine).family(instance.version)
    return {name: value for name, (value, _) in clusters.group_of(records, cluster, family).values.items()}


def _reckoned(instance: Instance, group: ParameterGroup, shared: dict[str, str]) -> dict[str, str]:
    size = instance_classes.named(instance.instance_class)
    real = Figures(
        memory=size.memory,
        storage=instance.storage,
        port=engine_names.named(instance.engine).port,
        processors=size.processors,
    )
    values = shared | {name: value for name, (value, _) in group.values.items()}
    return parameters.settings(group.family, values, real=real, given_memory=size.given)


def writable_copy(records: Records, instance: Instance) -> bool:
    """Tell whether users may write to an instance that follows another one: only the green side, if its group says so.

    The readers of a green cluster are never written to.
    """
    cluster = clusters.by_resource(records, instance.cluster)
    if not instance.deployment or (cluster is not None and cluster.writer != instance.resource_id):
        return False
    name = parameters.read_only_name(engine_names.named(instance.engine).name)
    return own_value(records, instance, name).lower() in {"0", "off"}
