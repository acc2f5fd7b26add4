"""Who asks for what: the principal and the request that policies are evaluated against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

PrincipalKind = Literal["root", "user", "role-session", "federated-user", "federated", "service", "anonymous"]
Values = tuple[str, ...]
Context = Mapping[str, str | Sequence[str]]

_PRINCIPAL_TYPES = {
    "root": "Account",
    "user": "User",
    "role-session": "AssumedRole",
    "federated-user": "FederatedUser",
    "anonymous": "Anonymous",
}


@dataclass(frozen=True)
class Principal:
    """The one who signs a request.

    `arn`: the user's, the assumed-role session's, the account root's or the federated user's ARN; for `federated` the
    identity provider; for `service` its name (`logs.amazonaws.com`); for `anonymous` empty.
    `user_id`: as in aws:userid (`AIDA...`, `AROA...:session`, the account id for root, `account:name` for a federated
    user). `issuer_arn`: the role of a role session, the IAM user behind a federated user. `tags`: principal and
    session tags together. `management_account` and `service_linked` lift service control policies.
    """

    kind: PrincipalKind
    arn: str = ""
    account: str = ""
    user_id: str = ""
    issuer_arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    canonical_user_id: str = ""
    management_account: bool = False
    service_linked: bool = False

    @cached_property
    def has_identity_policies(self) -> bool:
        """Whether identity-based policies can speak for this principal: it lives in an account."""
        return self.kind in {"root", "user", "role-session", "federated-user"}

    @cached_property
    def context(self) -> Mapping[str, Values]:
        """The global condition keys that follow from the principal alone, in lower case."""
        keys: dict[str, str] = {}
        if self.account:
            keys["aws:principalaccount"] = self.account
        if self.kind in _PRINCIPAL_TYPES:
            keys["aws:principaltype"] = _PRINCIPAL_TYPES[self.kind]
        if self.has_identity_policies:
            keys["aws:principalarn"] = self.issuer_arn if self.kind == "role-session" else self.arn
            keys["aws:principalisawsservice"] = "false"
        if self.kind == "service":
            keys["aws:principalisawsservice"] = "true"
            keys["aws:principalservicename"] = self.arn
        if self.kind == "user":
            keys["aws:username"] = self.arn.rpartition("/")[2]
        if self.user_id:
            keys["aws:userid"] = self.user_id
        for name, value in self.tags.items():
            keys[f"aws:principaltag/{name.lower()}"] = value
        return {key: (value,) for key, value in keys.items() if value or key.startswith("aws:principaltag/")}


class Request:
    """One action of one principal on one resource.

    `action` is `service:Action`; `resource` an ARN, or `*` for actions that know no resource; `resource_account` the
    account that owns the resource, empty for the principal's own. `context` maps condition keys to their value or
    values, or is called for that when a policy first asks for a key, which most do not; keys that follow from the
    principal need not be given, and win over it when they are.
    """

    __slots__ = (
        "_context",
        "_given",
        "action",
        "action_key",
        "principal",
        "resource",
        "resource_account",
        "service",
    )

    def __init__(
        self,
        principal: Principal,
        action: str,
        resource: str = "*",
        resource_account: str = "",
        context: Context | Callable[[], Context] | None = None,
    ) -> None:
        self.principal = principal
        self.action = action
        self.resource = resource
        self.resource_account = resource_account or principal.account
        self.action_key = action.lower()
        self.service = self.action_key.partition(":")[0]
        self._given = context
        self._context: dict[str, Values] | None = None

    def values(self, key: str) -> Values:
        """Give the values of a condition key (in lower case); none when the request does not carry it."""
        context = self._context
        if context is None:
            context = self._context = _folded(self._given)
        found = context.get(key)
        if found is not None:
            return found
        found = self.principal.context.get(key)
        if found is not None:
            return found
        if key == "aws:resourceaccount" and self.resource_account:
            return (self.resource_account,)
        return ()


def _folded(given: Context | Callable[[], Context] | None) -> dict[str, Values]:
    """Return a context by keys in lower case, each with all of its values."""
    context = given() if callable(given) else given or {}
    return {
        key.lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in context.items()
    }
