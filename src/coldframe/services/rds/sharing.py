"""With which accounts a manual snapshot is shared, of an instance or of a cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

from coldframe.services.rds.faults import bad_combination, bad_value


def shared_after(shared_with: Sequence[str], request: Mapping[str, Any]) -> list[str]:
    """Return the accounts after a request adds some and removes some; raises InvalidParameterValue, InvalidParameterCombination.

    Source: Amazon RDS API Reference, ModifyDBSnapshotAttribute and ModifyDBClusterSnapshotAttribute.
    """
    if request["AttributeName"] != "restore":
        raise bad_value(f"Invalid attribute name: {request['AttributeName']}. The attribute is restore.")
    added, removed = request.get("ValuesToAdd") or [], request.get("ValuesToRemove") or []
    for value in added:
        if value == "all":
            raise bad_combination("There is no public beyond this installation; name accounts.")
        if not (value.isascii() and value.isdigit() and len(value) == 12):
            raise bad_value(f"Invalid account: {value}")
    return [each for each in dict.fromkeys([*shared_with, *added]) if each not in removed]
