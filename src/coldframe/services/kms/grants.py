"""Grants: found, named by tokens, checked before they are made."""

import base64
import binascii
from typing import Any

from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.core.seal import SealBroken
from coldframe.identity.policy_errors import ElementError
from coldframe.identity.principals import compile_principals
from coldframe.services.kms.lookup import invalid
from coldframe.services.kms.places import Place, place_of
from coldframe.services.kms.policies import is_there, principal_of
from coldframe.services.kms.records import Grant, Key
from coldframe.services.kms.specs import specs

_PURPOSE = "kms-grant-token"
_BY_USAGE = {
    "ENCRYPT_DECRYPT": {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"},
    "SIGN_VERIFY": {"Sign", "Verify"},
    "GENERATE_VERIFY_MAC": {"GenerateMac", "VerifyMac"},
    "KEY_AGREEMENT": {"DeriveSharedSecret"},
    "ENCAPSULATE_DECAPSULATE": {"Encapsulate", "Decapsulate"},
}
_DATA_KEYS = {
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
}
_ANY = {"CreateGrant", "RetireGrant", "DescribeKey"}
_PRINCIPALS = (
    "GranteePrincipal",
    "GranteeServicePrincipal",
    "RetiringPrincipal",
    "RetiringServicePrincipal",
)
_MOST_PAIRS = 8
_LONGEST_VALUE = 384


def grants_of(call: Call, place: Place) -> list[Grant]:
    """Return the committed grants of a key, oldest id first."""
    with call.installation.store.read() as transaction:
        records = transaction.records(place.account, place.region)
        return records.list(Grant, key_prefix=(place.id,))


def token_of(call: Call, place: Place, grant_id: str) -> str:
    """Return a new token that names a grant."""
    sealed = call.installation.seal.seal(_PURPOSE, "1", f"{place.arn} {grant_id}".encode())
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def from_token(call: Call, token: str) -> tuple[Place, str]:
    """Return the key and the id of the grant that a token names; raises InvalidGrantTokenException."""
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        arn, _, grant_id = call.installation.seal.open(_PURPOSE, "1", sealed).decode().partition(" ")
    except (binascii.Error, ValueError, SealBroken) as error:
        raise ServiceFault("InvalidGrantTokenException", "Invalid grant token.") from error
    place = place_of(arn)
    assert place is not None, "tokens name keys"
    return place, grant_id


def check_tokens(call: Call, request: dict[str, Any]) -> None:
    """Raise InvalidGrantTokenException for a token that was never given; grants are in force at once without them."""
    for token in request.get("GrantTokens") or ():
        from_token(call, token)


def check_request(call: Call, key: Key, request: dict[str, Any]) -> None:
    """Raise ValidationException for a grant that such a key cannot have, InvalidArnException for principals that are none."""
    grantee, service = request.get("GranteePrincipal"), request.get("GranteeServicePrincipal")
    if bool(grantee) == bool(service):
        raise invalid("You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.")
    if request.get("RetiringPrincipal") and request.get("RetiringServicePrincipal"):
        raise invalid("You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both.")
    for name in _PRINCIPALS:
        if request.get(name):
            _check_principal(call, request[name])
    operations = request["Operations"]
    if not operations:
        raise invalid("Operations must name at least one operation.")
    allowed = _allowed(key)
    if wrong := sorted(set(operations) - allowed):
        raise invalid(f"Grant operations {', '.join(wrong)} are not valid for key {key.id}.")
    _check_constraints(key, request.get("Constraints") or {})
    if service and not (request.get("Constraints") or {}).get("SourceArn"):
        raise invalid("A grant to a service principal needs a SourceArn constraint.")
    if service and not (request.get("RetiringPrincipal") or request.get("RetiringServicePrincipal")):
        raise invalid("A grant to a service principal needs a retiring principal.")


def shown(place: Place, grant: Grant) -> dict[str, Any]:
    """Return a grant as the listings give it."""
    answer: dict[str, Any] = {
        "KeyId": place.arn,
        "GrantId": grant.id,
        "Name": grant.name,
        "CreationDate": grant.created / 1000,
        "GranteeServicePrincipal" if grant.by_service else "GranteePrincipal": grant.grantee,
        "IssuingAccount": f"arn:{place.partition}:iam::{grant.account}:root",
        "Operations": grant.operations,
    }
    if grant.retiring:
        name = "RetiringServicePrincipal" if grant.retired_by_service else "RetiringPrincipal"
        answer[name] = grant.retiring
    constraints: dict[str, Any] = {}
    if grant.equals is not None:
        constraints["EncryptionContextEquals"] = grant.equals
    if grant.subset is not None:
        constraints["EncryptionContextSubset"] = grant.subset
    if grant.source_arn:
        constraints["SourceArn"] = grant.source_arn
    if constraints:
        answer["Constraints"] = constraints
    return answer


def _allowed(key: Key) -> set[str]:
    allowed = _ANY | _BY_USAGE[key.usage]
    spec = specs()[key.spec]
    if spec.kind == "symmetric":
        allowed |= _DATA_KEYS
    if spec.asymmetric:
        allowed |= {"GetPublicKey"}
    return allowed


def _check_principal(call: Call, name: str) -> None:
    try:
        compile_principals(principal_of(name))
    except ElementError as error:
        raise ServiceFault("InvalidArnException", f"{name} is not a valid principal ARN") from error
    # Test suites make up their principals.
    if not is_there(call, name) and not call.installation.settings.dev:
        raise ServiceFault("InvalidArnException", f"ARN does not refer to a valid principal: {name}")


def _check_constraints(key: Key, constraints: dict[str, Any]) -> None:
    for name in ("EncryptionContextEquals", "EncryptionContextSubset"):
        context = constraints.get(name)
        if context is None:
            continue
        if specs()[key.spec].kind != "symmetric":
            raise invalid("Encryption context constraints need a symmetric encryption KMS key.")
        if len(context) > _MOST_PAIRS or any(len(value) > _LONGEST_VALUE for value in context.values()):
            raise invalid(
                f"{name} takes up to {_MOST_PAIRS} pairs of values up to {_LONGEST_VALUE} characters."
            )
