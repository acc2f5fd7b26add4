"""What the operations of Organizations touch, and the organization's own policy that lets member accounts in."""

from typing import Any

from coldframe.core.call import Call
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.permissions import Permissions
from coldframe.identity.policies import compiled_policy
from coldframe.services.organizations.identifiers import named


def resources(call: Call, operation: str, parameters: Any) -> list[str]:
    """Return what the request names, for the management account.

    A member account asks its own policies only whether it may call at all; membership.py then decides what it may reach
    in the management account.
    """
    place = call.part(Permissions).organizations.place(call.account)
    if place is None or place.organization.management != call.account:
        return []
    return named(call.installation.store, place.organization, parameters)


def resource_policy(call: Call, resource: str) -> tuple[AttachedPolicy | None, bool]:
    """Return the organization's resource policy for a resource that the management account owns."""
    place = call.part(Permissions).organizations.place(call.account)
    if place is None or not place.organization.resource_policy or not resource.startswith("arn:"):
        return None, False
    organization = place.organization
    name = organization.resource_policy_id
    return AttachedPolicy(name, compiled_policy(organization.resource_policy, "resource")), False


def context(call: Call, operation: str, parameters: Any) -> dict[str, str | list[str]]:
    """Return the condition keys that a request answers: policy type, service principal, tags."""
    found: dict[str, str | list[str]] = {}
    kind = parameters.get("PolicyType") or parameters.get("Type") or parameters.get("Filter")
    if isinstance(kind, str):
        found["organizations:PolicyType"] = kind
    if parameters.get("ServicePrincipal"):
        found["organizations:ServicePrincipal"] = parameters["ServicePrincipal"]
    tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags") or ()}
    for key, value in tags.items():
        found[f"aws:RequestTag/{key}"] = value
    keys = [*tags, *(parameters.get("TagKeys") or ())]
    if keys:
        found["aws:TagKeys"] = keys
    return found
