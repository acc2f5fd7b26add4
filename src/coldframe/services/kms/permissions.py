"""Which keys an operation touches, what their policies and grants say, and the condition keys of KMS."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.evaluate import AttachedPolicy
from coldframe.services.kms import blobs, grants
from coldframe.services.kms.lookup import alias_arn, committed_key, locate, not_found
from coldframe.services.kms.places import Place, place_of
from coldframe.services.kms.policies import context_keys, policy_with_grants
from coldframe.services.kms.records import Alias

_WITHOUT_KEY = frozenset(
    {"CreateKey", "DescribeCustomKeyStores", "GenerateRandom", "ListKeys", "ListRetirableGrants"}
)


def resources(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of keys and aliases; raises the fault for a key that no request can mean."""
    if operation in _WITHOUT_KEY:
        return []
    if operation == "ListAliases":
        return []
    if operation in {"CreateAlias", "UpdateAlias", "DeleteAlias"}:
        return _with_alias(call, operation, parameters)
    if operation == "RetireGrant":
        return [_retired(call, parameters)[0].arn]
    if operation == "Decrypt" and not parameters.get("KeyId"):
        return [encrypting_key(call, parameters).arn]
    name = parameters.get("KeyId")
    if not name:
        return []
    place = locate(call, name)
    if call.principal.kind == "service" and committed_key(call, place) is None:
        # A service tells its own caller which of both it is: no such key, or a key that does not let it in.
        raise not_found(f"Key '{place.arn}' does not exist")
    return [place.arn]


def context(call: Call, operation: str, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys of a request, those of the key included."""
    keys: dict[str, str | list[str]] = {"kms:CallerAccount": call.account}
    if call.via:
        keys["kms:ViaService"] = f"{call.via}.{call.region}.amazonaws.com"
    if parameters.get("EncryptionContext") is not None:
        keys |= encryption_context_keys(parameters["EncryptionContext"])
    elif operation not in {"CreateGrant", "ReEncrypt"}:
        keys |= context_keys({})
    for member, key in _MEMBERS.items():
        if parameters.get(member) is not None:
            value = parameters[member]
            keys[key] = str(value).lower() if isinstance(value, bool) else str(value)
    if operation == "CreateGrant":
        keys |= _grant_keys(parameters, call.via)
    if operation == "RetireGrant":
        keys["coldframe:grantid"] = _retired(call, parameters)[1]
    _tag_keys(parameters, keys)
    keys |= _key_keys(call, parameters)
    return keys


def resource_policy(call: Call, resource: str) -> tuple[AttachedPolicy | None, bool]:
    """Return the policy of a key with its grants: it must allow, or IAM counts for nothing. Aliases have none."""
    place = place_of(resource)
    if place is None:
        return None, False
    key = committed_key(call, place)
    if key is None:
        return None, False
    return AttachedPolicy(resource, policy_with_grants(key.policy, grants.grants_of(call, place))), True


def encrypting_key(call: Call, parameters: Mapping[str, Any], member: str = "CiphertextBlob") -> Place:
    """Return the key that encrypted a symmetric blob; raises InvalidCiphertextException."""
    blob = parameters.get(member)
    if not blob:
        raise ServiceFault(
            "ValidationException", "CiphertextBlob is required without DryRun and IGNORE_CIPHERTEXT"
        )
    header = blobs.read_header(call.installation.seal, blob)
    # A multi-Region key decrypts where it has a replica; all others only where they encrypted.
    if header.region != call.region and not header.key_id.startswith("mrk-"):
        raise blobs.unreadable()
    return Place(call.partition, header.account, call.region, header.key_id)


def encryption_context_keys(context: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Return the condition keys of an encryption context."""
    keys: dict[str, str | list[str]] = {
        f"kms:EncryptionContext:{key}": value for key, value in context.items()
    }
    if context:
        keys["kms:EncryptionContextKeys"] = list(context)
    return keys | context_keys(dict(context))


_MEMBERS = {
    "BypassPolicyLockoutSafetyCheck": "kms:BypassPolicyLockoutSafetyCheck",
    "EncryptionAlgorithm": "kms:EncryptionAlgorithm",
    "ExpirationModel": "kms:ExpirationModel",
    "KeyAgreementAlgorithm": "kms:KeyAgreementAlgorithm",
    "KeyPairSpec": "kms:DataKeyPairSpec",
    "MacAlgorithm": "kms:MacAlgorithm",
    "MessageType": "kms:MessageType",
    "PendingWindowInDays": "kms:ScheduleKeyDeletionPendingWindowInDays",
    "PrimaryRegion": "kms:PrimaryRegion",
    "ReplicaRegion": "kms:ReplicaRegion",
    "RotationPeriodInDays": "kms:RotationPeriodInDays",
    "SigningAlgorithm": "kms:SigningAlgorithm",
    "WrappingAlgorithm": "kms:WrappingAlgorithm",
    "WrappingKeySpec": "kms:WrappingKeySpec",
    "KeySpec": "kms:KeySpec",
    "KeyUsage": "kms:KeyUsage",
    "Origin": "kms:KeyOrigin",
    "MultiRegion": "kms:MultiRegion",
}


def _with_alias(call: Call, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the alias and the keys that it leaves or comes to."""
    name = parameters["AliasName"]
    found = [alias_arn(call, name)]
    if operation != "CreateAlias":
        alias = call.installation.store.cached(Alias, call.account, call.region, name)
        if alias is not None:
            found.append(Place(call.partition, call.account, call.region, alias.key_id).arn)
    target = parameters.get("TargetKeyId")
    if target and not target.startswith("alias/") and ":alias/" not in target:
        found.append(locate(call, target).arn)
    return found


def _retired(call: Call, parameters: Mapping[str, Any]) -> tuple[Place, str]:
    if parameters.get("GrantToken"):
        return grants.from_token(call, parameters["GrantToken"])
    if not parameters.get("KeyId") or not parameters.get("GrantId"):
        raise ServiceFault(
            "ValidationException", "RetireGrant takes a GrantToken, or a KeyId and a GrantId together."
        )
    return locate(call, parameters["KeyId"]), parameters["GrantId"]


def _grant_keys(parameters: Mapping[str, Any], via: str) -> dict[str, str | list[str]]:
    keys: dict[str, str | list[str]] = {
        "kms:GrantOperations": list(parameters["Operations"]),
        "kms:GrantIsForAWSResource": "true" if via else "false",
    }
    for member in ("GranteePrincipal", "RetiringPrincipal"):
        if parameters.get(member):
            keys[f"kms:{member}"] = parameters[member]
    constraints = parameters.get("Constraints") or {}
    for name, whole in (("EncryptionContextEquals", True), ("EncryptionContextSubset", False)):
        if constraints.get(name) is not None:
            keys["kms:GrantConstraintType"] = name
            keys |= context_keys(constraints[name], whole=whole)
    return keys


def _tag_keys(parameters: Mapping[str, Any], keys: dict[str, str | list[str]]) -> None:
    tags = parameters.get("Tags")
    if tags:
        keys |= {f"aws:RequestTag/{tag['TagKey']}": tag["TagValue"] for tag in tags}
        keys["aws:TagKeys"] = [tag["TagKey"] for tag in tags]
    elif parameters.get("TagKeys"):
        keys["aws:TagKeys"] = list(parameters["TagKeys"])


def _key_keys(call: Call, parameters: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys that the key itself answers."""
    name = parameters.get("KeyId") or parameters.get("TargetKeyId")
    keys: dict[str, str | list[str]] = {}
    if not name or (parameters.get("TargetKeyId") and "alias/" in name):
        return keys
    if "alias/" in name:
        keys["kms:RequestAlias"] = "alias/" + name.partition("alias/")[2]
    key = committed_key(call, locate(call, name))
    if key is None:
        return keys
    return keys | key_keys(call, locate(call, name), key)


def key_keys(call: Call, place: Place, key: Any) -> dict[str, str | list[str]]:
    """Return the condition keys of a key: spec, usage, origin, tags, aliases."""
    keys: dict[str, str | list[str]] = {
        "kms:KeySpec": key.spec,
        "kms:CustomerMasterKeySpec": key.spec,
        "kms:KeyUsage": key.usage,
        "kms:CustomerMasterKeyUsage": key.usage,
        "kms:KeyOrigin": key.origin,
        "kms:MultiRegion": "true" if key.primary else "false",
    }
    if key.primary:
        keys["kms:MultiRegionKeyType"] = "PRIMARY" if key.primary == place.region else "REPLICA"
        keys["kms:PrimaryRegion"] = key.primary
    keys |= {f"aws:ResourceTag/{name}": value for name, value in key.tags.items()}
    with call.installation.store.read() as transaction:
        aliases = transaction.records(place.account, place.region).list(Alias, where={"key_id": key.id})
    if aliases:
        keys["kms:ResourceAliases"] = [alias.name for alias in aliases]
    return keys
