"""Temporary credentials: everything about them is sealed into the session token, so none are stored."""

import hashlib
import hmac

import msgspec

from coldframe.core import ids
from coldframe.core.seal import Seal, SealBroken
from coldframe.core.struct_types import whole
from coldframe.core.wiping import wipe

_PURPOSE = "session-token"


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a session token stands for.

    `source` is the ARN of the role that was taken on or of the user who asked (GetSessionToken,
    GetFederationToken); `name` the session name; `policies` the session policies' documents; times are seconds since
    the epoch.
    """

    kind: str
    account: str
    source: str
    source_id: str
    name: str
    issued: int
    expires: int
    policies: list[str] = []
    policy_arns: list[str] = []
    tags: dict[str, str] = {}
    transitive: list[str] = []
    mfa: bool = False
    source_identity: str = ""
    assumed_by: str = ""


class Issued(msgspec.Struct, frozen=True):
    """Temporary credentials as STS hands them out; the secret is the caller's to wipe."""

    access_key_id: str
    secret_key: bytearray
    token: str
    expires: int


class InvalidToken(Exception):
    """A session token that this installation never gave, or gave with another access key id."""


def issue(seal: Seal, session: Session) -> Issued:
    """Return new temporary credentials for `session`."""
    key_id = ids.unique_id("ASIA", 16)
    token = seal.seal(_PURPOSE, key_id, msgspec.json.encode(session))
    return Issued(key_id, secret_of(seal, key_id), "IQoJ" + token.hex(), session.expires)


def read(seal: Seal, access_key_id: str, token: str) -> Session:
    """Return the session that a token stands for; raises InvalidToken."""
    try:
        sealed = bytes.fromhex(token.removeprefix("IQoJ"))
        return msgspec.json.decode(seal.open(_PURPOSE, access_key_id, sealed), type=whole(Session))
    except (ValueError, SealBroken, msgspec.DecodeError) as error:
        raise InvalidToken("The security token included in the request is invalid.") from error


def secret_of(seal: Seal, access_key_id: str) -> bytearray:
    """Derive the secret of a temporary key: 40 characters, known only with the master key; the caller wipes it."""
    key = seal.key("session-secret")
    digest = hmac.digest(key, access_key_id.encode(), hashlib.sha256)
    try:
        return ids.text_of(digest, 40)
    finally:
        wipe(key)
        wipe(digest)
