"""Who may: the action and resources of an operation, put to the policies of the caller and of the resource."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from coldframe.core.call import Call, Keys
from coldframe.core.faults import AccessDenied
from coldframe.core.service import Service
from coldframe.gateway.exchange import Exchange
from coldframe.identity.evaluate import Decision
from coldframe.identity.permissions import Permissions
from coldframe.identity.sessions import Session

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def check_permission(exchange: Exchange) -> None:
    """Make the call and refuse it unless the caller may do the operation on every resource it names."""
    service, name = exchange.service, exchange.operation.name
    principal = exchange.principal
    assert principal is not None, "authenticate names the principal"
    call = exchange.call = Call(
        exchange.installation,
        service,
        name,
        principal=principal,
        region=exchange.region,
        now=exchange.installation.clock.milliseconds(),
    )
    call.request_id = exchange.request_id
    call.source_ip = exchange.request.peer
    call.via = exchange.via
    call.trace_header = exchange.request.headers.get("x-amzn-trace-id", "")
    host = exchange.request.headers.get("host")
    if host and not exchange.inside:
        call.endpoint = f"{'https' if exchange.request.secure else 'http'}://{host}"
    permissions = exchange.installation.parts.get(Permissions)
    own = service.module("permissions")
    own_keys: dict[str, str | list[str]] | None = None
    context: dict[str, str | list[str]] = {}
    of_resource = getattr(own, "resource_policy", None)
    owner_of = getattr(own, "owner", None)
    context_of = getattr(own, "context", None)
    late_context_of = getattr(own, "late_context", None)

    # Annotations of several types are strings here, because they would be made anew for each call.
    def keys() -> Keys:
        if not context:  # gathered when a policy first asks for a key, which most do not
            context.update(_context(exchange))
            context.update(permissions.organizations.principal_keys(principal.account))
            context.update(own_keys or {})
            if late_context_of is not None:  # what has to be looked up for it
                context.update(late_context_of(call, name, exchange.parameters))
        return context

    def decide(action: str, resource: str, more: "Keys | None" = None) -> Decision:
        nonlocal own_keys
        if own_keys is None:  # at the first question, because some operations ask none, and it may raise
            own_keys = context_of(call, name, exchange.parameters) if context_of is not None else {}
        policy, required = of_resource(call, resource) if of_resource is not None else (None, False)
        return permissions.decide(
            principal,
            action,
            resource,
            context=(lambda: {**keys(), **more}) if more else keys,
            resource_policy=policy,
            required=required,
            owner=owner_of(call, resource) if owner_of is not None else "",
        )

    def allowed(action: str, resource: str) -> bool:
        return decide(action, resource).allowed

    def require(action: str, resource: str, keys: "Keys | None" = None) -> None:
        decision = decide(action, resource, keys)
        if not decision.allowed:
            raise AccessDenied(decision.message)

    call.allowed, call.require = allowed, require
    if name in service.manifest.permissions.none or name in service.manifest.unsigned:
        return
    action = getattr(own, "action", _no_action)(name, exchange.parameters)
    action = action or service.manifest.permissions.actions.get(name) or f"{service.namespace}:{name}"
    for resource in resources(service, call, name, exchange.parameters):
        require(action, resource)


def resources(service: Service, call: Call, operation: str, parameters: Any) -> list[str]:
    """Return the ARNs that an operation touches: what the service's permissions.py says, else its templates."""
    module = service.module("permissions")
    named = module.resources(call, operation, parameters) if module is not None else None
    if named:
        return list(named)
    templates = service.manifest.permissions.resources.get(operation, "*")
    return [
        _fill(template, call, parameters)
        for template in ([templates] if isinstance(templates, str) else templates)
    ]


def _no_action(operation: str, parameters: Any) -> str:
    return ""


def _fill(template: str, call: Call, parameters: Any) -> str:
    if template == "*":
        return "*"
    filled = _PLACEHOLDER.sub(lambda found: str(parameters.get(found[1]) or ""), template)
    return filled if filled.startswith("arn:") else call.arn(filled)


def _context(exchange: Exchange) -> dict[str, str | list[str]]:
    """Return the condition keys that the request itself answers; the principal's own come with the policies."""
    seconds = int(exchange.installation.clock.seconds())
    request = exchange.request
    session = exchange.principal.session if exchange.principal is not None else None
    referer = request.headers.get("referer")
    return {
        **(_session_context(session, seconds) if session is not None else {}),
        **({"aws:Referer": referer} if referer is not None else {}),
        "aws:CurrentTime": _written(seconds),
        "aws:EpochTime": str(seconds),
        "aws:SourceIp": request.peer,
        "aws:SecureTransport": "true" if request.secure else "false",
        "aws:RequestedRegion": exchange.region,
        "aws:UserAgent": request.headers.get("user-agent", ""),
        "aws:ViaAWSService": "true" if exchange.via else "false",
    }


def _session_context(session: Session, now: int) -> dict[str, str | list[str]]:
    """Return the condition keys that only temporary credentials answer."""
    found: dict[str, str | list[str]] = {
        "aws:TokenIssueTime": _written(session.issued),
        "aws:MultiFactorAuthPresent": "true" if session.mfa else "false",
    }
    if session.mfa:
        found["aws:MultiFactorAuthAge"] = str(now - session.issued)
    if session.source_identity:
        found["aws:SourceIdentity"] = session.source_identity
    return found


@lru_cache(maxsize=16)
def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
