"""Option groups: as far as templates need them; the engines here have no options."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import answers, arns, engine_names, names, pages, quotas, tagging
from coldframe.services.rds.databases import Databases
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import Instance, OptionGroup


def create_option_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a group for a major version of an engine."""
    engine = engine_names.named(request["EngineName"])
    name = names.identifier(request["OptionGroupName"], "OptionGroupName", longest=255)
    major = _major(call, engine, request["MajorEngineVersion"])
    names.required(request["OptionGroupDescription"], "OptionGroupDescription")
    quotas.within("OptionGroups", call.records.count(OptionGroup))
    arn = arns.made(call.account, call.region, "og", name)
    row = OptionGroup(
        name=name,
        engine=engine.name,
        major=major,
        description=request["OptionGroupDescription"],
        tags=tagging.of_new(call, request.get("Tags"), arn),
    )
    call.records.add(row)
    return {"OptionGroup": answers.option_group(call, row)}


def copy_option_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a group that is like another."""
    source = _found(call, _name_in(request["SourceOptionGroupIdentifier"]))
    name = names.identifier(
        request["TargetOptionGroupIdentifier"], "TargetOptionGroupIdentifier", longest=255
    )
    quotas.within("OptionGroups", call.records.count(OptionGroup))
    arn = arns.made(call.account, call.region, "og", name)
    row = OptionGroup(
        name=name,
        engine=source.engine,
        major=source.major,
        description=request["TargetOptionGroupDescription"],
        tags=tagging.of_new(call, request.get("Tags"), arn),
    )
    call.records.add(row)
    return {"OptionGroup": answers.option_group(call, row)}


def describe_option_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one group, or a page of those of an engine, the default ones among them."""
    if named := request.get("OptionGroupName"):
        rows = [_found(call, named.lower())]
    else:
        rows = [*call.records.list(OptionGroup), *_defaults(call)]
    if engine := request.get("EngineName"):
        rows = [row for row in rows if row.engine == engine]
    if major := request.get("MajorEngineVersion"):
        if not engine:
            raise bad_combination("MajorEngineVersion needs EngineName.")
        rows = [row for row in rows if row.major == major]
    page, marker = pages.page(call, request, sorted(rows, key=lambda row: row.name), lambda row: row.name)
    return {"OptionGroupsList": [answers.option_group(call, row) for row in page], **marker}


def modify_option_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Refuse options: these engines have none here."""
    row = call.records.get(OptionGroup, request["OptionGroupName"].lower())
    added = [each["OptionName"] for each in request.get("OptionsToInclude") or ()]
    if added:
        raise bad_value(f"Invalid option name: {added[0]}. {row.engine} {row.major} has no options here.")
    if not request.get("OptionsToRemove"):
        raise bad_combination("At least one option must be added, modified, or removed.")
    return {"OptionGroup": answers.option_group(call, row)}


def delete_option_group(call: Call, request: dict[str, Any]) -> None:
    """Delete a group that no instance is in."""
    row = call.records.get(OptionGroup, request["OptionGroupName"].lower())
    if any(each.option_group == row.name for each in call.records.list(Instance)):
        raise ServiceFault(
            "InvalidOptionGroupStateFault",
            f"The option group '{row.name}' cannot be deleted because it is in use.",
        )
    call.records.remove(row)


def describe_option_group_options(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the options of an engine: none."""
    engine = engine_names.named(request["EngineName"])
    if request.get("MajorEngineVersion"):
        _major(call, engine, request["MajorEngineVersion"])
    page, _ = pages.page(call, request, [], lambda row: row)
    return {"OptionGroupOptions": page}


def _major(call: Call, engine: engine_names.EngineName, major: str) -> str:
    """Return a major version of an engine that is here; raises InvalidParameterCombination."""
    known = {engine.major(version.number) for version in call.part(Databases).versions(engine.name)}
    if major not in known:
        raise bad_combination(f"Cannot find major version {major} for {engine.name}")
    return major


def _defaults(call: Call) -> list[OptionGroup]:
    databases = call.part(Databases)
    found = {
        (engine.name, engine.major(version.number))
        for name, engine in engine_names.names().items()
        for version in databases.versions(name)
    }
    return [
        OptionGroup(
            name=f"default:{engine}-{major.replace('.', '-')}",
            engine=engine,
            major=major,
            description=f"Default option group for {engine} {major}",
        )
        for engine, major in found
    ]


def _found(call: Call, name: str) -> OptionGroup:
    known = {row.name: row for row in _defaults(call)} if name.startswith("default:") else {}
    return known.get(name) or call.records.get(OptionGroup, name)


def _name_in(text: str) -> str:
    return arns.taken_apart(text)[2] if text.startswith("arn:") else text.lower()
