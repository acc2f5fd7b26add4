"""Finding what a request names: an instance by its identifier or ARN, by its resource id, and what follows it."""

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.records import Records
from coldframe.services.rds import arns, engine_names, names
from coldframe.services.rds.faults import wrong_state
from coldframe.services.rds.records import Deployment, Endpoint, Instance, ParameterGroup, Serial


def instance_named(call: Call, name: str) -> Instance:
    """Return the instance of an identifier, whatever its case, or of an ARN; raises DBInstanceNotFoundFault."""
    if name.startswith("arn:"):
        arn, kind, identifier = arns.taken_apart(name, "DBInstanceIdentifier")
        if kind != "db" or (arn.account, arn.region) != (call.account, call.region):
            raise ServiceFault("DBInstanceNotFoundFault", f"DBInstance {name} not found.")
        return call.records.get(Instance, identifier)
    return call.records.get(Instance, name.lower())


def by_resource(records: Records, resource_id: str) -> Instance | None:
    """Return the instance that has this resource id, whatever it is called now; None when there is none."""
    found = records.list(Instance, where={"resource_id": resource_id})
    return found[0] if found else None


def expect(records: Records, resource_id: str) -> Instance:
    """Return the instance of a resource id, for a job; raises DBInstanceNotFoundFault when it is gone."""
    found = by_resource(records, resource_id)
    if found is None:
        raise ServiceFault("DBInstanceNotFoundFault", f"DBInstance with resource id {resource_id} not found.")
    return found


def replicas(records: Records, resource_id: str) -> list[Instance]:
    """Return the instances that follow this one, by their identifiers."""
    return records.list(Instance, where={"source": resource_id})


def available(instance: Instance, *others: str) -> Instance:
    """Return the instance if it is available (or in one of the other states); raises InvalidDBInstanceStateFault."""
    if instance.status != "available" and instance.status not in others:
        raise wrong_state(f"Instance {instance.identifier} is not in available state.")
    return instance


def endpoint_of(records: Records, instance: Instance) -> Endpoint:
    """Return where clients of an instance connect."""
    return records.get(Endpoint, instance.endpoint)


def next_number(records: Records, name: str) -> int:
    """Return the next number of a row of numbers that is the installation's, never given out again."""
    row = records.find(Serial, name) or Serial(name=name)
    records.put(Serial(name=name, last=row.last + 1))
    return row.last + 1


def parameter_group(records: Records, name: str, family: str) -> ParameterGroup:
    """Return a parameter group by its name; the default group of a family is made when it is first looked for."""
    found = records.find(ParameterGroup, "instance", name.lower())
    if found is None and name.lower().startswith("default."):
        named = name.lower().removeprefix("default.")
        if named == family or engine_names.of_family(named) is not None:
            return default_group(named)
    return found or records.get(ParameterGroup, "instance", name.lower())


def default_group(family: str, kind: str = "instance") -> ParameterGroup:
    """Return the default parameter group of a family, which nobody can change."""
    what = "parameter group" if kind == "instance" else "cluster parameter group"
    return ParameterGroup(
        kind="instance" if kind == "instance" else "cluster",
        name=f"default.{family}",
        family=family,
        description=f"Default {what} for {family}",
    )


def deployment_named(call: Call, identifier: str) -> Deployment:
    """Return a deployment by its identifier; raises BlueGreenDeploymentNotFoundFault."""
    return call.records.get(Deployment, identifier.lower())


def new_identifier(name: str, member: str = "DBInstanceIdentifier") -> str:
    """Return the identifier of a new instance as it is kept; raises InvalidParameterValue."""
    return names.identifier(name, member)


def switching_over(records: Records, deployment: str) -> bool:
    """Tell whether a deployment is between the beginning and the end of a switchover."""
    found = records.find(Deployment, deployment)
    return found is not None and found.status == "SWITCHOVER_IN_PROGRESS"
