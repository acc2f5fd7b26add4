"""What verifying takes and gives: the secret of an access key, what the gateway expects, and who it was."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from coldframe.identity.secret_keys import SecretKey

Family = Literal["query", "json", "rest-json", "ec2", "s3"]


class Secret(msgspec.Struct, frozen=True):
    """What belongs to an access key id. `principal` is whatever the caller of `verify` wants back.

    `session_token` and `expires` (aware, UTC) are set for the temporary credentials of a role session.
    """

    key: SecretKey
    principal: Any = None
    session_token: str | None = None
    expires: datetime | None = None

    def __repr__(self) -> str:
        """Show who, never the secret."""
        return f"Secret({self.principal!r})"


FindSecret = Callable[[str], Secret | None]


class Expectation(msgspec.Struct, frozen=True):
    """What the gateway knows of the call before its signature is looked at.

    `services` and `regions` are the signing names and regions accepted (empty: any). `anonymous` lets a request
    without any signature through. `bucket` is the S3 bucket that the Host header named, for Signature Version 2.
    """

    family: Family
    services: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    anonymous: bool = False
    bucket: str | None = None


class Claim(msgspec.Struct, frozen=True):
    """What a request says about its own signature, from the Authorization header or the query."""

    access_key_id: str
    scope_date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    presigned: bool = False
    expires_seconds: int | None = None

    @property
    def scope(self) -> str:
        """The credential scope, as it stands in the string to sign."""
        return f"{self.scope_date}/{self.region}/{self.service}/aws4_request"


class Verified(msgspec.Struct, frozen=True):
    """Who made a request, and what its signature covers. `date` is when it was signed.

    `payload` is the value that stood for the body in the signature: a hash, UNSIGNED-PAYLOAD or a STREAMING word;
    for the latter `coldframe.gateway.signature.chunked.decode_body` checks and takes off the chunks.
    """

    access_key_id: str = ""
    principal: Any = None
    date: datetime | None = None
    region: str = ""
    service: str = ""
    signed_headers: tuple[str, ...] = ()
    anonymous: bool = False
    payload: str = ""
    signature: str = ""
    presigned: bool = False
    family: Family = "query"
    key: SecretKey | None = None

    def __repr__(self) -> str:
        """Show who, never the secret."""
        return f"Verified({self.access_key_id!r}, {self.principal!r})"
