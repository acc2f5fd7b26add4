"""The ids of Organizations in AWS's forms, and the ARNs made of them."""

from collections.abc import Mapping
from typing import Any

from coldframe.core import ids
from coldframe.core.store import Store
from coldframe.identity import organization as organizations
from coldframe.identity.records import Organization, OrganizationPolicy

# The members of requests that name something in the organization.
_NAMING = (
    *("PolicyId", "TargetId", "AccountId", "OrganizationalUnitId", "ParentId", "ChildId", "RootId"),
    *("SourceParentId", "DestinationParentId", "HandshakeId", "ResourceId"),
)


def new_organization() -> str:
    """Return a new organization id."""
    return f"o-{ids.lower(10)}"


def new_root() -> str:
    """Return a new root id."""
    return f"r-{ids.lower(4)}"


def new_unit(root: str) -> str:
    """Return a new id of an organizational unit; it holds its root's."""
    return f"ou-{root.removeprefix('r-')}-{ids.lower(8)}"


def new_policy() -> str:
    """Return a new policy id."""
    return f"p-{ids.lower(8)}"


def new_resource_policy() -> str:
    """Return a new id of a resource policy."""
    return f"rp-{ids.lower(8)}"


def new_account_request() -> str:
    """Return a new id of a request for an account."""
    return f"car-{ids.lower(32)}"


def new_handshake() -> str:
    """Return a new handshake id."""
    return f"h-{ids.lower(32)}"


def new_account() -> str:
    """Return a new account id."""
    return ids.digits(12)


def organization_arn(organization: Organization) -> str:
    """Return the ARN of an organization."""
    return f"arn:aws:organizations::{organization.management}:organization/{organization.id}"


def arn(organization: Organization, identifier: str) -> str:
    """Return the ARN of an account, root, unit, handshake or resource policy by its id; policies have `policy_arn`."""
    kinds = {"r": "root", "ou": "ou", "rp": "resourcepolicy"}
    prefix = identifier.partition("-")[0]
    if prefix == "h":
        return f"{_within(organization, 'handshake')}/invite/{identifier}"
    return f"{_within(organization, kinds.get(prefix, 'account'))}/{identifier}"


def policy_arn(organization: Organization, identifier: str, kind: str) -> str:
    """Return the ARN of a policy of a type; AWS's own stand in no account."""
    if identifier in organizations.managed():
        return f"arn:aws:organizations::aws:policy/{kind.lower()}/{identifier}"
    return f"{_within(organization, 'policy')}/{kind.lower()}/{identifier}"


def named(store: Store, organization: Organization, parameters: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of everything in the organization that a request names."""
    found: list[str] = []
    for member in _NAMING:
        identifier = parameters.get(member)
        if identifier is None:
            continue
        if not identifier.startswith("p-"):
            found.append(arn(organization, identifier))
            continue
        policy = organizations.managed().get(identifier) or store.cached(
            OrganizationPolicy, "", "", identifier
        )
        found.append(policy_arn(organization, identifier, policy.kind if policy is not None else "*"))
    return found


def _within(organization: Organization, kind: str) -> str:
    return f"arn:aws:organizations::{organization.management}:{kind}/{organization.id}"
