"""Policies of the organization: made, changed, deleted and described."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import organization as organizations
from coldframe.identity.organization import ManagedControlPolicy
from coldframe.identity.records import Organization, OrganizationPolicy
from coldframe.services.organizations import answers, identifiers, policies, tree
from coldframe.services.organizations.membership import delegated, readable
from coldframe.services.organizations.pages import answer, items
from coldframe.services.organizations.reasons import constraint, invalid
from coldframe.services.organizations.tagging import tags_of_new

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        CreatePolicyRequestTypeDef,
        CreatePolicyResponseTypeDef,
        DeletePolicyRequestTypeDef,
        DescribePolicyRequestTypeDef,
        DescribePolicyResponseTypeDef,
        ListPoliciesRequestTypeDef,
        ListPoliciesResponseTypeDef,
        PolicyTypeDef,
        UpdatePolicyRequestTypeDef,
        UpdatePolicyResponseTypeDef,
    )


def create_policy(call: Call, request: "CreatePolicyRequestTypeDef") -> "CreatePolicyResponseTypeDef":
    """Make a policy; it binds nobody before it is attached."""
    organization = delegated(call, request)
    kind, name = request["Type"], request["Name"]
    policies.check_kind(organization, kind)
    policies.check_document(request["Content"], kind)
    _check_name(call, organization, kind, name)
    where = {"organization": organization.id, "kind": kind}
    if call.records.count(OrganizationPolicy, where=where) >= policies.MOST_POLICIES:
        raise constraint("POLICY_NUMBER_LIMIT_EXCEEDED")
    identifier = identifiers.new_policy()
    arn = identifiers.policy_arn(organization, identifier, kind)
    policy = OrganizationPolicy(
        id=identifier,
        organization=organization.id,
        name=name,
        kind=kind,
        document=request["Content"],
        description=request["Description"],
        tags=tags_of_new(call, request.get("Tags"), arn),
    )
    call.records.add(policy)
    return {"Policy": _shown(organization, policy)}  # type: ignore[typeddict-item]


def update_policy(call: Call, request: "UpdatePolicyRequestTypeDef") -> "UpdatePolicyResponseTypeDef":
    """Change what is given of name, description and content; a new content binds from the next call on."""
    organization = delegated(call, request)
    policy = _changeable(call, organization, request["PolicyId"])
    name = request.get("Name", policy.name)
    document = request.get("Content", policy.document)
    policies.check_document(document, policy.kind)
    if name != policy.name:
        _check_name(call, organization, policy.kind, name)
    description = request.get("Description", policy.description)
    policy = call.records.change(policy, name=name, document=document, description=description)
    return {"Policy": _shown(organization, policy)}  # type: ignore[typeddict-item]


def delete_policy(call: Call, request: "DeletePolicyRequestTypeDef") -> None:
    """Delete a policy that is attached nowhere."""
    organization = delegated(call, request)
    policy = _changeable(call, organization, request["PolicyId"])
    if any(policy.id in tree.attached(entity) for entity in tree.targets(call, organization)):
        raise ServiceFault(
            "PolicyInUseException",
            "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts"
            " before performing this operation.",
        )
    call.records.remove(policy)


def describe_policy(call: Call, request: "DescribePolicyRequestTypeDef") -> "DescribePolicyResponseTypeDef":
    """Return a policy with its content."""
    organization = readable(call, request)
    policy = policies.find(call, organization, request["PolicyId"])
    return {"Policy": _shown(organization, policy)}  # type: ignore[typeddict-item]


def list_policies(call: Call, request: "ListPoliciesRequestTypeDef") -> "ListPoliciesResponseTypeDef":
    """Return the policies of one type, AWS's own included."""
    organization = readable(call, request)
    own: list[policies.AnyPolicy] = [
        policy for policy in organizations.managed().values() if policy.kind == request["Filter"]
    ]
    where = {"organization": organization.id, "kind": request["Filter"]}
    everything = own + list(call.records.list(OrganizationPolicy, where=where))
    found, token = items(call, request, everything, lambda policy: policy.id)
    shown = [answers.of_policy(organization, policy) for policy in found]
    return answer("Policies", shown, token)  # type: ignore[no-any-return]


def _changeable(call: Call, organization: Organization, identifier: str) -> OrganizationPolicy:
    policy = policies.find(call, organization, identifier)
    if isinstance(policy, ManagedControlPolicy):
        raise invalid("IMMUTABLE_POLICY")
    return policy


def _check_name(call: Call, organization: Organization, kind: str, name: str) -> None:
    where = {"organization": organization.id, "kind": kind, "name": name}
    taken = any(own.name == name and own.kind == kind for own in organizations.managed().values())
    if taken or call.records.count(OrganizationPolicy, where=where):
        raise ServiceFault("DuplicatePolicyException", "A policy with the same name already exists.")


def _shown(organization: Organization, policy: policies.AnyPolicy) -> "PolicyTypeDef":
    return {"PolicySummary": answers.of_policy(organization, policy), "Content": policy.document}
