"""What STS's operations touch, and whose policy speaks for it: a role's trust policy."""

from typing import Any

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.faults import AccessDenied, ServiceFault
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.mfa import check_code
from coldframe.identity.policies import compiled_policy
from coldframe.identity.records import Role

_TRUSTED_BY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"sts:AssumeRole"}]}'


def resources(call: Call, operation: str, parameters: Any) -> list[str]:
    """Return the role that is to be taken on, or the federated user that is to be made; what is no ARN is refused here."""
    if operation == "AssumeRole":
        role = parameters["RoleArn"]
        try:
            arns.parse(role)
        except ValueError:
            raise ServiceFault("ValidationError", f"{role} is invalid", status=400) from None
        # Of any role, also one that is not there.
        if call.principal.kind == "root" and not call.installation.settings.dev:
            raise AccessDenied("Roles may not be assumed by root accounts.")
        return [role]
    if operation == "GetFederationToken":
        return [f"arn:{call.partition}:sts::{call.account}:federated-user/{parameters['Name']}"]
    return []


def resource_policy(call: Call, resource: str) -> tuple[AttachedPolicy | None, bool]:
    """Return the trust policy of a role; a role that is not there trusts nobody."""
    if ":role/" not in resource:
        return None, False
    role = role_of(call, resource)
    trust = role.trust if role is not None else _TRUSTED_BY
    return AttachedPolicy(resource, compiled_policy(trust, "trust")), True


def context(call: Call, operation: str, parameters: Any) -> dict[str, str | list[str]]:
    """Return the condition keys that a call answers from its parameters.

    For AssumeRole the code of an MFA device is checked here, because the trust policy may demand one.
    """
    proved = operation == "AssumeRole" and proved_mfa(call, parameters)
    tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags", ())}
    found: dict[str, str | list[str]] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    if proved:
        found |= {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0"}
    if tags:
        found["aws:TagKeys"] = list(tags)
    for key, member in (
        ("sts:ExternalId", "ExternalId"),
        ("sts:RoleSessionName", "RoleSessionName"),
        ("sts:SourceIdentity", "SourceIdentity"),
        ("sts:TransitiveTagKeys", "TransitiveTagKeys"),
    ):
        if parameters.get(member):
            found[key] = parameters[member]
    return found


def proved_mfa(call: Call, parameters: Any) -> bool:
    """Tell whether a call comes with a good code of the caller's MFA device; raises AccessDenied for a bad one."""
    return check_code(
        call.installation, call.principal, parameters.get("SerialNumber"), parameters.get("TokenCode")
    )


def role_of(call: Call, arn: str) -> Role | None:
    """Return the role that an ARN names; None when it is no role's ARN or the role is not there."""
    try:
        parts = arns.parse(arn)
    except ValueError:
        return None
    if parts.service != "iam" or not parts.resource.startswith("role/"):
        return None
    path, _, name = parts.resource.removeprefix("role").rpartition("/")
    role = call.installation.store.cached(Role, parts.account, "", name)
    return role if role is not None and role.path == f"{path}/" else None
