"""DB subnet groups: their subnets are remembered as given, for there are no networks here yet."""

import re
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import answers, arns, names, pages, quotas, tagging
from coldframe.services.rds.faults import bad_value
from coldframe.services.rds.records import Instance, SubnetGroup

_FEWEST = 2
_SUBNET = re.compile(r"subnet-[0-9a-zA-Z-]{1,40}")


def create_db_subnet_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a group of at least two subnets."""
    name = names.subnet_group(request["DBSubnetGroupName"], "DBSubnetGroupName")
    if name == "default":
        raise bad_value("The parameter DBSubnetGroupName is not valid: default is RDS's own.")
    if call.records.find(SubnetGroup, name) is None:
        quotas.within("DBSubnetGroups", call.records.count(SubnetGroup))
    arn = arns.made(call.account, call.region, "subgrp", name)
    row = SubnetGroup(
        name=name,
        description=names.required(request["DBSubnetGroupDescription"], "DBSubnetGroupDescription"),
        subnets=_subnets(request["SubnetIds"]),
        tags=tagging.of_new(call, request.get("Tags"), arn),
    )
    call.records.add(row)
    return {"DBSubnetGroup": answers.subnet_group(call, row)}


def describe_db_subnet_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return one group, or a page of all."""
    named = request.get("DBSubnetGroupName")
    rows = [call.records.get(SubnetGroup, named.lower())] if named else call.records.list(SubnetGroup)
    page, marker = pages.page(call, request, rows, lambda row: row.name)
    return {"DBSubnetGroups": [answers.subnet_group(call, row) for row in page], **marker}


def modify_db_subnet_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Give a group other subnets, or another description."""
    row = call.records.get(SubnetGroup, request["DBSubnetGroupName"].lower())
    row = call.records.change(
        row,
        subnets=_subnets(request["SubnetIds"]),
        description=request.get("DBSubnetGroupDescription") or row.description,
    )
    return {"DBSubnetGroup": answers.subnet_group(call, row)}


def delete_db_subnet_group(call: Call, request: dict[str, Any]) -> None:
    """Delete a group that no instance is in."""
    row = call.records.get(SubnetGroup, request["DBSubnetGroupName"].lower())
    users = [each.identifier for each in call.records.list(Instance) if each.subnet_group == row.name]
    if users:
        raise ServiceFault(
            "InvalidDBSubnetGroupStateFault",
            f"Cannot delete the subnet group '{row.name}' because at least one database instance: {users[0]} is still"
            " using it.",
        )
    call.records.remove(row)


def _subnets(given: list[str]) -> list[str]:
    found = list(dict.fromkeys(given))
    if wrong := [each for each in found if _SUBNET.fullmatch(each) is None]:
        raise ServiceFault("InvalidSubnet", f"Some input subnets in :[{', '.join(wrong)}] are invalid.")
    quotas.within("SubnetsPerDBSubnetGroup", len(found), 0)
    if len(found) < _FEWEST:
        raise ServiceFault(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Add subnets to cover at least 2 AZs.",
        )
    return found
