"""A compiled statement of a policy: its effect, and whether it speaks about a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from coldframe.identity.conditions import Check
from coldframe.identity.patterns import Match, Template, compile_arn, compile_text, has_variables
from coldframe.identity.principals import DIRECT, NOBODY, PrincipalSet
from coldframe.identity.request import Principal, Request
from coldframe.identity.variables import parse_template, resolve_arn


@dataclass(frozen=True, slots=True)
class ActionSet:
    """The actions of an Action or NotAction element, lower case, cut up by service prefix."""

    everything: bool
    exact: frozenset[str]
    patterns: dict[str, tuple[Match, ...]]

    def matches(self, request: Request) -> bool:
        """Say whether the request's action is listed."""
        if self.everything or request.action_key in self.exact:
            return True
        for match in self.patterns.get(request.service, ()):  # noqa: SIM110 (a generator costs more)
            if match(request.action_key):
                return True
        return False

    @property
    def services(self) -> frozenset[str] | None:
        """The service prefixes that are listed, or None for all."""
        if self.everything:
            return None
        return frozenset(self.patterns) | {action.partition(":")[0] for action in self.exact}


def compile_actions(actions: Sequence[str]) -> ActionSet:
    """Compile the values of an Action element; the caller has checked their form."""
    exact: set[str] = set()
    patterns: dict[str, list[Match]] = {}
    for action in actions:
        text = action.lower()
        if "*" in text or "?" in text:
            template = parse_template(text, variables=False, wildcards=True)
            patterns.setdefault(text.partition(":")[0], []).append(compile_text(template))
        else:
            exact.add(text)
    everything = any(action in {"*", "*:*"} for action in actions)
    return ActionSet(
        everything, frozenset(exact), {service: tuple(found) for service, found in patterns.items()}
    )


_compile_resolved = lru_cache(maxsize=4096)(compile_arn)


def _can_match(template: Template, resource: str) -> bool:
    first = template[0]
    return not isinstance(first, str) or resource.startswith(first)


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """The resources of a Resource or NotResource element; `dynamic` holds those with policy variables."""

    everything: bool
    static: tuple[Match, ...]
    dynamic: tuple[Template, ...]

    def matches(self, request: Request) -> bool:
        """Say whether the request's resource is listed; a variable without a value lists nothing."""
        if self.everything:
            return True
        resource = request.resource
        for match in self.static:
            if match(resource):
                return True
        for template in self.dynamic:
            if _can_match(template, resource):
                resolved = resolve_arn(template, request)
                if resolved is not None and _compile_resolved(resolved)(resource):
                    return True
        return False


def compile_resources(templates: Sequence[Template], *, everything: bool) -> ResourceSet:
    """Compile the values of a Resource element."""
    static = tuple(compile_arn(template) for template in templates if not has_variables(template))
    return ResourceSet(
        everything, static, tuple(template for template in templates if has_variables(template))
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, immutable. `index` counts from 0; the `not_` flags say that the element was the Not form."""

    index: int
    sid: str
    allow: bool
    actions: ActionSet
    not_action: bool
    resources: ResourceSet
    not_resource: bool
    checks: tuple[Check, ...]
    principals: PrincipalSet | None = None
    not_principal: bool = False

    def matches(self, request: Request) -> bool:
        """Say whether action, resource and conditions fit the request; the principal is asked for separately."""
        if self.actions.matches(request) is self.not_action:
            return False
        if self.resources.matches(request) is self.not_resource:
            return False
        for check in self.checks:  # noqa: SIM110 (a generator costs more than most checks)
            if not check(request):
                return False
        return True

    def grant(self, principal: Principal) -> int:
        """Say how closely the statement names the principal; without a Principal element it speaks to its holder."""
        if self.principals is None:
            return DIRECT
        if not self.not_principal:
            return self.principals.grant(principal)
        if self.allow:
            return NOBODY if self.principals.grant(principal) else DIRECT
        return NOBODY if self.principals.exempts(principal) else DIRECT
