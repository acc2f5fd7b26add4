"""Where an account stands in its organization, and what follows for policies: condition keys and control policies."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import msgspec

from coldframe.core.records import Record
from coldframe.core.store import Store
from coldframe.identity.evaluate import AttachedPolicy, Level
from coldframe.identity.policies import Policy, PolicyKind, parse_policy
from coldframe.identity.records import Account, Organization, OrganizationalUnit, OrganizationPolicy

SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"

Keys = Mapping[str, str | list[str]]

_KINDS: Mapping[str, PolicyKind] = {SERVICE_CONTROL: "scp", RESOURCE_CONTROL: "rcp"}
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
    """An account's place: its organization and the organizational units from the root down to it."""

    account: Account
    organization: Organization
    units: tuple[OrganizationalUnit, ...]

    @property
    def path(self) -> str:
        """The path as aws:PrincipalOrgPaths has it: `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`."""
        organization = self.organization
        return "".join(
            f"{step}/" for step in (organization.id, organization.root, *(u.id for u in self.units))
        )


class _Known:
    """What was read at one state of the records; a reader that is late writes into the state it read, no other."""

    __slots__ = ("levels", "places", "versions")

    def __init__(self, versions: tuple[int, ...]) -> None:
        self.versions = versions
        self.places: dict[str, Place | None] = {}
        self.levels: dict[tuple[str, str], tuple[Level, ...]] = {}


class Organizations:
    """Reads the organizations of one store; answers come from memory until a record they follow from changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = _Known(())

    def place(self, account_id: str) -> Place | None:
        """Return where an account stands; None for one that is in no organization, or unknown."""
        known = self._now()
        if account_id not in known.places:
            known.places[account_id] = self._find(account_id)
        return known.places[account_id]

    def principal_keys(self, account_id: str) -> Keys:
        """Return aws:PrincipalOrgID and aws:PrincipalOrgPaths of a principal of this account."""
        return self._keys(account_id, "aws:Principal")

    def resource_keys(self, account_id: str) -> Keys:
        """Return aws:ResourceOrgID and aws:ResourceOrgPaths of a resource that this account owns."""
        return self._keys(account_id, "aws:Resource")

    def levels(self, account_id: str, kind: str) -> tuple[Level, ...]:
        """Return the policies of one type that bear on an account, from the root down; none where the type is off.

        Nothing bears on the management account, wherever it stands in the tree.
        """
        known = self._now()
        slot = (account_id, kind)
        if slot not in known.levels:
            known.levels[slot] = self._gather(account_id, kind)
        return known.levels[slot]

    def _now(self) -> _Known:
        versions = tuple(self._store.version(kind) for kind in _DEPENDS)
        known = self._known
        if known.versions != versions:
            known = self._known = _Known(versions)
        return known

    def _keys(self, account_id: str, prefix: str) -> Keys:
        place = self.place(account_id) if account_id else None
        if place is None:
            return {}
        return {f"{prefix}OrgID": place.organization.id, f"{prefix}OrgPaths": [place.path]}

    def _find(self, account_id: str) -> Place | None:
        account = self._store.cached(Account, "", "", account_id)
        if account is None or not account.organization:
            return None
        organization = self._store.cached(Organization, "", "", account.organization)
        if organization is None:
            return None
        units: list[OrganizationalUnit] = []
        parent = account.parent
        while parent != organization.root:
            unit = self._store.cached(OrganizationalUnit, "", "", parent)
            if unit is None:
                raise LookupError(f"account {account_id} stands under {parent}, which is not there")
            units.append(unit)
            parent = unit.parent
        return Place(account, organization, tuple(reversed(units)))

    def _gather(self, account_id: str, kind: str) -> tuple[Level, ...]:
        place = self.place(account_id)
        if place is None or account_id == place.organization.management:
            return ()
        if kind not in place.organization.policy_types:
            return ()
        attached = [
            place.organization.root_policies,
            *(u.policies for u in place.units),
            place.account.policies,
        ]
        return tuple(self._level(ids, kind) for ids in attached)

    def _level(self, ids: list[str], kind: str) -> Level:
        found: list[AttachedPolicy] = []
        for policy_id in ids:
            policy = managed().get(policy_id) or self._store.cached(OrganizationPolicy, "", "", policy_id)
            if policy is None:
                raise LookupError(f"policy {policy_id} is attached and not there")
            if policy.kind == kind:
                found.append(AttachedPolicy(policy.name, _compiled(policy.document, _KINDS[kind])))
        return found


@lru_cache(maxsize=1)
def _file() -> _File:
    text = resources.files("coldframe.identity").joinpath("control_policies.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=_File)


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
