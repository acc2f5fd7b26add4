"""Which installed versions an instance can be brought to in place, and what else a request has to say for that."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.engines.database import Version
from coldframe.services.rds import engine_names, lookup, new_instances
from coldframe.services.rds.blue_green import members
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.engine_names import EngineName
from coldframe.services.rds.faults import bad_combination, wrong_state
from coldframe.services.rds.records import Instance


def targets(databases: Databases, engine: EngineName, version: str) -> list[Version]:
    """Return the installed versions that one of this number can be brought to, oldest first."""
    installed = databases.versions(engine.name)
    # A minor that the system has replaced meanwhile runs as the one that is there.
    of = next((each for each in installed if each.number == version), None)
    of = of or next((each for each in reversed(installed) if each.major == engine.major(version)), None)
    if of is None:
        return []
    upgrades, order = databases.engine(engine.name).upgrades, engine_names.version_order
    return [each for each in installed if order(each.number) > order(version) and upgrades.possible(of, each)]


def newer_minor(databases: Databases, instance: Instance) -> str:
    """Return the newest minor that an instance can be brought to by itself, empty when it has the newest."""
    engine = engine_names.named(instance.engine)
    major = engine.major(instance.version)
    fitting = [each for each in targets(databases, engine, instance.version) if each.major == major]
    return fitting[-1].number if fitting else ""


def chosen(call: Call, instance: Instance, request: Mapping[str, Any]) -> str:
    """Return the version that ModifyDBInstance asks for; raises InvalidParameterCombination and its kin.

    Sources: Amazon RDS User Guide, Upgrading a DB instance engine version; the texts of the service's own errors.
    """
    databases, engine = call.part(Databases), engine_names.named(instance.engine)
    version = databases.version(instance.engine, request["EngineVersion"])
    if version == instance.version:
        return version
    major = engine.major(version) != engine.major(instance.version)
    newer = engine_names.version_order(version) > engine_names.version_order(instance.version)
    if major and newer and not request.get("AllowMajorVersionUpgrade"):
        raise bad_combination(
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        )
    fitting = [each.number for each in targets(databases, engine, instance.version)]
    if version not in fitting:
        what = f"Cannot upgrade {instance.engine} from {instance.version} to {version}"
        able = f"; in place it can be upgraded to {', '.join(fitting)}" if fitting else ""
        # The packages of npm have the server alone.
        lacks = (
            "; that version has no pg_upgrade here, but a Blue/Green deployment can use it" if newer else ""
        )
        raise bad_combination(f"{what}{lacks}{able}")
    if members.deployment_of(call.records, instance.resource_id) is not None:
        raise wrong_state(f"Instance {instance.identifier} is in a blue/green deployment.")
    _replicas(call, engine, instance, version, major=major)
    return version


def groups(call: Call, instance: Instance, request: Mapping[str, Any], version: str) -> dict[str, str]:
    """Return the parameter group and option group that come with a version; raises InvalidParameterCombination."""
    engine = engine_names.named(instance.engine)
    if engine.major(version) == engine.major(instance.version):
        return {}
    name, options = request.get("DBParameterGroupName"), request.get("OptionGroupName")
    if not name and not instance.parameter_group.startswith("default."):
        raise bad_combination(
            f"Current Parameter Group ({instance.parameter_group}) is non-default. You need to explicitly specify a new"
            " Parameter Group in this case (default or custom)"
        )
    if not options and not instance.option_group.startswith("default:"):
        raise bad_combination(
            f"Current Option Group ({instance.option_group}) is non-default. You need to explicitly specify a new"
            " Option Group in this case (default or custom)"
        )
    return {
        "group": new_instances.parameter_group(call.records, name, engine.family(version)),
        "options": new_instances.option_group(call.records, options, engine, version),
    }


def _replicas(call: Call, engine: EngineName, instance: Instance, version: str, *, major: bool) -> None:
    order = engine_names.version_order
    if engine.part == "postgresql":
        if major and instance.source:
            raise bad_combination(
                f"Cannot upgrade the read replica {instance.identifier} to a new major version by itself; upgrade its"
                " source, and it is upgraded too."
            )
        return
    older = [
        each.identifier
        for each in lookup.replicas(call.records, instance.resource_id)
        if not each.deployment and order(each.version) < order(version)
    ]
    if older:
        raise bad_combination(
            f"One or more of the DB Instance's read replicas need to be upgraded: {', '.join(older)}"
        )
