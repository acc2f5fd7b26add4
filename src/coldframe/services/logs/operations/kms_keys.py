"""KMS keys of log groups: associated for the events to come, and disassociated."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt
from coldframe.services.logs.group_keys import GroupKeys, with_key
from coldframe.services.logs.lookup import cached_group, group_arn, invalid, name_in
from coldframe.services.logs.records import LogGroup


def associate_kms_key(call: Call, request: dict[str, Any]) -> None:
    """Encrypt the events of a group under a key from now on."""
    group = cached_group(call, _name(call, request))
    arn, key = group_arn(call, group.name), request["kmsKeyId"]
    wrapped = call.part(GroupKeys).make(arn, key)
    records = call.records
    records.put(with_key(records, records.get(LogGroup, group.name), arn, key, wrapped))


def disassociate_kms_key(call: Call, request: dict[str, Any]) -> None:
    """Encrypt the events of a group under its key no longer; those that are stay so, and still need the key."""
    group = call.records.get(LogGroup, _name(call, request))
    call.records.change(group, kms_key="")


def _name(call: Call, request: dict[str, Any]) -> str:
    """Return the group's name; exactly one of logGroupName and resourceIdentifier must be there."""
    name, identifier = request.get("logGroupName"), request.get("resourceIdentifier")
    if (name is None) == (identifier is None):
        raise invalid("You must specify either logGroupName or resourceIdentifier, but not both.")
    if name is not None:
        return str(name)
    if ":query-result" in str(identifier):
        raise NotBuilt(
            "Query results are encrypted with the server's own key; a KMS key for them is not built."
        )
    return name_in(call, str(identifier))
