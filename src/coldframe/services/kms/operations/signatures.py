"""Sign, Verify and the public half of a key."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.kms.answers import algorithms
from coldframe.services.kms.grants import check_tokens
from coldframe.services.kms.lookup import check_usable, invalid, key_at, locate
from coldframe.services.kms.private_keys import digest_of, hash_of, sign_other, verified
from coldframe.services.kms.specs import specs
from coldframe.services.kms.using import Use, begin, check_algorithm, end

_MU_BYTES = 64


def sign(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Sign a message, or the digest of one."""
    use, algorithm = _begin(call, request)
    message, mu = _message(request, algorithm)
    end(use, request)
    if algorithm.startswith("RSASSA"):
        signature = use.private_keys.sign(use.name, use.load, algorithm, message)
    else:
        signature = sign_other(use.secret(), algorithm, message, mu=mu)
    return {"KeyId": use.place.arn, "Signature": signature, "SigningAlgorithm": algorithm}


def verify(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Tell that a signature fits a message; one that does not is a fault, which AWS gives no message."""
    use, algorithm = _begin(call, request)
    message, mu = _message(request, algorithm)
    end(use, request)
    if not verified(use.public, algorithm, message, request["Signature"], mu=mu):
        raise ServiceFault("KMSInvalidSignatureException", "")
    return {"KeyId": use.place.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


def get_public_key(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the public half of an asymmetric key, DER SubjectPublicKeyInfo."""
    check_tokens(call, request)
    place = locate(call, request["KeyId"])
    key = key_at(call, place)
    if not specs()[key.spec].asymmetric:
        raise ServiceFault(
            "UnsupportedOperationException",
            f"{place.arn} key spec is {key.spec} which is not valid for {call.operation}.",
        )
    check_usable(call, place, key)
    return {
        "KeyId": place.arn,
        "PublicKey": Use(call, place, key).public,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        **algorithms(key),
    }


def _begin(call: Call, request: dict[str, Any]) -> tuple[Use, str]:
    use = begin(call, request, "SIGN_VERIFY")
    algorithm = request["SigningAlgorithm"]
    if algorithm == "ED25519_PH_SHA_512" and use.spec.kind == "ed25519":
        raise NotBuilt("The cryptographic library here has Ed25519 (ED25519_SHA_512) but not Ed25519ph.")
    check_algorithm(use, algorithm)
    return use, algorithm


def _message(request: dict[str, Any], algorithm: str) -> tuple[bytes, bool]:
    """Return what the algorithm signs: a digest, or for Ed25519 and ML-DSA the message; and whether it is a µ."""
    message, kind = request["Message"], request.get("MessageType") or "RAW"
    if algorithm == "ML_DSA_SHAKE_256":
        if kind == "DIGEST":
            raise invalid(f"MessageType DIGEST is not valid for algorithm {algorithm}.")
        if kind == "EXTERNAL_MU" and len(message) != _MU_BYTES:
            raise invalid(f"Message is invalid length for algorithm {algorithm} and MessageType EXTERNAL_MU.")
        return message, kind == "EXTERNAL_MU"
    if kind == "EXTERNAL_MU" or (kind == "DIGEST" and algorithm.startswith("ED25519")):
        raise invalid(f"MessageType {kind} is not valid for algorithm {algorithm}.")
    if algorithm.startswith("ED25519"):
        return message, False
    if kind == "DIGEST":
        if len(message) != hash_of(algorithm).digest_size:
            raise invalid(f"Digest is invalid length for algorithm {algorithm}.")
        return message, False
    return digest_of(algorithm, message), False
