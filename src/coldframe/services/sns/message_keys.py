"""Messages of topics under KMS keys: sealed with a data key that KMS wraps for whoever publishes."""

import os
import threading
from collections import OrderedDict
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coldframe.core import arns
from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.core.seal import SealBroken
from coldframe.core.struct_types import whole
from coldframe.identity.caller import Caller
from coldframe.services.sns.outbox import Notification, decoded, encoded, pack, unpack
from coldframe.services.sns.records import Topic

# What the server seals itself begins with twelve random bytes.
_UNDER_KMS = b"under-a-kms-key\0"
_CONTEXT = "aws:sns:topicArn"
_MOST = 1024
# Documented: SNS uses a data key for up to five minutes before it asks KMS again.
_USED_FOR = 300.0
_CODES = {
    "AccessDeniedException": "KMSAccessDenied",
    "DisabledException": "KMSDisabled",
    "InvalidKeyUsageException": "KMSInvalidState",
    "KMSInvalidStateException": "KMSInvalidState",
    "NotFoundException": "KMSNotFound",
}


class KeyRefused(Exception):
    """KMS does not unwrap the data key of a message, such as while its KMS key is disabled."""


class DataKey(NamedTuple):
    """A data key in clear and as KMS wrapped it in the context of a topic."""

    topic: str
    plain: bytes
    wrapped: bytes


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    topic: str
    wrapped: bytes
    sealed: bytes


class MessageKeys:
    """Opens what waits for its delivery; data keys stay in memory for five minutes, as they do at AWS.

    After that, or a restart, KMS is asked for them by the account of the topic, through SNS.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._known: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def new(self, call: Call, arn: arns.Arn, topic: Topic) -> DataKey | None:
        """Return a data key for the messages of one request; None for a topic without a KMS key. Raises KMS... faults."""
        name = topic.attributes.get("KmsMasterKeyId")
        if not name:
            return None
        try:
            made = call.client("kms").generate_data_key(
                KeyId=name, KeySpec="AES_256", EncryptionContext={_CONTEXT: str(arn)}
            )
        except ClientError as error:
            said = error.response["Error"]
            raise ServiceFault(_CODES.get(said["Code"], "KMSInvalidState"), said["Message"]) from error
        key = DataKey(str(arn), bytes(made["Plaintext"]), bytes(made["CiphertextBlob"]))
        self._remember(key.wrapped, key.plain)
        return key

    def keep(self, key: DataKey | None, identifier: str, notification: Notification) -> bytes:
        """Return what is kept of a message; it opens only as the body of the message with this id."""
        if key is None:
            return pack(self._installation.seal, identifier, notification)
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(key.plain).encrypt(nonce, encoded(notification), identifier.encode())
        return _UNDER_KMS + msgspec.msgpack.encode(_Kept(key.topic, key.wrapped, sealed))

    def opened(self, identifier: str, kept: bytes) -> Notification:
        """Return what is to be delivered; raises KeyRefused, and SealBroken when it was changed on the disk."""
        if not kept.startswith(_UNDER_KMS):
            return unpack(self._installation.seal, identifier, kept)
        found = msgspec.msgpack.decode(kept[len(_UNDER_KMS) :], type=whole(_Kept))
        cipher = AESGCM(self._plain(found))
        try:
            return decoded(cipher.decrypt(found.sealed[:12], found.sealed[12:], identifier.encode()))
        except InvalidTag as error:
            raise SealBroken(f"message {identifier} does not open") from error

    def _plain(self, found: _Kept) -> bytes:
        with self._lock:
            known = self._known.get(found.wrapped)
        if known is not None and self._installation.clock.seconds() < known[0]:
            return known[1]
        topic = arns.parse(found.topic)
        root = Caller(
            kind="root",
            arn=f"arn:aws:iam::{topic.account}:root",
            account=topic.account,
            user_id=topic.account,
            service_linked=True,
        )
        assert self._installation.clients is not None, "the server has clients before it delivers"
        kms = self._installation.clients("kms", principal=root, region=topic.region, via="sns")
        try:
            answer = kms.decrypt(CiphertextBlob=found.wrapped, EncryptionContext={_CONTEXT: found.topic})
        except ClientError as error:
            raise KeyRefused(str(error)) from error
        plain = bytes(answer["Plaintext"])
        self._remember(found.wrapped, plain)
        return plain

    def _remember(self, wrapped: bytes, plain: bytes) -> None:
        now = self._installation.clock.seconds()
        with self._lock:
            self._known[wrapped] = (now + _USED_FOR, plain)
            self._known.move_to_end(wrapped)
            while next(iter(self._known.values()))[0] <= now:
                self._known.popitem(last=False)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
