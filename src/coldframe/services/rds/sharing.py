"""With which accounts a manual snapshot is shared, of an instance or of a cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.core.faults import ServiceFault
from coldframe.services.rds.faults import bad_combination, bad_value

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
