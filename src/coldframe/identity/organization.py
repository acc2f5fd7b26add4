"""Where an account stands in its organization, and what follows for policies: condition keys and control policies."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources

import msgspec

from coldframe.core.gathered import Gathered
from coldframe.core.records import Record, Records
from coldframe.core.store import Store
from coldframe.core.struct_types import whole
from coldframe.identity.evaluate import AttachedPolicy, Level
from coldframe.identity.policies import Policy, PolicyKind, parse_policy
from coldframe.identity.records import Account, Organization, OrganizationalUnit, OrganizationPolicy

SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"

Keys = Mapping[str, str | list[str]]

_KINDS: Mapping[str, PolicyKind] = {SERVICE_CONTROL: "scp", RESOURCE_CONTROL: "rcp"}
_NO_KEYS: Keys = {}
# Room for the accounts that ARNs name, which need not exist.
_MOST_KNOWN = 4096
_DEPENDS: tuple[type[Record], ...] = (Account, Organization, OrganizationalUnit, OrganizationPolicy)


class ManagedControlPolicy(msgspec.Struct, frozen=True):
    """An organization policy of AWS's own, the same in every organization."""

    id: str
    name: str
    kind: str
    description: str
    document: str
    detachable: bool = True


class _Guarded(msgspec.Struct, frozen=True):
    services: frozenset[str]


class _File(msgspec.Struct, frozen=True):
    policy: list[ManagedControlPolicy]
    guarded: _Guarded


class Place(msgspec.Struct, frozen=True):
    """An account's place: its organization, the path to it, and the policies on that path.

    `path` is as aws:PrincipalOrgPaths has it: `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`. `levels` are the policies by
    type, one level each for the root, every unit on the path, and the account; a level where AWS's own policy stands
    alone is left out, since it allows everything and denies nothing.
    """

    account: str
    organization: Organization
    path: str
    levels: Mapping[str, tuple[Level, ...]]
    principal_keys: Keys
    resource_keys: Keys


class Organizations:
    """Reads the organizations of one store; answers come from memory until a record they follow from changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: Gathered[str, Place | None] = Gathered(store, _DEPENDS, most=_MOST_KNOWN)

    def place(self, account_id: str) -> Place | None:
        """Return where an account stands; None for one that is in no organization, or unknown."""
        places = self._places.now()
        if account_id in places:
            return places[account_id]
        # One transaction, so that the account, its units and their policies are of one moment.
        with self._store.read() as transaction:
            place = places[account_id] = _read(transaction.records("", ""), account_id)
        return place

    def principal_keys(self, account_id: str) -> Keys:
        """Return aws:PrincipalOrgID and aws:PrincipalOrgPaths of a principal of this account; not to be changed."""
        place = self.place(account_id) if account_id else None
        return place.principal_keys if place is not None else _NO_KEYS

    def resource_keys(self, account_id: str) -> Keys:
        """Return aws:ResourceOrgID and aws:ResourceOrgPaths of a resource that this account owns; not to be changed."""
        place = self.place(account_id) if account_id else None
        return place.resource_keys if place is not None else _NO_KEYS

    def levels(self, account_id: str, kind: str) -> tuple[Level, ...]:
        """Return the policies of one type that bear on an account, from the root down; none where the type is off.

        Nothing bears on the management account, wherever it stands in the tree.
        """
        place = self.place(account_id) if account_id else None
        return place.levels.get(kind, ()) if place is not None else ()


def _read(records: Records, account_id: str) -> Place | None:
    account = records.find(Account, account_id)
    if account is None or not account.organization:
        return None
    organization = records.get(Organization, account.organization)
    units: list[OrganizationalUnit] = []
    parent = account.parent
    while parent != organization.root:
        units.insert(0, records.get(OrganizationalUnit, parent))
        parent = units[0].parent
    kinds = organization.policy_types if account_id != organization.management else []
    attached = (organization.root_policies, *(unit.policies for unit in units), account.policies)
    path = "".join(f"{step}/" for step in (organization.id, organization.root, *(unit.id for unit in units)))
    return Place(
        account_id,
        organization,
        path,
        {kind: _levels(records, attached, kind) for kind in kinds},
        {"aws:PrincipalOrgID": organization.id, "aws:PrincipalOrgPaths": [path]},
        {"aws:ResourceOrgID": organization.id, "aws:ResourceOrgPaths": [path]},
    )


def _levels(records: Records, attached: Iterable[list[str]], kind: str) -> tuple[Level, ...]:
    found: list[Level] = []
    for ids in attached:
        every = (managed().get(each) or records.get(OrganizationPolicy, each) for each in ids)
        policies = [policy for policy in every if policy.kind == kind]
        if not policies or any(policy.id not in managed() for policy in policies):
            found.append([_attached(policy, kind) for policy in policies])
    return tuple(found)


def _attached(policy: ManagedControlPolicy | OrganizationPolicy, kind: str) -> AttachedPolicy:
    return AttachedPolicy(policy.name, _compiled(policy.document, _KINDS[kind]))


@lru_cache(maxsize=1)
def _file() -> _File:
    text = resources.files("coldframe.identity").joinpath("control_policies.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=whole(_File))


@lru_cache(maxsize=1)
def managed() -> Mapping[str, ManagedControlPolicy]:
    """Return AWS's own organization policies by id."""
    return {policy.id: policy for policy in _file().policy}


def is_guarded(action: str) -> bool:
    """Tell whether resource control policies speak about an action: only those of some services can be guarded."""
    return action.partition(":")[0].lower() in _file().guarded.services


@lru_cache(maxsize=1024)
def _compiled(document: str, kind: PolicyKind) -> Policy:
    return parse_policy(document, kind)
