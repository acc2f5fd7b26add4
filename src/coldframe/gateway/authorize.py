"""Who may: the action and resources of an operation, put to the policies of the caller and of the resource."""

import re
from functools import cache
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import AccessDenied
from coldframe.core.service import Service
from coldframe.gateway.exchange import Exchange
from coldframe.identity.evaluate import Decision
from coldframe.identity.permissions import Permissions

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
    host = exchange.request.headers.get("host")
    if host and not exchange.inside:
        call.endpoint = f"{'https' if exchange.request.secure else 'http'}://{host}"
    permissions = exchange.installation.parts.get(Permissions)
    context = _context(exchange)
    context.update(permissions.organizations.principal_keys(principal.account))
    own = service.module("permissions")
    if own is not None and hasattr(own, "context"):
        context |= own.context(call, name, exchange.parameters)
    of_resource = getattr(own, "resource_policy", None)

    def decide(action: str, resource: str) -> Decision:
        policy, required = of_resource(call, resource) if of_resource is not None else (None, False)
        return permissions.decide(
            principal, action, resource, context=context, resource_policy=policy, required=required
        )

    def allowed(action: str, resource: str) -> bool:
        return decide(action, resource).allowed

    def require(action: str, resource: str) -> None:
        decision = decide(action, resource)
        if not decision.allowed:
            raise AccessDenied(decision.message)

    call.allowed, call.require = allowed, require
    if name in service.manifest.permissions.none or name in service.manifest.unsigned:
        return
    action = service.manifest.permissions.actions.get(name) or f"{_prefix(service)}:{name}"
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


@cache
def _prefix(service: Service) -> str:
    return service.manifest.permissions.prefix or service.model.signing_name


def _fill(template: str, call: Call, parameters: Any) -> str:
    if template == "*":
        return "*"
    filled = _PLACEHOLDER.sub(lambda found: str(parameters.get(found[1]) or ""), template)
    return filled if filled.startswith("arn:") else call.arn(filled)


def _context(exchange: Exchange) -> dict[str, str | list[str]]:
    """Return the condition keys that the request itself answers; the principal's own come with the policies."""
    now = exchange.installation.clock
    request = exchange.request
    return {
        "aws:CurrentTime": now.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.seconds())),
        "aws:SourceIp": request.peer,
        "aws:SecureTransport": "true" if request.secure else "false",
        "aws:RequestedRegion": exchange.region,
        "aws:UserAgent": request.headers.get("user-agent", ""),
        "aws:ViaAWSService": "false",
    }
