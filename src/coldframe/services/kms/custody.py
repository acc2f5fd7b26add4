"""Custody of key material: made, sealed at rest, opened only for the moment of its use."""

import base64
import hashlib
import hmac
import os
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from coldframe.core.seal import Seal
from coldframe.services.kms.places import Place
from coldframe.services.kms.private_keys import PrivateKeys
from coldframe.services.kms.records import Material
from coldframe.services.kms.specs import Spec, specs

_PURPOSE = "kms-key-material"
_CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
_LATTICES: dict[str, Any] = {
    "ML_DSA_44": mldsa.MLDSA44PrivateKey,
    "ML_DSA_65": mldsa.MLDSA65PrivateKey,
    "ML_DSA_87": mldsa.MLDSA87PrivateKey,
    "ML_KEM_768": mlkem.MLKEM768PrivateKey,
    "ML_KEM_1024": mlkem.MLKEM1024PrivateKey,
}


class WrongMaterial(ValueError):
    """Material that is not of the key spec it was given for; the text says what was expected."""


class Made(NamedTuple):
    """Key material: raw bytes of a symmetric or HMAC key, PKCS#8 DER of a private key and its DER public half."""

    secret: bytes
    public: bytes = b""


class Custodian:
    """Keeps the material of keys; `private_keys` is where private keys are used."""

    def __init__(self, seal: Seal, private_keys: PrivateKeys) -> None:
        self._seal = seal
        self.private_keys = private_keys

    def make(self, spec_name: str) -> Made:
        """Return new random material for a key spec (or the spec of a data key pair)."""
        spec = specs()[spec_name]
        if not spec.asymmetric:
            return Made(os.urandom(spec.size))
        return _encoded(_generated(spec_name, spec))

    def check(self, spec_name: str, secret: bytes) -> Made:
        """Return imported material with its public half; raises WrongMaterial when it is not of the spec."""
        spec = specs()[spec_name]
        if not spec.asymmetric:
            if len(secret) != spec.size:
                raise WrongMaterial(f"{spec_name} takes {spec.size} bytes, not {len(secret)}")
            return Made(secret)
        try:
            key = load_der_private_key(secret, None)
        except (ValueError, TypeError) as error:
            raise WrongMaterial(f"{spec_name} takes a private key in unencrypted PKCS#8 DER form") from error
        if not _fits(spec_name, spec, key):
            raise WrongMaterial(f"the private key is not of key spec {spec_name}")
        return _encoded(key)

    def material_id(self, key_id: str, secret: bytes) -> str:
        """Return the id that this material has in a key: 64 hexadecimal digits that tell nothing about it."""
        return hmac.digest(
            self._seal.key("kms-material-id"), key_id.encode() + b"\0" + secret, hashlib.sha256
        ).hex()

    def sealed(self, place: Place, material_id: str, secret: bytes) -> str:
        """Return material sealed for the one place that it may be opened at."""
        text = self._seal.seal(_PURPOSE, f"{place.arn}/{material_id}", secret)
        return base64.b64encode(text).decode()

    def opened(self, place: Place, material: Material) -> bytes:
        """Return material in clear; whoever asks keeps it no longer than its use takes."""
        return self._seal.open(_PURPOSE, f"{place.arn}/{material.id}", base64.b64decode(material.sealed))


def _generated(name: str, spec: Spec) -> object:
    if spec.kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=spec.size)
    if spec.kind == "ec":
        return ec.generate_private_key(_CURVES[name])
    if spec.kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return _LATTICES[name].generate()


def _encoded(key: object) -> Made:
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    public = key.public_key()  # type: ignore[attr-defined]
    return Made(private, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _fits(name: str, spec: Spec, key: object) -> bool:
    if spec.kind == "rsa":
        return isinstance(key, rsa.RSAPrivateKey) and key.key_size == spec.size
    if spec.kind == "ec":
        return isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == _CURVES[name].name
    if spec.kind == "ed25519":
        return isinstance(key, ed25519.Ed25519PrivateKey)
    return isinstance(key, _LATTICES[name])
