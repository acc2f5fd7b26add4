"""Secret values: encrypted and decrypted with data keys that KMS wraps for the caller."""

import base64
import hashlib
import hmac
import os
from typing import Any, NamedTuple, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import AccessDenied, ServiceFault
from coldframe.services.secretsmanager.lookup import invalid_parameter, invalid_request
from coldframe.services.secretsmanager.records import Version

DEFAULT_KEY = "alias/aws/secretsmanager"
_MOST_BYTES = 65_536


class Value(NamedTuple):
    """A value as a caller gave it: text as UTF-8, or binary."""

    content: bytes
    binary: bool


def given(request: dict[str, Any]) -> Value | None:
    """Return the value in a request, None without one; raises InvalidParameterException for two or too long a one."""
    text, binary = request.get("SecretString"), request.get("SecretBinary")
    if text is not None and binary is not None:
        raise invalid_parameter(
            "You can't specify both a binary secret value and a string secret value in the same secret."
        )
    if text is None and binary is None:
        return None
    value = Value(bytes(binary), True) if binary is not None else Value((text or "").encode(), False)
    if len(value.content) > _MOST_BYTES:
        raise invalid_parameter(f"The secret value is larger than {_MOST_BYTES} bytes.")
    return value


def digest_of(call: Call, arn: str, version_id: str, value: Value) -> str:
    """Return what tells values of one version apart and nothing else, without the installation's key."""
    key = call.installation.seal.key("secretsmanager-same-value")
    place = f"{arn}/{version_id}/{value.binary}/".encode()
    return hmac.digest(key, place + value.content, hashlib.sha256).hex()


def encrypted(
    call: Call, place: tuple[str, str], name: str, version_id: str, value: Value, kms_key: str
) -> Version:
    """Return a version with the value encrypted for a place: the secret's ARN there and the Region.

    No transaction may be open: KMS may make its default key. Raises EncryptionFailure, AccessDenied.
    """
    arn, region = place
    if not kms_key:
        _check_account(call, arn)
    assert call.installation.clients is not None, "the server has clients before it serves"
    kms = call.installation.clients("kms", principal=call.principal, region=region, via="secretsmanager")
    try:
        made = kms.generate_data_key(
            KeyId=kms_key or DEFAULT_KEY, KeySpec="AES_256", EncryptionContext=context(arn, version_id)
        )
    except ClientError as error:
        _refuse(error, "EncryptionFailure", "encrypt")
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(made["Plaintext"]).encrypt(nonce, value.content, version_id.encode())
    return Version(
        name=name,
        id=version_id,
        created=call.now,
        binary=value.binary,
        kms_key=made["KeyId"] if kms_key else "DefaultEncryptionKey",
        wrapped=base64.b64encode(made["CiphertextBlob"]).decode(),
        sealed=base64.b64encode(sealed).decode(),
        digest=digest_of(call, arn, version_id, value),
    )


def decrypted(call: Call, arn: str, version: Version) -> Value:
    """Return the value of a version; raises DecryptionFailure, AccessDenied, InvalidRequestException."""
    if version.kms_key == "DefaultEncryptionKey":
        _check_account(call, arn)
    try:
        key = call.client("kms").decrypt(
            CiphertextBlob=base64.b64decode(version.wrapped), EncryptionContext=context(arn, version.id)
        )["Plaintext"]
    except ClientError as error:
        _refuse(error, "DecryptionFailure", "decrypt")
    sealed = base64.b64decode(version.sealed)
    try:
        content = AESGCM(key).decrypt(sealed[:12], sealed[12:], version.id.encode())
    except InvalidTag as error:
        raise ServiceFault("DecryptionFailure", _sentence("decrypt")) from error
    return Value(content, version.binary)


def _check_account(call: Call, arn: str) -> None:
    """Raise InvalidRequestException for another account's secret: the default key is for its own account."""
    if arn.split(":")[4] != call.account:
        raise invalid_request(
            "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS"
            " service key."
        )


def wrapped_anew(call: Call, arn: str, version: Version, kms_key: str) -> dict[str, str]:
    """Return the fields of a version whose data key another key of KMS wraps from now on."""
    same = context(arn, version.id)
    try:
        made = call.client("kms").re_encrypt(
            CiphertextBlob=base64.b64decode(version.wrapped),
            SourceEncryptionContext=same,
            DestinationKeyId=kms_key or DEFAULT_KEY,
            DestinationEncryptionContext=same,
        )
    except ClientError as error:
        _refuse(error, "EncryptionFailure", "encrypt")
    return {
        "wrapped": base64.b64encode(made["CiphertextBlob"]).decode(),
        "kms_key": made["KeyId"] if kms_key else "DefaultEncryptionKey",
    }


def context(arn: str, version_id: str) -> dict[str, str]:
    """Return the encryption context of a version, as documented."""
    return {"SecretARN": arn, "SecretVersionId": version_id}


def shown(value: Value) -> dict[str, Any]:
    """Return a value under the member that it was given by."""
    if value.binary:
        return {"SecretBinary": value.content}
    return {"SecretString": value.content.decode()}


def _refuse(error: ClientError, code: str, verb: str) -> NoReturn:
    if error.response["Error"]["Code"] == "AccessDeniedException":
        raise AccessDenied("Access to KMS is not allowed") from error
    raise ServiceFault(code, f"{_sentence(verb)} {error.response['Error']['Message']}".strip()) from error


def _sentence(verb: str) -> str:
    return f"Secrets Manager can't {verb} the protected secret text using the provided KMS key."
