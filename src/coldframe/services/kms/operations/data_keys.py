"""Data keys and data key pairs: made here, used elsewhere, and wrapped under a symmetric key."""

import os
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.encrypting import SYMMETRIC, encrypt_symmetric
from coldframe.services.kms.lookup import invalid
from coldframe.services.kms.specs import specs
from coldframe.services.kms.using import Use, begin, check_algorithm, end

_SIZES = {"AES_256": 32, "AES_128": 16}


def generate_data_key(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a random data key in clear and wrapped."""
    return _data_key(call, request, plaintext=True)


def generate_data_key_without_plaintext(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a random data key, wrapped only."""
    return _data_key(call, request, plaintext=False)


def generate_data_key_pair(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a key pair whose private half is there in clear and wrapped."""
    return _pair(call, request, plaintext=True)


def generate_data_key_pair_without_plaintext(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a key pair whose private half is wrapped only."""
    return _pair(call, request, plaintext=False)


def generate_random(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return random bytes."""
    if request.get("Recipient"):
        raise NotBuilt("Recipient takes the attestation of a Nitro enclave, which this machine cannot be.")
    if request.get("CustomKeyStoreId"):
        text = f"The custom key store {request['CustomKeyStoreId']} was not found."
        raise ServiceFault("CustomKeyStoreNotFoundException", text)
    if not request.get("NumberOfBytes"):
        raise invalid("NumberOfBytes is required.")
    return {"Plaintext": os.urandom(request["NumberOfBytes"])}


def _data_key(call: Call, request: dict[str, Any], *, plaintext: bool) -> dict[str, Any]:
    use = _wrapping(call, request)
    spec, size = request.get("KeySpec"), request.get("NumberOfBytes")
    if (spec is None) == (size is None):
        raise invalid("Please specify either number of bytes or key spec.")
    end(use, request)
    secret = os.urandom(size or _SIZES[spec or ""])
    answer = {
        "CiphertextBlob": encrypt_symmetric(call, use, secret, request.get("EncryptionContext") or {}),
        "KeyId": use.place.arn,
        "KeyMaterialId": use.key.material,
    }
    return {**answer, "Plaintext": secret} if plaintext else answer


def _pair(call: Call, request: dict[str, Any], *, plaintext: bool) -> dict[str, Any]:
    use = _wrapping(call, request)
    spec = request["KeyPairSpec"]
    if spec == "SM2":
        raise ServiceFault("UnsupportedOperationException", "SM2 key pairs exist in the China Regions only.")
    if spec not in specs():
        raise NotBuilt(f"The cryptographic library here makes no {spec} key pairs.")
    end(use, request)
    made = call.part(Custodian).make(spec)
    context = request.get("EncryptionContext") or {}
    answer = {
        "PrivateKeyCiphertextBlob": encrypt_symmetric(call, use, made.secret, context),
        "PublicKey": made.public,
        "KeyId": use.place.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": use.key.material,
    }
    return {**answer, "PrivateKeyPlaintext": made.secret} if plaintext else answer


def _wrapping(call: Call, request: dict[str, Any]) -> Use:
    use = begin(call, request, "ENCRYPT_DECRYPT")
    if use.spec.asymmetric:
        raise ServiceFault(
            "InvalidKeyUsageException",
            f"{use.place.arn} is an asymmetric key, which is not valid for {call.operation}.",
        )
    check_algorithm(use, SYMMETRIC)
    return use
