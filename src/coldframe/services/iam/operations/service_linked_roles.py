"""Roles linked to a service: only the service takes them on, and their owner can only delete them."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.struct_types import whole
from coldframe.identity.records import Role
from coldframe.services.iam import answers, names
from coldframe.services.iam.records import RoleDeletion

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


class _Services(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    roles: dict[str, str]
    suffix: list[str]


def create_service_linked_role(
    call: Call, request: "shapes.CreateServiceLinkedRoleRequestTypeDef"
) -> dict[str, Any]:
    """Make the role that a service is linked to; the service must be one that has such a role."""
    service, suffix = request["AWSServiceName"], request.get("CustomSuffix", "")
    table, short = _services(), service.removesuffix(".amazonaws.com")
    if short == service or short not in table.roles:
        raise ServiceFault("InvalidInput", f"The AWS service name {service} has no service-linked role here.")
    if suffix and short not in table.suffix:
        raise ServiceFault("InvalidInput", f"Custom suffix is not allowed for {service}")
    name = f"AWSServiceRoleFor{table.roles[short]}" + (f"_{suffix}" if suffix else "")
    if call.records.find(Role, name) is not None:
        raise ServiceFault(
            "InvalidInput",
            f"Service role name {name} has been taken in this account, please try a different suffix.",
        )
    names.check_free(call, Role, name)
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    row = Role(
        name=name,
        folded=name.lower(),
        id=ids.unique_id("AROA"),
        path=f"/aws-service-role/{service}/",
        created=call.now // 1000,
        trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        description=request.get("Description", ""),
        service_linked=True,
    )
    call.records.add(row)
    return {"Role": answers.role(call, row, whole=True)}


def delete_service_linked_role(
    call: Call, request: "shapes.DeleteServiceLinkedRoleRequestTypeDef"
) -> dict[str, Any]:
    """Delete a service-linked role and return the id of the task that did so."""
    row = call.records.get(Role, request["RoleName"])
    if not row.service_linked:
        raise ServiceFault("InvalidInput", f"Role {row.name} is not a service-linked role.")
    task = f"task{row.path}{row.name}/{call.new_id()}"
    call.records.remove(row)
    call.records.add(RoleDeletion(task=task, deleted=call.now // 1000))
    return {"DeletionTaskId": task}


def get_service_linked_role_deletion_status(
    call: Call, request: "shapes.GetServiceLinkedRoleDeletionStatusRequestTypeDef"
) -> dict[str, Any]:
    """Return how a deletion went: a task that is known has deleted its role."""
    call.records.get(RoleDeletion, request["DeletionTaskId"])
    return {"Status": "SUCCEEDED"}


@lru_cache(maxsize=1)
def _services() -> _Services:
    text = files("coldframe.services.iam").joinpath("service_linked.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=whole(_Services))
