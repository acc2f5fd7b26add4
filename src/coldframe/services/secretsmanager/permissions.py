"""Which secret an operation touches, its policy, and the condition keys of Secrets Manager."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.identity.policies import compiled_policy
from coldframe.services.secretsmanager.lookup import account_of, arn_of, committed, named_arn

_MEMBERS = (
    "Description",
    "KmsKeyId",
    "Name",
    "SecretId",
    "VersionId",
    "VersionStage",
    "RecoveryWindowInDays",
)
_SWITCHES = ("BlockPublicPolicy", "ForceDeleteWithoutRecovery", "ForceOverwriteReplicaSecret")
# Where a secret is not there yet, its ARN ends as any would.
_ANY_SUFFIX = "-??????"


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the ARN of the secret; [] for operations on none."""
    if operation == "CreateSecret":
        return [named_arn(call, call.account, parameters["Name"] + _ANY_SUFFIX)]
    secret_id = parameters.get("SecretId")
    if not secret_id:
        return []
    account, secret = account_of(call, secret_id), committed(call, secret_id)
    if secret is not None:
        return [arn_of(call, account, secret)]
    name = secret_id.partition(":secret:")[2] or secret_id
    return [named_arn(call, account, name + _ANY_SUFFIX)]


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys of a request and of the secret it names."""
    keys: dict[str, str | list[str]] = {}
    for member in _MEMBERS:
        if parameters.get(member) is not None:
            keys[f"secretsmanager:{member}"] = str(parameters[member])
    for member in _SWITCHES:
        if parameters.get(member) is not None:
            keys[f"secretsmanager:{member}"] = str(parameters[member]).lower()
    if operation == "GetSecretValue":
        keys.setdefault("secretsmanager:VersionStage", "AWSCURRENT")
    if parameters.get("Tags"):
        tags = {tag.get("Key") or "": tag.get("Value") or "" for tag in parameters["Tags"]}
        keys |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        keys["aws:TagKeys"] = list(tags)
    elif parameters.get("TagKeys"):
        keys["aws:TagKeys"] = list(parameters["TagKeys"])
    return keys | tag_keys(call, parameters.get("SecretId") or "")


def tag_keys(call: Call, secret_id: str) -> dict[str, str | list[str]]:
    """Return the condition keys of a secret's tags."""
    secret = committed(call, secret_id) if secret_id else None
    keys: dict[str, str | list[str]] = {}
    if secret is not None:
        for key, value in secret.tags.items():
            keys[f"aws:ResourceTag/{key}"] = keys[f"secretsmanager:ResourceTag/{key}"] = value
    return keys


def resource_policy(call: Call, resource: str) -> tuple[AttachedPolicy | None, bool]:
    """Return the policy of a secret; it is never required."""
    secret = committed(call, resource) if ":secret:" in resource else None
    if secret is None or not secret.policy:
        return None, False
    return AttachedPolicy(resource, compiled_policy(secret.policy, "resource")), False
