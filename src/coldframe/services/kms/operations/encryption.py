"""Encrypt, Decrypt and ReEncrypt."""

from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt
from coldframe.services.kms.dry_run import end_dry_run
from coldframe.services.kms.encrypting import SYMMETRIC
from coldframe.services.kms.encrypting import decrypt as decrypted
from coldframe.services.kms.encrypting import encrypt as encrypted
from coldframe.services.kms.grants import check_tokens
from coldframe.services.kms.lookup import invalid, key_at, locate
from coldframe.services.kms.permissions import encrypting_key, encryption_context_keys, key_keys
from coldframe.services.kms.using import Use, begin, begin_at, check_algorithm, end

_USAGE = "ENCRYPT_DECRYPT"


def encrypt(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Encrypt up to 4096 bytes under a key."""
    use = begin(call, request, _USAGE)
    algorithm = request.get("EncryptionAlgorithm") or SYMMETRIC
    check_algorithm(use, algorithm)
    end(use, request)
    blob = encrypted(call, use, algorithm, request["Plaintext"], request.get("EncryptionContext"))
    return {"CiphertextBlob": blob, "KeyId": use.place.arn, "EncryptionAlgorithm": algorithm}


def decrypt(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Decrypt a ciphertext; a symmetric one names its key itself."""
    if request.get("Recipient"):
        raise NotBuilt("Recipient takes the attestation of a Nitro enclave, which this machine cannot be.")
    check_tokens(call, request)
    algorithm = request.get("EncryptionAlgorithm") or SYMMETRIC
    use = _decrypting(call, request, "KeyId", algorithm)
    if "IGNORE_CIPHERTEXT" in _modifiers(request):
        end_dry_run(request)
    plain = decrypted(call, use, algorithm, _blob(request), request.get("EncryptionContext"))
    end(use, request)
    answer: dict[str, Any] = {
        "KeyId": use.place.arn,
        "Plaintext": plain.text,
        "EncryptionAlgorithm": algorithm,
    }
    if plain.material:
        answer["KeyMaterialId"] = plain.material
    return answer


def re_encrypt(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Decrypt a ciphertext and encrypt it under another key or context, without showing the plaintext."""
    check_tokens(call, request)
    before = request.get("SourceEncryptionAlgorithm") or SYMMETRIC
    after = request.get("DestinationEncryptionAlgorithm") or SYMMETRIC
    old, new = request.get("SourceEncryptionContext"), request.get("DestinationEncryptionContext")
    name = request.get("SourceKeyId")
    place = locate(call, name) if name else encrypting_key(call, request)
    to = locate(call, request["DestinationKeyId"])
    for action, where, context in (("ReEncryptFrom", place, old), ("ReEncryptTo", to, new)):
        keys = key_keys(call, where, key_at(call, where))
        same = {"kms:ReEncryptOnSameKey": "true" if place == to else "false"}
        call.require(f"kms:{action}", where.arn, {**keys, **same, **encryption_context_keys(context or {})})
    source = _decrypting(call, request, "SourceKeyId", before)
    target = begin_at(call, to, _USAGE, action="ReEncryptTo")
    check_algorithm(target, after)
    if "IGNORE_CIPHERTEXT" in _modifiers(request):
        end_dry_run(request)
    plain = decrypted(call, source, before, _blob(request), old)
    end(source, request)
    target.done()
    answer = {
        "CiphertextBlob": encrypted(call, target, after, plain.text, new),
        "SourceKeyId": source.place.arn,
        "KeyId": target.place.arn,
        "SourceEncryptionAlgorithm": before,
        "DestinationEncryptionAlgorithm": after,
    }
    if plain.material:
        answer["SourceKeyMaterialId"] = plain.material
    if after == SYMMETRIC:
        answer["DestinationKeyMaterialId"] = target.key.material
    return answer


def _decrypting(call: Call, request: dict[str, Any], member: str, algorithm: str) -> Use:
    name = request.get(member)
    if not name and algorithm != SYMMETRIC:
        raise invalid(f"{member} is required when the ciphertext was encrypted under an asymmetric KMS key.")
    place = locate(call, name) if name else encrypting_key(call, request)
    return begin_at(call, place, _USAGE)


def _blob(request: dict[str, Any]) -> bytes:
    """Return the ciphertext, which the model lets one leave out for dry runs alone."""
    blob = request.get("CiphertextBlob")
    if not blob:
        raise invalid("CiphertextBlob is required without DryRun and IGNORE_CIPHERTEXT")
    return bytes(blob)


def _modifiers(request: dict[str, Any]) -> list[str]:
    return list(request.get("DryRunModifiers") or ()) if request.get("DryRun") else []
