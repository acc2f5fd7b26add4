"""DB parameter groups and DB cluster parameter groups: made, copied, described, changed, reset, deleted."""

from collections.abc import Mapping
from typing import Any, Literal

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import (
    answers,
    arns,
    events,
    jobs,
    lookup,
    names,
    pages,
    parameters,
    quotas,
    tagging,
)
from coldframe.services.rds.clusters.records import Cluster
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.engine_names import names as engine_names
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.messenger import Messenger
from coldframe.services.rds.parameters import Parameter
from coldframe.services.rds.records import Instance, ParameterGroup

Kind = Literal["instance", "cluster"]
_MOST_AT_ONCE = 20
_WORDS = {"instance": "DBParameterGroup", "cluster": "DBClusterParameterGroup"}
_SOURCES = ("user", "system", "engine-default")


def create_db_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a group of a family, which begins with the family's defaults."""
    return _create(call, request, "instance")


def create_db_cluster_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a cluster group of a family."""
    return _create(call, request, "cluster")


def copy_db_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a group with the values of another."""
    return _copy(call, request, "instance")


def copy_db_cluster_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a cluster group with the values of another."""
    return _copy(call, request, "cluster")


def describe_db_parameter_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one group, or a page of all, the default ones of the installed families among them."""
    return _describe(call, request, "instance")


def describe_db_cluster_parameter_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one cluster group, or a page of all."""
    return _describe(call, request, "cluster")


def delete_db_parameter_group(call: Call, request: dict[str, Any]) -> None:
    """Delete a group that no instance uses and that is no default one."""
    group = _changeable(call, request, "instance")
    users = [row for row in call.records.list(Instance) if row.parameter_group == group.name]
    if users:
        raise ServiceFault(
            "InvalidDBParameterGroupStateFault",
            "One or more database instances are still members of this parameter group"
            f" {group.name}, so the group cannot be deleted",
        )
    call.records.remove(group)


def delete_db_cluster_parameter_group(call: Call, request: dict[str, Any]) -> None:
    """Delete a cluster group that no cluster uses."""
    group = _changeable(call, request, "cluster")
    if any(row.parameter_group == group.name for row in call.records.list(Cluster)):
        raise ServiceFault(
            "InvalidDBParameterGroupStateFault",
            f"One or more DB clusters still use the parameter group {group.name}, so the group cannot be deleted",
        )
    call.records.remove(group)


def describe_db_parameters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a group's parameters: those that users set, RDS's own defaults, the engine's."""
    return _parameters(call, request, _found(call, request["DBParameterGroupName"], "instance"))


def describe_db_cluster_parameters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a cluster group's parameters."""
    return _parameters(call, request, _found(call, request["DBClusterParameterGroupName"], "cluster"))


def describe_engine_default_parameters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a family's defaults."""
    return _defaults(call, request, "instance")


def describe_engine_default_cluster_parameters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a family's defaults for clusters."""
    return _defaults(call, request, "cluster")


def modify_db_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Set up to twenty parameters; those that can change while the engine runs do so at once if the request says so."""
    group = _changeable(call, request, "instance")
    changes = _checked(group, request["Parameters"])
    group = call.records.change(group, values={**group.values, **changes})
    _apply(call, group, [name for name, (_, method) in changes.items() if method == "immediate"])
    for name, (value, method) in changes.items():
        words = {"parameter": name, "value": value, "method": method}
        events.tell(call.records, call.part(Messenger), group, "parameter_changed", **words)
    return {"DBParameterGroupName": group.name}


def modify_db_cluster_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Set up to twenty parameters of a cluster group."""
    group = _changeable(call, request, "cluster")
    changes = _checked(group, request["Parameters"])
    group = call.records.change(group, values={**group.values, **changes})
    _apply_to_members(call, group, [name for name, (_, method) in changes.items() if method == "immediate"])
    return {"DBClusterParameterGroupName": group.name}


def reset_db_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Take back what users set: all of it, or the parameters that are named."""
    group, taken = _reset(call, request, "instance")
    _apply(call, group, taken)
    return {"DBParameterGroupName": group.name}


def reset_db_cluster_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Take back what users set in a cluster group."""
    group, now = _reset(call, request, "cluster")
    _apply_to_members(call, group, now)
    return {"DBClusterParameterGroupName": group.name}


def _create(call: Call, request: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    word = _WORDS[kind]
    name = names.identifier(request[f"{word}Name"], f"{word}Name", longest=255)
    family = names.required(request["DBParameterGroupFamily"], "DBParameterGroupFamily").lower()
    parameters.table(family)
    names.required(request["Description"], "Description")
    if call.records.find(ParameterGroup, kind, name) is not None:
        raise ServiceFault("DBParameterGroupAlreadyExistsFault", f"Parameter group {name} already exists")
    quotas.within(f"{word}s", call.records.count(ParameterGroup, key_prefix=(kind,)))
    arn = arns.made(call.account, call.region, "pg" if kind == "instance" else "cluster-pg", name)
    row = ParameterGroup(
        kind=kind,
        name=name,
        family=family,
        description=request["Description"],
        tags=tagging.of_new(call, request.get("Tags"), arn),
    )
    call.records.add(row)
    return {word: answers.parameter_group(call, row)}


def _copy(call: Call, request: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    word = _WORDS[kind]
    source = request[f"Source{word}Identifier"]
    if source.startswith("arn:"):
        source = arns.taken_apart(source)[2]
    found = _found(call, source, kind)
    name = names.identifier(request[f"Target{word}Identifier"], f"Target{word}Identifier", longest=255)
    quotas.within(f"{word}s", call.records.count(ParameterGroup, key_prefix=(kind,)))
    arn = arns.made(call.account, call.region, "pg" if kind == "instance" else "cluster-pg", name)
    row = ParameterGroup(
        kind=kind,
        name=name,
        family=found.family,
        description=names.required(request[f"Target{word}Description"], f"Target{word}Description"),
        values=found.values,
        tags=tagging.of_new(call, request.get("Tags"), arn),
    )
    call.records.add(row)
    return {word: answers.parameter_group(call, row)}


def _describe(call: Call, request: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    word = _WORDS[kind]
    if name := request.get(f"{word}Name"):
        rows = [_found(call, name, kind)]
    else:
        rows = [*call.records.list(ParameterGroup, key_prefix=(kind,)), *_default_groups(call, kind)]
    page, marker = pages.page(call, request, sorted(rows, key=lambda row: row.name), lambda row: row.name)
    return {f"{word}s": [answers.parameter_group(call, row) for row in page], **marker}


def _default_groups(call: Call, kind: Kind) -> list[ParameterGroup]:
    databases = call.part(Databases)
    families = {
        engine.family(version.number)
        for name, engine in engine_names().items()
        for version in databases.versions(name)
    }
    return [lookup.default_group(family, kind) for family in families]


def _found(call: Call, name: str, kind: Kind) -> ParameterGroup:
    lower = name.lower()
    found = call.records.find(ParameterGroup, kind, lower)
    if found is None and lower.startswith("default."):
        known = {row.name: row for row in _default_groups(call, kind)}
        found = known.get(lower)
    if found is None:
        raise ServiceFault("DBParameterGroupNotFoundFault", f"{_WORDS[kind]} not found: {name}")
    return found


def _changeable(call: Call, request: Mapping[str, Any], kind: Kind) -> ParameterGroup:
    group = _found(call, request[f"{_WORDS[kind]}Name"], kind)
    if group.name.startswith("default."):
        raise bad_value(
            f"The parameter {_WORDS[kind]}Name is not valid: {group.name} is a default group and cannot be changed."
        )
    return group


def _checked(group: ParameterGroup, given: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return the parameters of a request with value and apply method; raises InvalidParameterValue and its kin."""
    if not given:
        raise bad_value("At least one parameter must be specified.")
    if len(given) > _MOST_AT_ONCE:
        raise bad_value(f"A maximum of {_MOST_AT_ONCE} parameters can be modified in a single request.")
    table, changes = parameters.table(group.family), {}
    for each in given:
        name, value = each.get("ParameterName"), each.get("ParameterValue")
        if not name or value is None:
            raise bad_value("ParameterName and ParameterValue must be specified for every parameter.")
        row = table.get(name)
        if row is None:
            raise bad_value(f"Could not find parameter with name: {name}")
        parameters.check(row, value)
        method = each.get("ApplyMethod") or ("immediate" if row.dynamic else "pending-reboot")
        if method not in {"immediate", "pending-reboot"}:
            raise bad_value(f"Invalid apply method: {method}")
        if method == "immediate" and not row.dynamic:
            raise bad_combination("cannot use immediate apply method for static parameter")
        changes[name] = (value, method)
    return changes


def _reset(call: Call, request: Mapping[str, Any], kind: Kind) -> tuple[ParameterGroup, list[str]]:
    group = _changeable(call, request, kind)
    named, everything = request.get("Parameters") or [], request.get("ResetAllParameters")
    if everything and named:
        raise bad_combination("ResetAllParameters and Parameters can not be specified together.")
    if not everything and not named:
        raise bad_combination("Either ResetAllParameters or Parameters must be specified.")
    table = parameters.table(group.family)
    taken = list(group.values) if everything else [each.get("ParameterName", "") for each in named]
    for name in taken:
        if name not in table:
            raise bad_value(f"Could not find parameter with name: {name}")
    methods = {each.get("ParameterName"): each.get("ApplyMethod") for each in named}
    left = {name: value for name, value in group.values.items() if name not in taken}
    now = [
        name for name in taken if table[name].dynamic and methods.get(name, "immediate") != "pending-reboot"
    ]
    return call.records.change(group, values=left), now


def _apply(call: Call, group: ParameterGroup, changed: list[str]) -> None:
    """Have every instance of a group take over parameters that can change while it runs."""
    own = parameters.read_only_name("mariadb" if group.family.startswith("mariadb") else "postgres")
    if not changed:
        return
    for instance in call.records.list(Instance):
        if instance.parameter_group != group.name or not instance.ready:
            continue
        call.start(jobs.apply_parameters, instance.resource_id, changed)
        if own in changed and instance.deployment:
            call.start(jobs.apply_read_only, instance.resource_id)


def _apply_to_members(call: Call, group: ParameterGroup, changed: list[str]) -> None:
    """Have every member of the clusters of a group take over parameters that can change while it runs."""
    own = parameters.read_only_name("mariadb" if group.family.startswith("mariadb") else "postgres")
    if not changed:
        return
    for cluster in call.records.list(Cluster):
        if cluster.parameter_group == group.name:
            for row in call.records.list(Instance, where={"cluster": cluster.resource_id}):
                if row.ready:
                    call.start(jobs.apply_parameters, row.resource_id, changed)
                if row.ready and own in changed and row.deployment:
                    call.start(jobs.apply_read_only, row.resource_id)


def _parameters(call: Call, request: Mapping[str, Any], group: ParameterGroup) -> dict[str, Any]:
    source = request.get("Source")
    if source is not None and source not in _SOURCES:
        raise bad_value(f"Invalid source: {source}. Valid sources: {', '.join(_SOURCES)}")
    rows = [_parameter(row, group) for row in parameters.table(group.family).values()]
    rows = [row for row in rows if source in {None, row["Source"]}]
    found = pages.filtered(request, rows, {"parameter-name": lambda row: row["ParameterName"]})
    page, marker = pages.page(call, request, found, lambda row: row["ParameterName"])
    return {"Parameters": page, **marker}


def _defaults(call: Call, request: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    family = request["DBParameterGroupFamily"].lower()
    group = lookup.default_group(family, kind)
    answer = _parameters(call, request, group)
    for row in answer["Parameters"]:
        # It belongs to a group, and a family is none.
        del row["ApplyMethod"]
    return {
        "EngineDefaults": {
            "DBParameterGroupFamily": family,
            "Parameters": answer["Parameters"],
            **({"Marker": answer["Marker"]} if "Marker" in answer else {}),
        }
    }


def _parameter(row: Parameter, group: ParameterGroup) -> dict[str, Any]:
    """Return a Parameter: its value is a user's, RDS's default, or left to the engine."""
    answer: dict[str, Any] = {
        "ParameterName": row.name,
        "Description": row.text,
        "ApplyType": row.apply_type,
        "DataType": row.kind,
        "IsModifiable": row.modifiable,
        "ApplyMethod": "pending-reboot",
    }
    if group.kind == "cluster":
        answer["SupportedEngineModes"] = ["provisioned"]
    if row.allowed:
        answer["AllowedValues"] = row.allowed
    if row.name in group.values:
        value, method = group.values[row.name]
        return {**answer, "ParameterValue": value, "Source": "user", "ApplyMethod": method}
    if row.default is not None:
        return {**answer, "ParameterValue": row.default, "Source": "system"}
    return {**answer, "Source": "engine-default"}
