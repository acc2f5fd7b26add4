"""Which policies are attached to which roots, units and accounts."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.organization import ManagedControlPolicy
from coldframe.services.organizations import answers, policies, tree
from coldframe.services.organizations.membership import delegated, readable
from coldframe.services.organizations.pages import answer, items
from coldframe.services.organizations.reasons import constraint, invalid

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        AttachPolicyRequestTypeDef,
        DetachPolicyRequestTypeDef,
        ListPoliciesForTargetRequestTypeDef,
        ListPoliciesForTargetResponseTypeDef,
        ListTargetsForPolicyRequestTypeDef,
        ListTargetsForPolicyResponseTypeDef,
    )


def attach_policy(call: Call, request: "AttachPolicyRequestTypeDef") -> None:
    """Attach a policy of an enabled type; five of a type are the most, and it binds from the next call on."""
    organization = delegated(call, request)
    policy = policies.find(call, organization, request["PolicyId"])
    entity = tree.target(call, organization, request["TargetId"])
    if policy.kind not in organization.policy_types:
        raise ServiceFault(
            "PolicyTypeNotEnabledException",
            "The specified policy type isn't currently enabled in this root. You can't attach policies of the"
            " specified type to entities in a root until you enable that type in the root.",
        )
    attached = tree.attached(entity)
    if policy.id in attached:
        raise ServiceFault(
            "DuplicatePolicyAttachmentException",
            "The selected policy is already attached to the specified target.",
        )
    same = [other for other in attached if policies.find(call, organization, other).kind == policy.kind]
    if len(same) >= policies.MOST_ATTACHED:
        raise constraint("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    tree.set_attached(call, entity, [*attached, policy.id])


def detach_policy(call: Call, request: "DetachPolicyRequestTypeDef") -> None:
    """Detach a policy; one of its type must stay, and the resource control policy of AWS always does."""
    organization = delegated(call, request)
    policy = policies.find(call, organization, request["PolicyId"])
    entity = tree.target(call, organization, request["TargetId"])
    if isinstance(policy, ManagedControlPolicy) and not policy.detachable:
        raise invalid("NON_DETACHABLE_POLICY")
    attached = tree.attached(entity)
    if policy.id not in attached:
        raise ServiceFault(
            "PolicyNotAttachedException",
            "The policy isn't attached to the specified target in the specified root.",
        )
    rest = [other for other in attached if other != policy.id]
    if not any(policies.find(call, organization, other).kind == policy.kind for other in rest):
        raise constraint("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    tree.set_attached(call, entity, rest)


def list_policies_for_target(
    call: Call, request: "ListPoliciesForTargetRequestTypeDef"
) -> "ListPoliciesForTargetResponseTypeDef":
    """Return the policies of one type that are attached to the target itself, not those it inherits."""
    organization = readable(call, request)
    entity = tree.target(call, organization, request["TargetId"])
    attached = [policies.find(call, organization, other) for other in tree.attached(entity)]
    wanted = [policy for policy in attached if policy.kind == request["Filter"]]
    found, token = items(call, request, wanted, lambda policy: policy.id)
    shown = [answers.of_policy(organization, policy) for policy in found]
    return answer("Policies", shown, token)  # type: ignore[no-any-return]


def list_targets_for_policy(
    call: Call, request: "ListTargetsForPolicyRequestTypeDef"
) -> "ListTargetsForPolicyResponseTypeDef":
    """Return the roots, units and accounts that a policy is attached to."""
    organization = readable(call, request)
    policy = policies.find(call, organization, request["PolicyId"])
    wanted = [entity for entity in tree.targets(call, organization) if policy.id in tree.attached(entity)]
    found, token = items(call, request, wanted, tree.identifier_of)
    shown = [answers.of_target(organization, entity) for entity in found]
    return answer("Targets", shown, token)  # type: ignore[no-any-return]
