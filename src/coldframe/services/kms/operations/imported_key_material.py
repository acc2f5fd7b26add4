"""Imported key material: wrapped by the caller, unwrapped here, and gone when its time is over."""

import base64
from typing import Any

from msgspec.structs import replace

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.services.kms import destroying, importing, making
from coldframe.services.kms.custody import Custodian, Made, WrongMaterial
from coldframe.services.kms.lookup import check_state, invalid, own_key
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Key, Material
from coldframe.services.kms.specs import specs

_BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_ALGORITHMS = frozenset(
    {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"}
)
_LONGEST = 365 * making.DAY
_DIFFERENT = (
    "The key material in the request is expired, invalid, or is not the same key material that was previously"
    " imported into this KMS key."
)


def get_parameters_for_import(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Return a new public key to wrap material with, and the token that goes with it for a day."""
    place, key = _external(call, request["KeyId"])
    algorithm, spec = request["WrappingAlgorithm"], request["WrappingKeySpec"]
    if algorithm not in _ALGORITHMS or spec not in _BITS:
        raise _unsupported(f"{algorithm} with {spec} is not a supported way to wrap key material.")
    if algorithm.startswith("RSAES_OAEP") and specs()[key.spec].kind == "rsa":
        raise invalid(f"RSA key material needs an RSA_AES wrapping algorithm, not {algorithm}.")
    token, public = importing.parameters(call.installation.seal, place, algorithm, _BITS[spec], call.now)
    return {
        "KeyId": place.arn,
        "ImportToken": token,
        "PublicKey": public,
        "ParametersValidTo": (call.now + importing.VALID_MS) / 1000,
    }


def import_key_material(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Take wrapped material into a key: its first, the same again, or for a symmetric key the next one."""
    place, key = _external(call, request["KeyId"])
    expires = _expiry(call, request)
    secret = importing.unwrapped(
        call.installation.seal, place, request["ImportToken"], request["EncryptedKeyMaterial"], call.now
    )
    custodian = call.part(Custodian)
    try:
        made = custodian.check(key.spec, secret)
    except WrongMaterial as error:
        raise ServiceFault("IncorrectKeyMaterialException", f"{_DIFFERENT} ({error})") from error
    material = making.new_material(call, custodian, place, made, imported=True, expires=expires)
    if request.get("KeyMaterialId") not in {None, material.id}:
        raise ServiceFault("IncorrectKeyMaterialException", _DIFFERENT)
    present = call.records.find(Material, key.id, material.id)
    if _is_new(call, request, key, present):
        material = _first_or_next(call, key, material)
    elif present is None:
        raise ServiceFault("IncorrectKeyMaterialException", _DIFFERENT)
    else:
        material = replace(present, sealed=material.sealed, expires=expires, imported=True)
    if request.get("KeyMaterialDescription"):
        material = replace(material, description=request["KeyMaterialDescription"])
    call.records.put(material)
    _take(call, key, material, made)
    answer = {"KeyId": place.arn}
    return {**answer, "KeyMaterialId": material.id} if key.spec == "SYMMETRIC_DEFAULT" else answer


def delete_imported_key_material(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Destroy imported material; the key waits for the same to be imported again."""
    place, key = _external(call, request["KeyId"], "PendingDeletion", "PendingReplicaDeletion")
    wanted = request.get("KeyMaterialId") or key.material
    answer = {"KeyId": place.arn}
    material = call.records.find(Material, key.id, wanted) if wanted else None
    if material is None:
        if request.get("KeyMaterialId"):
            raise ServiceFault("NotFoundException", f"Key material {wanted} of {place.arn} does not exist")
        return answer
    destroying.erase(call.records, call.part(Custodian), place, material)
    if material.state == "PENDING_ROTATION":
        call.records.remove(material)
    elif key.state in {"Enabled", "Disabled"}:
        call.records.put(making.scheduled(making.replaced(key, state="PendingImport", expires=0)))
    return {**answer, "KeyMaterialId": material.id} if key.spec == "SYMMETRIC_DEFAULT" else answer


def _external(call: Call, name: str, *more: str) -> tuple[Place, Key]:
    place, key = own_key(call, name)
    if key.origin != "EXTERNAL":
        raise _unsupported(f"{place.arn} origin is {key.origin} which is not valid for this operation.")
    check_state(call, place, key, "Enabled", "Disabled", "PendingImport", *more)
    return place, key


def _expiry(call: Call, request: dict[str, Any]) -> int:
    """Return when the material expires, 0 for never; raises ValidationException."""
    valid_to = request.get("ValidTo")
    if (request.get("ExpirationModel") or "KEY_MATERIAL_EXPIRES") == "KEY_MATERIAL_DOES_NOT_EXPIRE":
        if valid_to is not None:
            raise invalid(
                "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE"
            )
        return 0
    if valid_to is None:
        raise invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
    expires = int(valid_to.timestamp() * 1000)
    if not call.now < expires <= call.now + _LONGEST:
        raise invalid("The validTo date must be in the future and at most 365 days from now")
    return expires


def _is_new(call: Call, request: dict[str, Any], key: Key, present: Material | None) -> bool:
    """Tell whether material is to be added to the key, and not only brought back."""
    symmetric = key.spec == "SYMMETRIC_DEFAULT"
    kind = request.get("ImportType")
    if kind is not None and not symmetric:
        raise invalid("ImportType is only for symmetric encryption keys.")
    ever = bool(key.material)
    if kind is None:
        kind = "EXISTING_KEY_MATERIAL" if ever else "NEW_KEY_MATERIAL"
    if kind == "NEW_KEY_MATERIAL" and request.get("KeyMaterialId"):
        raise invalid("KeyMaterialId cannot be specified with the ImportType NEW_KEY_MATERIAL.")
    if kind == "NEW_KEY_MATERIAL" and present is not None:
        raise invalid("The key material is already associated with the KMS key.")
    return kind == "NEW_KEY_MATERIAL"


def _first_or_next(call: Call, key: Key, material: Material) -> Material:
    if not key.material:
        return material
    for waiting in call.records.list(Material, key_prefix=(key.id,)):
        if waiting.state == "PENDING_ROTATION":
            text = (
                f"New key material (id: {material.id}) cannot be imported into KMS key {key.id}, because another key"
                f" material (id: {waiting.id}) is pending rotation."
            )
            raise ServiceFault("KMSInvalidStateException", text)
    return replace(material, state="PENDING_ROTATION")


def _take(call: Call, key: Key, material: Material, made: Made) -> None:
    """Bring the key into the state that its materials have it in."""
    if material.state == "PENDING_ROTATION":
        return
    used = [
        row for row in call.records.list(Material, key_prefix=(key.id,)) if row.state != "PENDING_ROTATION"
    ]
    whole = all(row.sealed for row in used)
    changed = making.replaced(
        key,
        material=key.material or material.id,
        public=base64.b64encode(made.public).decode(),
        expires=min((row.expires for row in used if row.expires), default=0),
    )
    if whole and key.state in {"PendingImport", "Enabled"}:
        changed = making.replaced(changed, state="Enabled")
    call.records.put(making.scheduled(changed))


def _unsupported(message: str) -> ServiceFault:
    return ServiceFault("UnsupportedOperationException", message)
