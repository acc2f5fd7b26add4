"""The organization's resource policy, which opens operations to member accounts."""

import json
from typing import TYPE_CHECKING, Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.policies import parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.identity.records import Organization
from coldframe.services.organizations import identifiers
from coldframe.services.organizations.membership import managed, readable
from coldframe.services.organizations.reasons import constraint, invalid
from coldframe.services.organizations.tagging import checked, tags_of_new

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        DescribeResourcePolicyResponseTypeDef,
        PutResourcePolicyRequestTypeDef,
        PutResourcePolicyResponseTypeDef,
        ResourcePolicyTypeDef,
    )


def put_resource_policy(
    call: Call, request: "PutResourcePolicyRequestTypeDef"
) -> "PutResourcePolicyResponseTypeDef":
    """Create or replace the resource policy; tags are taken when it is created."""
    organization = managed(call)
    if organization.features != "ALL":
        raise constraint("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE")
    _check(request["Content"])
    identifier = organization.resource_policy_id or identifiers.new_resource_policy()
    tags = tags_of_new(call, request.get("Tags"), identifiers.arn(organization, identifier))
    organization = call.records.change(
        organization,
        resource_policy=request["Content"],
        resource_policy_id=identifier,
        resource_policy_tags=checked(None, {**organization.resource_policy_tags, **tags}),
    )
    return {"ResourcePolicy": _shown(organization)}  # type: ignore[typeddict-item]


def describe_resource_policy(
    call: Call, request: dict[str, object]
) -> "DescribeResourcePolicyResponseTypeDef":
    """Return the resource policy."""
    return {"ResourcePolicy": _shown(_present(readable(call, request)))}  # type: ignore[typeddict-item]


def delete_resource_policy(call: Call, request: dict[str, object]) -> None:
    """Delete the resource policy."""
    organization = _present(managed(call))
    call.records.change(organization, resource_policy="", resource_policy_id="", resource_policy_tags={})


def _present(organization: Organization) -> Organization:
    if not organization.resource_policy:
        raise ServiceFault(
            "ResourcePolicyNotFoundException", "We can't find a resource policy request with the parameters."
        )
    return organization


def _shown(organization: Organization) -> "ResourcePolicyTypeDef":
    identifier = organization.resource_policy_id
    return {
        "ResourcePolicySummary": {"Id": identifier, "Arn": identifiers.arn(organization, identifier)},
        "Content": organization.resource_policy,
    }


def _check(document: str) -> None:
    """Raise unless this is a resource policy that speaks of Organizations' actions alone."""
    try:
        parse_policy(document, "resource")
    except PolicyError as error:
        raise invalid("INVALID_RESOURCE_POLICY_JSON", str(error)) from error
    statements: Any = json.loads(document)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement.get("Action", "organizations:*")
        for action in [actions] if isinstance(actions, str) else actions:
            if not action.lower().startswith("organizations:"):
                raise invalid("UNSUPPORTED_ACTION_IN_RESOURCE_POLICY", action)
