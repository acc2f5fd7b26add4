"""Which policies of an entity allow anything of a service."""

from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.identity.records import Group, User
from coldframe.services.iam.granting import allows, policies_of
from coldframe.services.iam.sources import find_entity

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def list_policies_granting_service_access(
    call: Call, request: "shapes.ListPoliciesGrantingServiceAccessRequestTypeDef"
) -> dict[str, Any]:
    """List, for each service, the policies that allow actions of it; denies and boundaries are not looked at."""
    row = find_entity(call, request["Arn"])
    found = list(policies_of(call, row))
    if isinstance(row, User):
        for name in row.groups:
            found += policies_of(call, call.records.get(Group, name))
    entries = [
        {
            "ServiceNamespace": service,
            "Policies": [shape for shape, document in found if allows(document, service.lower())],
        }
        for service in request["ServiceNamespaces"]
    ]
    return {"PoliciesGrantingServiceAccess": entries, "IsTruncated": False}
