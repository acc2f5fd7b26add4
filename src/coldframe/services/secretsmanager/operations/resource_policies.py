"""Resource policies of secrets: each has at most one, called default."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.permissions import Permissions
from coldframe.identity.policies import Policy, parse_policy
from coldframe.identity.policy_errors import PolicyError
from coldframe.services.secretsmanager import replication
from coldframe.services.secretsmanager.lookup import account_of, arn_of, changeable, invalid_parameter, usable
from coldframe.services.secretsmanager.records import Secret

_NAME = "default"


def put_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Give a secret a policy."""
    secret, account = changeable(call, request["SecretId"]), account_of(call, request["SecretId"])
    _check_name(request)
    policy = _parsed(request["ResourcePolicy"])
    if request.get("BlockPublicPolicy") and _is_public(policy):
        raise ServiceFault(
            "PublicPolicyException",
            "You set BlockPublicPolicy to true, and the resource policy allows broad access to the secret.",
        )
    records = call.records.elsewhere(account=account)
    replication.spread(records, records.change(secret, policy=request["ResourcePolicy"]))
    return _answer(call, account, secret)


def get_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the policy of a secret, if it has one."""
    secret, account = usable(call, request["SecretId"]), account_of(call, request["SecretId"])
    _check_name(request)
    answer = _answer(call, account, secret)
    return {**answer, "ResourcePolicy": secret.policy} if secret.policy else answer


def delete_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Take the policy from a secret."""
    secret, account = changeable(call, request["SecretId"]), account_of(call, request["SecretId"])
    _check_name(request)
    records = call.records.elsewhere(account=account)
    replication.spread(records, records.change(secret, policy=""))
    return _answer(call, account, secret)


def list_resource_policies(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the name of the policy of a secret, if it has one."""
    secret = usable(call, request["SecretId"])
    return {"ResourcePolicies": [{"PolicyName": _NAME}] if secret.policy else []}


def validate_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Tell what is wrong with a policy: too broad, or one that locks the caller out."""
    policy = _parsed(request["ResourcePolicy"])
    errors = []
    if _is_public(policy):
        text = "The resource policy allows broad access to the secret: its principal is everybody."
        errors.append({"CheckName": "PUBLIC_POLICY", "ErrorMessage": text})
    if request.get("SecretId"):
        secret, account = usable(call, request["SecretId"]), account_of(call, request["SecretId"])
        arn = arn_of(call, account, secret)
        decision = call.part(Permissions).decide(
            call.principal,
            "secretsmanager:PutResourcePolicy",
            arn,
            resource_policy=AttachedPolicy(arn, policy),
        )
        if decision.explicit_deny:
            text = "The resource policy locks out the caller, who could not change it again."
            errors.append({"CheckName": "LOCKOUT", "ErrorMessage": text})
    return {"PolicyValidationPassed": not errors, "ValidationErrors": errors}


def _answer(call: Call, account: str, secret: Secret) -> dict[str, Any]:
    return {"ARN": arn_of(call, account, secret), "Name": secret.name}


def _check_name(request: dict[str, Any]) -> None:
    if request.get("PolicyName") not in {None, _NAME}:
        raise invalid_parameter(f"A secret has only the policy {_NAME}.")


def _parsed(text: str) -> Policy:
    try:
        return parse_policy(text, "resource")
    except PolicyError as error:
        raise ServiceFault("MalformedPolicyDocumentException", error.message) from error


def _is_public(policy: Policy) -> bool:
    return any(
        statement.allow
        and not statement.checks
        and (statement.not_principal or (statement.principals is not None and statement.principals.everyone))
        for statement in policy.statements
    )
