"""The evaluation logic: from the policies that apply to a request to one decision.

Source: IAM User Guide, Policy evaluation logic (within one account, across accounts, explicit and implicit denies).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from coldframe.identity.denial import PolicyType, denial_message
from coldframe.identity.policies import Policy
from coldframe.identity.principals import DIRECT, ISSUER, NOBODY
from coldframe.identity.request import Request


class AttachedPolicy(NamedTuple):
    """A policy where it is in force: its name or ARN, for reports, and its compiled document."""

    name: str
    policy: Policy


Level = Sequence[AttachedPolicy]


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All policies that apply to a request.

    `session`: the session policies, empty when the session was made without any. `scps` and `rcps`: one level each
    for the organization's root, every OU on the path, and the account; no levels when they do not apply.
    `resource_policy_required`: the resource's own policy must allow too, as KMS key policies and trust policies must.
    """

    identity: Sequence[AttachedPolicy] = ()
    boundary: AttachedPolicy | None = None
    session: Sequence[AttachedPolicy] = ()
    scps: Sequence[Level] = ()
    rcps: Sequence[Level] = ()
    resource: AttachedPolicy | None = None
    resource_policy_required: bool = False


class Matched(NamedTuple):
    """A statement that matched the request: the type and name of its policy, its Sid and its index, from 0."""

    policy_type: PolicyType
    policy: str
    sid: str
    statement_index: int


class Decision(NamedTuple):
    """What the policies say.

    `decided_by` is the type of policy that decided, None where root needs no policy; `matched` are the statements
    that decided, none for an implicit deny; `message` is AWS's sentence for a denial and empty otherwise.
    """

    allowed: bool
    explicit_deny: bool
    decided_by: PolicyType | None
    matched: tuple[Matched, ...] = ()
    message: str = ""

    @property
    def statement(self) -> Matched | None:
        """The first statement that decided."""
        return self.matched[0] if self.matched else None

    @property
    def eval_decision(self) -> Literal["allowed", "explicitDeny", "implicitDeny"]:
        """The decision as SimulatePrincipalPolicy words it."""
        if self.allowed:
            return "allowed"
        return "explicitDeny" if self.explicit_deny else "implicitDeny"


@dataclass(slots=True)
class _Findings:
    """What each type of policy says about the request; None where no policy of the type applies."""

    denies: list[Matched]
    identity: list[Matched]
    boundary: list[Matched] | None = None
    session: list[Matched] | None = None
    silent_guard: PolicyType | None = None
    grant: int = NOBODY
    granted: list[Matched] = field(default_factory=list)


def evaluate(request: Request, policies: PolicySet) -> Decision:
    """Decide a request. Pure: no clock, no store; time, address and the like come in the request's context."""
    findings = _find(request, policies)
    if findings.denies:
        decided_by = findings.denies[0].policy_type
        message = denial_message(request, decided_by, explicit=True)
        return Decision(False, True, decided_by, tuple(findings.denies), message)
    if findings.silent_guard is not None:
        return _implicit(request, findings.silent_guard)
    resource_type = _resource_type(policies)
    if not request.principal.has_identity_policies:
        if findings.grant == NOBODY:
            return _implicit(request, resource_type)
        return Decision(True, False, resource_type, tuple(findings.granted))
    if request.principal.account != request.resource_account:
        return _across_accounts(request, findings, resource_type)
    required = policies.resource_policy_required or resource_type == "trust"
    return _within_account(request, findings, resource_type, required=required)


def _within_account(
    request: Request, findings: _Findings, resource_type: PolicyType, *, required: bool
) -> Decision:
    """Decide where principal and resource share an account: either side may allow, unless the resource's must."""
    if findings.grant == DIRECT:
        return Decision(True, False, resource_type, tuple(findings.granted))
    missing = _missing_limit(request, findings)
    if findings.grant == ISSUER:
        if missing is not None:
            return _implicit(request, missing)
        return Decision(True, False, resource_type, tuple(findings.granted))
    if required and findings.grant == NOBODY:
        return _implicit(request, resource_type)
    return _by_identity(request, findings)


def _across_accounts(request: Request, findings: _Findings, resource_type: PolicyType) -> Decision:
    """Decide where the resource is another account's: both sides must allow."""
    decision = _by_identity(request, findings)
    if decision.allowed and findings.grant == NOBODY:
        return _implicit(request, resource_type)
    return decision


def _by_identity(request: Request, findings: _Findings) -> Decision:
    """Decide by the principal's own policies, within its boundary and session policies."""
    matched = (*findings.identity, *findings.granted)
    if request.principal.kind == "root":
        return Decision(True, False, None, matched)
    missing = _missing_limit(request, findings) if findings.identity else "identity"
    return Decision(True, False, "identity", matched) if missing is None else _implicit(request, missing)


def _missing_limit(request: Request, findings: _Findings) -> PolicyType | None:
    """Name the limit that does not allow the action: the boundary or the session policies."""
    if findings.boundary is not None and not findings.boundary:
        return "boundary"
    # AWS: a GetFederationToken session without a session policy has no permissions of its own.
    if not findings.session and (findings.session is not None or request.principal.kind == "federated-user"):
        return "session"
    return None


def _find(request: Request, policies: PolicySet) -> _Findings:
    """Walk every policy that applies; none is skipped, since a deny anywhere outweighs every allow."""
    principal = request.principal
    findings = _Findings([], [])
    denies = findings.denies
    if policies.scps and principal.has_identity_policies and not principal.management_account:
        _guard(request, "scp", policies.scps, findings)
    if policies.rcps:
        _guard(request, "rcp", policies.rcps, findings)
    if policies.resource is not None:
        _find_resource(request, policies.resource, findings, _resource_type(policies))
    if principal.has_identity_policies:
        findings.identity = _scan(request, "identity", policies.identity, denies)
        if policies.boundary is not None:
            findings.boundary = _scan(request, "boundary", (policies.boundary,), denies)
        if policies.session:
            findings.session = _scan(request, "session", policies.session, denies)
    return findings


def _guard(request: Request, policy_type: PolicyType, levels: Sequence[Level], findings: _Findings) -> None:
    """Walk the organization's levels, each of which must allow; service-linked roles stand outside of them."""
    if request.principal.service_linked:
        return
    for level in levels:
        if not _scan(request, policy_type, level, findings.denies) and findings.silent_guard is None:
            findings.silent_guard = policy_type


def _scan(
    request: Request, policy_type: PolicyType, attached: Iterable[AttachedPolicy], denies: list[Matched]
) -> list[Matched]:
    """Give the allows of some policies and add their denies to `denies`."""
    allows: list[Matched] = []
    service = request.service
    for name, policy in attached:
        for statement in policy.candidates(service):
            if statement.matches(request) and (
                statement.principals is None or statement.grant(request.principal)
            ):
                found = allows if statement.allow else denies
                found.append(Matched(policy_type, name, statement.sid, statement.index))
    return allows


def _find_resource(
    request: Request, attached: AttachedPolicy, findings: _Findings, policy_type: PolicyType
) -> None:
    """Walk the resource's policy, and note how closely its allows name the principal."""
    name, policy = attached
    for statement in policy.candidates(request.service):
        grant = statement.grant(request.principal)
        if grant == NOBODY or not statement.matches(request):
            continue
        matched = Matched(policy_type, name, statement.sid, statement.index)
        if statement.allow:
            findings.granted.append(matched)
            findings.grant = max(findings.grant, grant)
        else:
            findings.denies.append(matched)


def _resource_type(policies: PolicySet) -> PolicyType:
    if policies.resource is not None and policies.resource.policy.kind == "trust":
        return "trust"
    return "resource"


def _implicit(request: Request, policy_type: PolicyType) -> Decision:
    return Decision(False, False, policy_type, (), denial_message(request, policy_type, explicit=False))
