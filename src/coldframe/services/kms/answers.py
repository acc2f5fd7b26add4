"""KeyMetadata: how a key is described to callers."""

from typing import Any

from coldframe.services.kms.lookup import effective_state
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Key
from coldframe.services.kms.specs import specs

_ALGORITHMS = {
    "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
    "SIGN_VERIFY": "SigningAlgorithms",
    "GENERATE_VERIFY_MAC": "MacAlgorithms",
    "KEY_AGREEMENT": "KeyAgreementAlgorithms",
    "ENCAPSULATE_DECAPSULATE": "EncapsulationAlgorithms",
}


def metadata(place: Place, key: Key, now: int) -> dict[str, Any]:
    """Return the KeyMetadata of a key."""
    state = effective_state(key, now)
    answer: dict[str, Any] = {
        "AWSAccountId": place.account,
        "KeyId": key.id,
        "Arn": place.arn,
        "CreationDate": key.created / 1000,
        "Enabled": state == "Enabled",
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": state,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "MultiRegion": bool(key.primary),
        **algorithms(key),
    }
    if state == "PendingDeletion":
        answer["DeletionDate"] = key.deletion / 1000
    if state == "PendingReplicaDeletion":
        answer["PendingDeletionWindowInDays"] = key.deletion_days
    if key.origin == "EXTERNAL" and key.material and state != "PendingImport":
        expires = key.expires
        answer["ExpirationModel"] = "KEY_MATERIAL_EXPIRES" if expires else "KEY_MATERIAL_DOES_NOT_EXPIRE"
        if expires:
            answer["ValidTo"] = expires / 1000
    if key.primary:
        answer["MultiRegionConfiguration"] = _multi_region(place, key)
    if key.spec == "SYMMETRIC_DEFAULT" and key.material:
        answer["CurrentKeyMaterialId"] = key.material
    return answer


def algorithms(key: Key) -> dict[str, list[str]]:
    """Return the algorithms of a key under the member that its usage has."""
    return {_ALGORITHMS[key.usage]: list(specs()[key.spec].usage[key.usage])}


def _multi_region(place: Place, key: Key) -> dict[str, Any]:
    def one(region: str) -> dict[str, str]:
        return {"Arn": place._replace(region=region).arn, "Region": region}

    return {
        "MultiRegionKeyType": "PRIMARY" if key.primary == place.region else "REPLICA",
        "PrimaryKey": one(key.primary),
        "ReplicaKeys": [one(region) for region in sorted(key.regions) if region != key.primary],
    }
