"""The tree of an organization: its root, units and accounts, and the policies attached to each of them."""

from collections.abc import Sequence

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity import organization as organizations
from coldframe.identity.records import Account, Organization, OrganizationalUnit

# Where a policy can be attached; the organization itself stands for its one root.
Target = Organization | OrganizationalUnit | Account


def find(call: Call, organization: Organization, identifier: str) -> Target | None:
    """Return the root, unit or account of the organization with this id; None when there is none."""
    if identifier == organization.root:
        return organization
    found: OrganizationalUnit | Account | None
    if identifier.startswith("ou-"):
        found = call.records.find(OrganizationalUnit, identifier)
    else:
        found = call.records.find(Account, identifier)
    return found if found is not None and found.organization == organization.id else None


def target(call: Call, organization: Organization, identifier: str) -> Target:
    """Return the root, unit or account with this id; raises TargetNotFoundException."""
    found = find(call, organization, identifier)
    if found is None:
        raise ServiceFault(
            "TargetNotFoundException",
            "We can't find a root, OU, account, or policy with the TargetId that you specified.",
        )
    return found


def parent(
    call: Call, organization: Organization, identifier: str, *, missing: str = "ParentNotFoundException"
) -> Organization | OrganizationalUnit:
    """Return the root or unit with this id; raises the fault that `missing` names."""
    found = find(call, organization, identifier)
    if found is None or isinstance(found, Account):
        raise ServiceFault(
            missing, f"We can't find a root or OU with the id that you specified: {identifier}."
        )
    return found


def unit(call: Call, organization: Organization, identifier: str) -> OrganizationalUnit:
    """Return the unit with this id; raises OrganizationalUnitNotFoundException."""
    found = call.records.get(OrganizationalUnit, identifier)
    if found.organization != organization.id:
        raise ServiceFault(
            "OrganizationalUnitNotFoundException", "You specified an organizational unit that doesn't exist."
        )
    return found


def steps(call: Call, organization: Organization, place: str) -> list[str]:
    """Return the ids from the organization over its root down to the root or unit `place`."""
    units: list[str] = []
    while place != organization.root:
        units.append(place)
        place = call.records.get(OrganizationalUnit, place).parent
    return [organization.id, organization.root, *reversed(units)]


def path(steps_: Sequence[str]) -> str:
    """Return steps as a path: `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`."""
    return "".join(f"{step}/" for step in steps_)


def identifier_of(entity: Target) -> str:
    """Return the id of an account, a unit, or an organization's root."""
    return entity.root if isinstance(entity, Organization) else entity.id


def attached(entity: Target) -> list[str]:
    """Return the ids of the policies attached to an entity."""
    return entity.root_policies if isinstance(entity, Organization) else entity.policies


def set_attached(call: Call, entity: Target, policies: list[str]) -> None:
    """Attach these policies to an entity, and no others."""
    if isinstance(entity, Organization):
        call.records.change(entity, root_policies=policies)
    else:
        call.records.change(entity, policies=policies)


def targets(call: Call, organization: Organization) -> list[Target]:
    """Return everything that policies can be attached to: the root, then units and accounts by id."""
    where = {"organization": organization.id}
    return [
        organization,
        *call.records.list(OrganizationalUnit, where=where),
        *call.records.list(Account, where=where),
    ]


def defaults(organization: Organization) -> list[str]:
    """Return the policies that are attached to everything new: AWS's own of each type that is enabled."""
    return [
        policy.id for policy in organizations.managed().values() if policy.kind in organization.policy_types
    ]


def join(
    call: Call,
    organization: Organization,
    account: Account,
    *,
    method: str,
    tags: dict[str, str] | None = None,
) -> Account:
    """Put an account under the organization's root."""
    return call.records.change(
        account,
        organization=organization.id,
        parent=organization.root,
        policies=defaults(organization),
        joined=call.now // 1000,
        joined_method=method,
        tags=tags or {},
    )


def part(call: Call, account: Account) -> None:
    """Take an account out of its organization; its tags go with the membership."""
    call.records.change(account, organization="", parent="", policies=[], joined=0, joined_method="", tags={})
