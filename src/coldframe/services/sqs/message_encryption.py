"""How a message is kept: sealed by the server, or under a data key that KMS wraps for whoever sends it."""

import os
from typing import Any, NamedTuple, NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.core.seal import SealBroken
from coldframe.core.struct_types import whole
from coldframe.services.sqs import attributes
from coldframe.services.sqs.lookup import Place, arn_of
from coldframe.services.sqs.records import Queue
from coldframe.services.sqs.storage import Content, decoded, encoded, pack, unpack

_UNDER_KMS = b"\2"
_CONTEXT = "aws:sqs:arn"
_CODES = {
    "AccessDeniedException": "KmsAccessDenied",
    "DisabledException": "KmsDisabled",
    "InvalidKeyUsageException": "KmsInvalidKeyUsage",
    "KMSInvalidStateException": "KmsInvalidState",
    "NotFoundException": "KmsNotFound",
}


class DataKey(NamedTuple):
    """A data key in clear and as KMS wrapped it in the context of a queue."""

    arn: str
    plain: bytes
    wrapped: bytes


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    arn: str
    wrapped: bytes
    sealed: bytes


def data_key(call: Call, place: Place, queue: Queue) -> DataKey | None:
    """Return a new data key for the messages of one request, None for a queue without a KMS key; raises Kms... faults."""
    name = queue.attributes.get("KmsMasterKeyId")
    if not name:
        return None
    arn = arn_of(call, place)
    made = _asked(call, "generate_data_key", KeyId=name, KeySpec="AES_256", EncryptionContext={_CONTEXT: arn})
    return DataKey(arn, bytes(made["Plaintext"]), bytes(made["CiphertextBlob"]))


def keep(call: Call, queue: Queue, key: DataKey | None, identifier: str, content: Content) -> bytes:
    """Return what is kept of a message; it opens only as the body of the message with this id."""
    if key is None:
        sealed = attributes.flag(queue, "SqsManagedSseEnabled")
        return pack(call.installation.seal, identifier, content, sealed=sealed)
    nonce = os.urandom(12)
    sealed_text = nonce + AESGCM(key.plain).encrypt(nonce, encoded(content), identifier.encode())
    return _UNDER_KMS + msgspec.msgpack.encode(_Kept(key.arn, key.wrapped, sealed_text))


def check_reader(call: Call, place: Place, queue: Queue) -> None:
    """Raise the Kms... fault for a reader who may not decrypt, before any message counts as received."""
    name = queue.attributes.get("KmsMasterKeyId")
    if not name:
        return
    try:
        call.client("kms").decrypt(
            KeyId=name,
            EncryptionContext={_CONTEXT: arn_of(call, place)},
            DryRun=True,
            DryRunModifiers=["IGNORE_CIPHERTEXT"],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "DryRunOperationException":
            _refuse(error)


def opened(call: Call, identifier: str, kept: bytes) -> Content:
    """Return what was sent; raises Kms... faults, and SealBroken when it was changed on the disk."""
    if kept[:1] != _UNDER_KMS:
        return unpack(call.installation.seal, identifier, kept)
    found = msgspec.msgpack.decode(kept[1:], type=whole(_Kept))
    answer = _asked(call, "decrypt", CiphertextBlob=found.wrapped, EncryptionContext={_CONTEXT: found.arn})
    try:
        cipher = AESGCM(bytes(answer["Plaintext"]))
        return decoded(cipher.decrypt(found.sealed[:12], found.sealed[12:], identifier.encode()))
    except InvalidTag as error:
        raise SealBroken(f"message {identifier} does not open") from error


def _asked(call: Call, method: str, **parameters: Any) -> Any:
    try:
        return getattr(call.client("kms"), method)(**parameters)
    except ClientError as error:
        _refuse(error)


def _refuse(error: ClientError) -> NoReturn:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise ServiceFault(_CODES.get(code, "KmsInvalidState"), message) from error
