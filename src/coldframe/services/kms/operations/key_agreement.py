"""Secrets shared with somebody else: by Diffie-Hellman on elliptic curves, or by ML-KEM."""

from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from coldframe.core.call import Call
from coldframe.services.kms import blobs
from coldframe.services.kms.lookup import invalid
from coldframe.services.kms.private_keys import shared_secret
from coldframe.services.kms.using import begin, check_algorithm, end


def derive_shared_secret(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the ECDH secret of a key and somebody else's public key."""
    use = begin(call, request, "KEY_AGREEMENT")
    check_algorithm(use, request["KeyAgreementAlgorithm"])
    end(use, request)
    try:
        secret = shared_secret(use.secret(), request["PublicKey"])
    except ValueError as error:
        raise invalid(f"PublicKey is not a DER-encoded {use.key.spec} public key.") from error
    return {
        "KeyId": use.place.arn,
        "SharedSecret": secret,
        "KeyAgreementAlgorithm": request["KeyAgreementAlgorithm"],
        "KeyOrigin": use.key.origin,
    }


def encapsulate(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a new secret and the ciphertext by which the key's holder gets it too."""
    use = begin(call, request, "ENCAPSULATE_DECAPSULATE")
    check_algorithm(use, request["EncapsulationAlgorithm"])
    end(use, request)
    public: Any = load_der_public_key(use.public)
    secret, ciphertext = public.encapsulate()
    return {
        "KeyId": use.place.arn,
        "SharedSecret": secret,
        "SharedSecretCiphertextBlob": ciphertext,
        "EncapsulationAlgorithm": request["EncapsulationAlgorithm"],
    }


def decapsulate(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return the secret that a ciphertext brings; one that was changed brings another secret and no fault."""
    use = begin(call, request, "ENCAPSULATE_DECAPSULATE")
    check_algorithm(use, request["EncapsulationAlgorithm"])
    end(use, request)
    private: Any = load_der_private_key(use.secret(), None)
    try:
        secret = private.decapsulate(request["SharedSecretCiphertextBlob"])
    except ValueError as error:
        raise blobs.unreadable() from error
    return {
        "KeyId": use.place.arn,
        "SharedSecret": secret,
        "EncapsulationAlgorithm": request["EncapsulationAlgorithm"],
    }
