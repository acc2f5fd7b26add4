"""The Principal and NotPrincipal elements: whom a statement of a resource-based policy speaks about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from coldframe.identity.policy_errors import SYNTAX, ElementError
from coldframe.identity.request import Principal

NOBODY: Final = 0
ACCOUNT: Final = 1
"""The statement trusts the account, which has to pass the permission on in an identity-based policy."""
ISSUER: Final = 2
"""The statement names the role of the session, so that boundary and session policies still limit it."""
DIRECT: Final = 3
"""The statement names the caller, or everyone: nothing but an explicit deny limits it in the same account."""

_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_ARN = re.compile(
    r"arn:aws[a-z-]*:(?:iam::(?P<account>\d{12}):(?:(?P<root>root)|(?:user|role)/[^*?]+)"
    r"|sts::\d{12}:(?:assumed-role/[^/*?]+/[^/*?]+|federated-user/[^*?]+))",
    re.ASCII,
)
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,124}", re.ASCII)
_SERVICE = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+", re.ASCII)
_TYPES = ("AWS", "Service", "Federated", "CanonicalUser")


@dataclass(frozen=True, slots=True)
class PrincipalSet:
    """The principals that an element lists, sorted by how they are compared."""

    everyone: bool
    accounts: frozenset[str]
    names: frozenset[str]
    services: frozenset[str]
    federated: frozenset[str]
    canonical: frozenset[str]

    def grant(self, principal: Principal) -> int:
        """Say how closely the element names the principal: NOBODY, ACCOUNT, ISSUER or DIRECT."""
        if self.everyone:
            return DIRECT
        if principal.kind == "service":
            return DIRECT if principal.arn in self.services else NOBODY
        if principal.kind == "federated":
            return DIRECT if principal.arn in self.federated else NOBODY
        if principal.kind == "anonymous":
            return NOBODY
        if principal.arn in self.names or principal.user_id in self.names:
            return DIRECT
        if self._lists_issuer(principal):
            return ISSUER
        return ACCOUNT if self._lists_account(principal) else NOBODY

    def exempts(self, principal: Principal) -> bool:
        """Say whether a Deny with NotPrincipal spares the principal.

        AWS checks the account first, then the role, then the session or user: each of them has to be listed.
        """
        if self.everyone:
            return True
        if not principal.has_identity_policies:
            return self.grant(principal) != NOBODY
        if not self._lists_account(principal):
            return False
        if principal.kind == "root":
            return True
        if principal.issuer_arn and not self._lists_issuer(principal):
            return False
        return principal.arn in self.names or principal.user_id in self.names

    def _lists_account(self, principal: Principal) -> bool:
        return principal.account in self.accounts or principal.canonical_user_id in self.canonical

    def _lists_issuer(self, principal: Principal) -> bool:
        if not principal.issuer_arn:
            return False
        return principal.issuer_arn in self.names or principal.user_id.partition(":")[0] in self.names


def _invalid(kind: Any, value: Any) -> ElementError:
    return ElementError(f'Invalid principal in policy: "{str(kind).upper()}":"{value}"')


def _classify(kind: Any, value: Any, lists: dict[str, set[str]]) -> None:
    """Put one value into the list it belongs to; "everyone" is the list of the wildcard."""
    if not isinstance(value, str) or kind not in _TYPES or not value:
        raise _invalid(kind, value)
    if kind == "AWS":
        arn = _ARN.fullmatch(value)
        if value == "*":
            lists["everyone"].add(value)
        elif _ACCOUNT_ID.fullmatch(value):
            lists["accounts"].add(value)
        elif arn and arn["root"]:
            lists["accounts"].add(arn["account"])
        elif arn or _UNIQUE_ID.fullmatch(value):
            lists["names"].add(value)
        else:
            raise _invalid(kind, value)
    elif kind == "Service":
        if _SERVICE.fullmatch(value) is None:
            raise _invalid(kind, value)
        lists["services"].add(value)
    else:
        lists["federated" if kind == "Federated" else "canonical"].add(value)


def compile_principals(element: Any) -> PrincipalSet:
    """Compile a Principal or NotPrincipal element; raises ElementError for what names no principal."""
    if element == "*":
        element = {"AWS": "*"}
    if not isinstance(element, Mapping) or not element:
        raise ElementError(SYNTAX, 'Principal must be "*" or an object')
    lists: dict[str, set[str]] = {
        name: set() for name in ("everyone", "accounts", "names", "services", "federated", "canonical")
    }
    for kind, values in element.items():
        listed = values if isinstance(values, list) else [values]
        if not listed:
            raise ElementError("Invalid principal in policy.", f"the list {kind} is empty")
        for value in listed:
            _classify(kind, value, lists)
    everyone = bool(lists.pop("everyone"))
    return PrincipalSet(everyone=everyone, **{name: frozenset(names) for name, names in lists.items()})
