"""With which accounts a manual snapshot is shared, of an instance or of a cluster; what others share with the caller's."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.rds import arns
from coldframe.services.rds.faults import bad_combination, bad_value
from coldframe.services.rds.records import Snapshot

_MOST = 20


def shared_after(shared_with: Sequence[str], request: Mapping[str, Any]) -> list[str]:
    """Return the accounts after a request adds some and removes some; raises InvalidParameterValue, InvalidParameterCombination.

    Source: Amazon RDS API Reference, ModifyDBSnapshotAttribute and ModifyDBClusterSnapshotAttribute.
    """
    if request["AttributeName"] != "restore":
        raise bad_value(f"Invalid snapshot attribute {request['AttributeName']}")
    added, removed = request.get("ValuesToAdd") or [], request.get("ValuesToRemove") or []
    if both := [value for value in added if value in removed]:
        raise bad_combination(f"A value may not appear in both the add list and remove list. {both}")
    for value in added:
        if value == "all":
            raise bad_combination("There is no public beyond this installation; name accounts.")
        if not (value.isascii() and value.isdigit() and len(value) == 12):
            raise bad_value(f"Invalid account: {value}")
    found = [each for each in dict.fromkeys([*shared_with, *added]) if each not in removed]
    if len(found) > _MOST:
        raise ServiceFault(
            "SharedSnapshotQuotaExceededFault",
            f"You have exceeded the maximum number of accounts that you can share a manual snapshot with: {_MOST}.",
        )
    return found


def shared_with(call: Call) -> list[Snapshot]:
    """Return the snapshots that other accounts share with the caller's in this region; their ARNs are their identifiers.

    A row that does not name the caller's account is none of the caller's business, and goes no further than this.
    """
    return [
        replace(row, identifier=arns.made(account, region, "snapshot", row.identifier), tags={})
        for account, region, row in call.records.everywhere(Snapshot)
        if region == call.region and account != call.account and call.account in row.shared_with
    ]


def usable(call: Call, name: str) -> tuple[Snapshot, str] | None:
    """Return the snapshot that a name or an ARN means, and what a job finds it by; None where the caller has none of it.

    It is of the caller's account, or shared with it, and of this region.
    """
    if not name.startswith("arn:"):
        found = call.records.find(Snapshot, name.lower())
        return None if found is None else (found, found.identifier)
    arn, kind, identifier = arns.taken_apart(name, "DBSnapshotIdentifier")
    if kind != "snapshot" or arn.region != call.region:
        return None
    found = call.records.elsewhere(account=arn.account).find(Snapshot, identifier)
    if found is None or call.account not in {arn.account, *found.shared_with}:
        return None
    own = arn.account == call.account
    return found, found.identifier if own else arns.made(arn.account, arn.region, "snapshot", identifier)
