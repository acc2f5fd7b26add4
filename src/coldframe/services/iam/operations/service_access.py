"""Which policies of an entity allow anything of a service."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.identity.policies import compiled_policy
from coldframe.identity.records import Group, User
from coldframe.services.iam.names import Entity
from coldframe.services.iam.policies_in_use import find_policy
from coldframe.services.iam.sources import find_entity

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes

# Each policy as the answer has it, with its document.
_Found = tuple[dict[str, str], str]


def list_policies_granting_service_access(
    call: Call, request: "shapes.ListPoliciesGrantingServiceAccessRequestTypeDef"
) -> dict[str, Any]:
    """List, for each service, the policies that allow actions of it; denies and boundaries are not looked at."""
    row = find_entity(call, request["Arn"])
    found = list(_policies(call, row))
    if isinstance(row, User):
        for name in row.groups:
            found += _policies(call, call.records.get(Group, name))
    entries = [
        {
            "ServiceNamespace": service,
            "Policies": [shape for shape, document in found if _allows(document, service.lower())],
        }
        for service in request["ServiceNamespaces"]
    ]
    return {"PoliciesGrantingServiceAccess": entries, "IsTruncated": False}


def _policies(call: Call, row: Entity) -> Iterator[_Found]:
    for arn in row.attached:
        policy = find_policy(call, arn)
        if policy is not None:
            shape = {"PolicyName": policy.name, "PolicyType": "MANAGED", "PolicyArn": arn}
            yield shape, policy.documents[policy.default]
    owner = {"EntityType": type(row).__name__.upper(), "EntityName": row.name}
    for name, document in row.inline.items():
        yield {"PolicyName": name, "PolicyType": "INLINE", **owner}, document


def _allows(document: str, service: str) -> bool:
    policy = compiled_policy(document, "identity")
    return any(
        statement.allow and (statement.not_action or _names(statement.actions.services, service))
        for statement in policy.candidates(service)
    )


def _names(services: frozenset[str] | None, service: str) -> bool:
    return services is None or service in services
