"""What every cryptographic operation begins with: the key, its state, its usage and its algorithm, and the material."""

import base64
from collections.abc import Callable
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import NotBuilt, ServiceFault
from coldframe.services.kms.custody import Custodian
from coldframe.services.kms.dry_run import end_dry_run
from coldframe.services.kms.grants import check_tokens
from coldframe.services.kms.lookup import check_usable, key_at, locate, material_of
from coldframe.services.kms.places import Place
from coldframe.services.kms.records import Key, Material
from coldframe.services.kms.specs import Spec, specs
from coldframe.services.kms.usage import Usage


class Use:
    """A key about to be used by a call: enabled, of the right usage, with material."""

    def __init__(self, call: Call, place: Place, key: Key) -> None:
        self._call = call
        self._custodian = call.part(Custodian)
        self.place = place
        self.key = key

    @property
    def spec(self) -> Spec:
        """The key's spec."""
        return specs()[self.key.spec]

    @property
    def public(self) -> bytes:
        """The DER public half."""
        return base64.b64decode(self.key.public)

    @property
    def name(self) -> str:
        """What the private key is called where it is held."""
        return f"{self.place.arn}/{self.key.material}"

    def material(self, material_id: str = "") -> Material:
        """Return the current material, or the one whose id begins so; raises KMSInvalidStateException when it is gone."""
        found = material_of(self._call, self.place, self.key, material_id)
        if found is None:
            raise ServiceFault("KMSInvalidStateException", f"{self.place.arn} is pending import.")
        return found

    def secret(self, material_id: str = "") -> bytes:
        """Return material in clear."""
        return self._custodian.opened(self.place, self.material(material_id))

    @property
    def load(self) -> Callable[[], bytes]:
        """What gives the private key to those who hold it."""
        return self.secret

    @property
    def private_keys(self) -> Any:
        """Where RSA private keys are used."""
        return self._custodian.private_keys

    def done(self) -> None:
        """Note that the key was used."""
        self._call.part(Usage).note(self._call, self.place)


def begin(call: Call, request: dict[str, Any], usage: str, *, member: str = "KeyId") -> Use:
    """Return the key that a request names, ready to be used; raises the fault of its state or usage."""
    if request.get("Recipient"):
        raise NotBuilt("Recipient takes the attestation of a Nitro enclave, which this machine cannot be.")
    check_tokens(call, request)
    place = locate(call, request[member])
    return begin_at(call, place, usage)


def begin_at(call: Call, place: Place, usage: str, *, action: str = "") -> Use:
    """Return the key at a place, ready to be used; `action` is what it is used for, else the call's operation."""
    key = key_at(call, place)
    check_usable(call, place, key)
    action = action or call.operation
    if key.usage != usage and action in {"Decrypt", "ReEncrypt"}:
        text = "The key ID in the request does not identify a CMK that can perform this operation."
        raise ServiceFault("IncorrectKeyException", text)
    if key.usage != usage:
        raise ServiceFault(
            "InvalidKeyUsageException",
            f"{place.arn} key usage is {key.usage} which is not valid for {action}.",
        )
    return Use(call, place, key)


def check_algorithm(use: Use, algorithm: str) -> None:
    """Raise InvalidKeyUsageException for an algorithm that the key does not have."""
    if algorithm not in use.spec.usage[use.key.usage]:
        raise ServiceFault(
            "InvalidKeyUsageException",
            f"Algorithm {algorithm} is incompatible with key spec {use.key.spec}.",
        )


def end(use: Use, request: dict[str, Any]) -> None:
    """End a dry run here; else note that the key is used."""
    end_dry_run(request)
    use.done()
