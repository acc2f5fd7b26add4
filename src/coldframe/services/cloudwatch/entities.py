"""Entities that metric data may name: what PutMetricData checks of them."""

from typing import TYPE_CHECKING

from coldframe.core.faults import ServiceFault
from coldframe.services.cloudwatch.datums import invalid

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import PutMetricDataInputTypeDef

_MOST = 2
_ATTRIBUTES = {"Type", "ResourceType", "Identifier", "Name", "Environment"}


def check(request: "PutMetricDataInputTypeDef") -> None:
    """Raise MissingParameter and InvalidParameterValue for entity data that strict validation refuses."""
    given = request.get("EntityMetricData") or []
    if not given:
        return
    strict = request.get("StrictEntityValidation")
    if strict is None:
        raise ServiceFault("MissingParameter", "The parameter StrictEntityValidation is required.")
    if not strict:
        return
    if len(given) > _MOST:
        raise invalid("EntitySizeTooLarge - The number of EntityMetricData objects allowed is 2.")
    for each in given:
        keys = (each.get("Entity") or {}).get("KeyAttributes") or {}
        if "Type" not in keys:
            raise invalid("MissingRequiredFields - There are missing required fields in the KeyAttributes.")
        if unknown := set(keys) - _ATTRIBUTES:
            raise invalid(
                f"InvalidKeyAttributes - The provided KeyAttributes of an entity is invalid: {', '.join(sorted(unknown))}."
            )
