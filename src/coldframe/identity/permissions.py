"""The policies that speak about a caller, gathered from the records, and the decision they make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from coldframe.core import arns
from coldframe.core.gathered import Gathered
from coldframe.core.records import Record
from coldframe.core.store import Store
from coldframe.identity import aws_managed, organization
from coldframe.identity.caller import Caller
from coldframe.identity.evaluate import AttachedPolicy, Decision, PolicySet, evaluate
from coldframe.identity.policies import PolicyKind, compiled_policy
from coldframe.identity.records import (
    Account,
    Group,
    ManagedPolicy,
    Organization,
    OrganizationalUnit,
    OrganizationPolicy,
    Role,
    User,
)
from coldframe.identity.request import Context, Request

_DEPENDS: tuple[type[Record], ...] = (
    Account,
    Group,
    ManagedPolicy,
    Organization,
    OrganizationalUnit,
    OrganizationPolicy,
    Role,
    User,
)


class Permissions:
    """Decides who may, by the policies in one store; what it gathered is kept until a record it came from changes.

    `lenient` is dev mode: roots and services may all that no policy denies. Test suites have made-up credentials, and
    seldom the queue and trust policies that AWS asks for; users and roles that they make are held to their policies.
    """

    def __init__(self, store: Store, *, lenient: bool = False) -> None:
        self._store = store
        self._lenient = lenient
        self.organizations = organization.Organizations(store)
        self._gathered: Gathered[tuple[str, ...], PolicySet] = Gathered(store, _DEPENDS)

    def decide(
        self,
        caller: Caller,
        action: str,
        resource: str,
        *,
        context: Context | Callable[[], Context] | None = None,
        resource_policy: AttachedPolicy | None = None,
        required: bool = False,
        owner: str = "",
    ) -> Decision:
        """Decide one action of a caller on one resource; `required` when the resource's own policy must allow.

        `owner` is the account of a resource whose ARN does not say it; `context` may be called for the keys.
        """
        owner = owner or _owner(resource) or caller.account
        about = self.organizations.resource_keys(owner)
        if about:
            request = Request(caller, action, resource, owner, lambda: {**_keys(context), **about})
        else:
            request = Request(caller, action, resource, owner, context)
        policies = self.policies_of(caller)
        guards = (
            self.organizations.levels(owner, organization.RESOURCE_CONTROL)
            if about and organization.is_guarded(action)
            else ()
        )
        if resource_policy is not None or required or guards:
            policies = replace(
                policies, rcps=guards, resource=resource_policy, resource_policy_required=required
            )
        decision = evaluate(request, policies)
        if self._lenient and caller.kind in {"root", "service"} and not decision.explicit_deny:
            return Decision(True, False, None, decision.matched)
        return decision

    def policies_of(self, caller: Caller) -> PolicySet:
        """Return the identity, boundary, session and service control policies that apply to a caller."""
        gathered = self._gathered.now()
        found = gathered.get(caller.key)
        if found is None:
            found = gathered[caller.key] = self._gather(caller)
        return found

    def document(self, arn: str) -> str | None:
        """Return the default version of a managed policy, AWS's or a customer's; None when there is none."""
        if ":iam::aws:policy/" in arn:
            return aws_managed.document(arn)
        policy = self._store.cached(ManagedPolicy, arns.parse(arn).account, "", arn)
        return policy.documents[policy.default] if policy is not None else None

    def _gather(self, caller: Caller) -> PolicySet:
        identity: list[AttachedPolicy] = []
        boundary = ""
        session = caller.session
        if caller.kind in {"user", "federated-user"}:
            name = (caller.issuer_arn or caller.arn).rpartition("/")[2]
            user = self._store.cached(User, caller.account, "", name)
            if user is not None:
                boundary = user.boundary
                identity += self._attached(user.attached, user.inline)
                for group_name in user.groups:
                    group = self._store.cached(Group, caller.account, "", group_name)
                    if group is not None:
                        identity += self._attached(group.attached, group.inline)
        elif caller.kind == "role-session":
            role = self._store.cached(Role, caller.account, "", caller.issuer_arn.rpartition("/")[2])
            if role is not None:
                boundary = role.boundary
                identity += self._attached(role.attached, role.inline)
        limits: list[AttachedPolicy] = []
        if session is not None:
            limits = [
                AttachedPolicy("session", compiled_policy(text, "session")) for text in session.policies
            ]
            limits += self._managed(session.policy_arns, "session")
        return PolicySet(
            identity=tuple(identity),
            boundary=self._boundary(boundary),
            session=tuple(limits),
            scps=self.organizations.levels(caller.account, organization.SERVICE_CONTROL),
        )

    def _attached(self, managed: Sequence[str], inline: Mapping[str, str]) -> list[AttachedPolicy]:
        own = [AttachedPolicy(name, compiled_policy(text, "identity")) for name, text in inline.items()]
        return own + self._managed(managed, "identity")

    def _managed(self, policy_arns: Sequence[str], kind: PolicyKind) -> list[AttachedPolicy]:
        documents = ((arn, self.document(arn)) for arn in policy_arns)
        return [
            AttachedPolicy(arn, compiled_policy(text, kind)) for arn, text in documents if text is not None
        ]

    def _boundary(self, arn: str) -> AttachedPolicy | None:
        """Return the boundary; one whose policy is gone allows nothing."""
        if not arn:
            return None
        return AttachedPolicy(arn, compiled_policy(self.document(arn) or _NOTHING, "boundary"))


_NOTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'


def _keys(context: Context | Callable[[], Context] | None) -> Context:
    return context() if callable(context) else context or {}


def _owner(resource: str) -> str:
    """Return the account that an ARN names; empty for `*` and for ARNs without one."""
    parts = resource.split(":", 5)
    return parts[4] if len(parts) == 6 and len(parts[4]) == 12 else ""
