"""The types of policies that are enabled in the root."""

from typing import TYPE_CHECKING

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import organization as organizations
from coldframe.identity.records import Organization
from coldframe.services.organizations import answers, policies, tree
from coldframe.services.organizations.membership import delegated

if TYPE_CHECKING:
    from types_boto3_organizations.type_defs import (
        DisablePolicyTypeRequestTypeDef,
        DisablePolicyTypeResponseTypeDef,
        EnablePolicyTypeRequestTypeDef,
        EnablePolicyTypeResponseTypeDef,
    )


def enable_policy_type(
    call: Call, request: "EnablePolicyTypeRequestTypeDef"
) -> "EnablePolicyTypeResponseTypeDef":
    """Enable a type of policies: AWS's own policy of it, which allows everything, is attached everywhere."""
    organization = delegated(call, request)
    kind = request["PolicyType"]
    _check_root(organization, request["RootId"])
    policies.check_kind(organization, kind)
    if kind in organization.unlisted:
        # It holds already; from now on it is listed too. Clients that enable what they need find it so at AWS.
        organization = call.records.change(organization, unlisted=_without(organization.unlisted, kind))
        return {"Root": answers.of_root(organization)}  # type: ignore[typeddict-item]
    if kind in organization.policy_types:
        raise ServiceFault(
            "PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled."
        )
    own = [policy.id for policy in organizations.managed().values() if policy.kind == kind]
    for entity in tree.targets(call, organization):
        tree.set_attached(call, entity, [*tree.attached(entity), *own])
    organization = call.records.change(organization, policy_types=[*organization.policy_types, kind])
    return {"Root": answers.of_root(organization)}  # type: ignore[typeddict-item]


def disable_policy_type(
    call: Call, request: "DisablePolicyTypeRequestTypeDef"
) -> "DisablePolicyTypeResponseTypeDef":
    """Disable a type of policies: all of it are detached from everything, and stay to be attached again."""
    organization = delegated(call, request)
    kind = request["PolicyType"]
    _check_root(organization, request["RootId"])
    if kind not in organization.policy_types:
        raise ServiceFault(
            "PolicyTypeNotEnabledException", "The specified policy type isn't currently enabled in this root."
        )
    for entity in tree.targets(call, organization):
        rest = [
            other for other in tree.attached(entity) if policies.find(call, organization, other).kind != kind
        ]
        tree.set_attached(call, entity, rest)
    organization = call.records.change(
        organization,
        policy_types=_without(organization.policy_types, kind),
        unlisted=_without(organization.unlisted, kind),
    )
    return {"Root": answers.of_root(organization)}  # type: ignore[typeddict-item]


def _without(kinds: list[str], kind: str) -> list[str]:
    return [other for other in kinds if other != kind]


def _check_root(organization: Organization, root: str) -> None:
    if root != organization.root:
        raise ServiceFault(
            "RootNotFoundException", "We can't find a root with the RootId that you specified."
        )
