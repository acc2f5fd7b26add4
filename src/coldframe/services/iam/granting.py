"""Which policies an entity itself has, and whether a policy allows anything of a service."""

from collections.abc import Iterator

from coldframe.core.call import Call
from coldframe.identity.policies import compiled_policy
from coldframe.services.iam.names import Entity
from coldframe.services.iam.policies_in_use import find_policy

# Each policy as the answer of ListPoliciesGrantingServiceAccess has it, with its document.
_Found = tuple[dict[str, str], str]


def policies_of(call: Call, row: Entity) -> Iterator[_Found]:
    """Give the policies of an entity itself, not those of its groups: each in the shape of the API, and its document."""
    for arn in row.attached:
        policy = find_policy(call, arn)
        if policy is not None:
            shape = {"PolicyName": policy.name, "PolicyType": "MANAGED", "PolicyArn": arn}
            yield shape, policy.documents[policy.default]
    owner = {"EntityType": type(row).__name__.upper(), "EntityName": row.name}
    for name, document in row.inline.items():
        yield {"PolicyName": name, "PolicyType": "INLINE", **owner}, document


def allows(document: str, service: str) -> bool:
    """Tell whether a document allows anything of a service, by its prefix; denies are not looked at."""
    policy = compiled_policy(document, "identity")
    return any(
        statement.allow and (statement.not_action or _names(statement.actions.services, service))
        for statement in policy.candidates(service)
    )


def _names(services: frozenset[str] | None, service: str) -> bool:
    return services is None or service in services
